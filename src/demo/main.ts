import { messageOf } from '../base/errors.ts'
import type { DemoOptions } from '../cli/host.ts'
import { allowed } from './acts/allowed.ts'
import { captured } from './acts/captured.ts'
import { commands } from './acts/commands.ts'
import { denied } from './acts/denied.ts'
import { flows } from './acts/flows.ts'
import { guarded } from './acts/guarded.ts'
import { identities } from './acts/identities.ts'
import { observed } from './acts/observed.ts'
import { requests } from './acts/requests.ts'
import { restarted } from './acts/restarted.ts'
import { revoked } from './acts/revoked.ts'
import { stolen } from './acts/stolen.ts'
import { wire } from './acts/wire.ts'
import { prepareBackstage } from './backstage.ts'
import { chooseForm } from './capture-form.ts'
import { raiseWorld, type RaisedWorld } from './raise.ts'
import { createReport, type Output, type Report } from './report.ts'
import { tailOf } from './supervisor.ts'
import { whatToTry } from './what-to-try.ts'
import type { Act } from './world.ts'

const acts: readonly Act[] = [
  allowed,
  denied,
  requests,
  captured,
  guarded,
  observed,
  identities,
  flows,
  revoked,
  stolen,
  restarted,
  wire,
  commands,
]

/**
 * Runs the demonstration: real programs behind real sidecars, everything on loopback or, with
 * redirection, in network namespaces of its own. With `once` it ends after its checks; otherwise it says what to try and runs until `signal` aborts. Resolves with
 * the exit code: 0 when every check held.
 */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const output = standardOutput()
  const report = createReport(output, signal)
  const ending = (): void => void output.write('\nending everything ...\n')
  signal.addEventListener('abort', ending, { once: true })
  try {
    const form = await chooseForm(options.capture, signal)
    await using backstage = await prepareBackstage(signal, form)
    await using world = await raiseWorld(backstage, report)
    await play(world, report, signal)
    const [checked, failed] = [report.checked(), report.failed()]
    output.write(`\n${String(checked - failed)} of ${String(checked)} checks held\n`)
    if (failed > 0) await showLogs(world, output)
    if (!options.once) await keepRunning(world, output, signal)
    if (!signal.aborted) ending()
  } catch (error: unknown) {
    if (!signal.aborted) output.write(`\nerror: ${messageOf(error)}\n`)
    return signal.aborted && !options.once ? 0 : 1
  }
  return report.failed() === 0 ? 0 : 1
}

/** Plays every act; one that cannot go on does not keep the next ones from being shown. */
async function play(world: RaisedWorld, report: Report, signal: AbortSignal): Promise<void> {
  for (const act of acts) {
    try {
      await act(world, report)
    } catch (error: unknown) {
      signal.throwIfAborted()
      report.fail(messageOf(error))
    }
  }
}

function standardOutput(): Output {
  const { stdout, env } = process
  return {
    write: (text) => stdout.write(text),
    colour: stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
  }
}

/** Until the signal, or until a process that should run does not. */
async function keepRunning(world: RaisedWorld, output: Output, signal: AbortSignal): Promise<void> {
  output.write(`${whatToTry(world, output.colour)}\n`)
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const machines = [...world.backstage.machines.values()].map(({ holder }) => holder)
  const processes = [world.controller.running(), ...world.sidecars, ...machines]
  const first = await Promise.race([
    aborted,
    ...processes.map(async ({ name, ended, logFile }) => ({ name, how: await ended, logFile })),
  ])
  if (first === undefined) return
  const { name, how, logFile } = first
  throw new Error(`${name} ended: ${how}; the end of its log:\n${await tailOf(logFile)}`)
}

/** The directory with the logs is about to go. */
async function showLogs({ controller, sidecars }: RaisedWorld, output: Output): Promise<void> {
  for (const { name, logFile } of [controller.running(), ...sidecars]) {
    output.write(`\n── ${name}\n${await tailOf(logFile)}`)
  }
}
