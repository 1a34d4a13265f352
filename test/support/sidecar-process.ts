import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HostPort } from '../../src/base/env.ts'
import type { Reason } from '../../src/policy/reason.ts'
import { anonymousBytes, residentBytes } from '../../bench/load/usage.ts'
import { FakeController } from './fake-controller.ts'
import {
  allowWebToDb,
  sidecarEnvironment,
  temporaryDirectory,
  type SidecarHome,
  type SidecarWish,
} from './mesh-fixture.ts'
import { eventually } from './poll.ts'

/** The program as it stands in the source. */
const sourceProgram = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))

/** One line of its access log. */
export interface AccessRecord {
  readonly direction: 'egress' | 'ingress'
  readonly reason: Reason
  /** The process that wrote it. */
  readonly pid: number
}

/** A line of its log. */
export interface LogRecord {
  readonly msg: string
  readonly pid: number
}

/** A sidecar in a process of its own. */
export interface SidecarProcess extends AsyncDisposable {
  readonly pid: number
  readonly egressAddresses: readonly HostPort[]
  readonly ingressAddresses: readonly HostPort[]
  readonly records: readonly AccessRecord[]
  /** Everything that its processes have logged. */
  readonly log: readonly LogRecord[]
  /** Its workers that are there now, by process id. */
  workers(): readonly number[]
  residentBytes(): number
  /** Of these, what is in no file and thus its own. */
  anonymousBytes(): number
  /** Its page of metrics. */
  metrics(): Promise<string>
  /** What its page of readiness says. */
  readiness(): Promise<string>
  /** Stops it in its tracks, as a machine that is gone: the kernel goes on taking connections for it. */
  freeze(): void
  thaw(): void
  /** Ends it with the signal; fulfils with its exit code, or null for a signal that it did not handle. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

interface StartRecord {
  readonly msg: string
  readonly egress: readonly HostPort[]
  readonly ingress: readonly HostPort[]
  readonly status: HostPort
}

/** Starts `blazon sidecar` and waits until it is ready. */
export async function startSidecarProcess(
  home: SidecarHome,
  wish: SidecarWish,
  program: string = sourceProgram,
): Promise<SidecarProcess> {
  const environment = await sidecarEnvironment(home, {
    ...wish,
    environment: { BLAZON_METRICS_LISTEN: '127.0.0.1:0', ...wish.environment },
  })
  const child = spawn(process.execPath, [program, 'sidecar'], {
    env: { ...environment, PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const records: AccessRecord[] = []
  const log: LogRecord[] = []
  const pid = child.pid ?? 0
  const end: SidecarProcess['end'] = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit') as Promise<[number | null]>
    child.kill(signal)
    return (await exited)[0]
  }
  try {
    const started = await followLog(child, records, log)
    const status = `http://127.0.0.1:${String(started.status.port)}`
    await eventually('the sidecar to be ready', async () => (await fetch(`${status}/ready`)).ok)
    return {
      egressAddresses: started.egress,
      ingressAddresses: started.ingress,
      records,
      log,
      pid,
      workers: () => childrenOf(pid),
      residentBytes: () => residentBytes(pid),
      anonymousBytes: () => anonymousBytes(pid),
      readiness: async () => await (await fetch(`${status}/ready`)).text(),
      metrics: async () => await (await fetch(`${status}/metrics`)).text(),
      freeze: () => child.kill('SIGSTOP'),
      thaw: () => child.kill('SIGCONT'),
      end,
      [Symbol.asyncDispose]: async () => {
        await end('SIGKILL')
      },
    }
  } catch (error: unknown) {
    await end('SIGKILL')
    throw error
  }
}

/** Fulfils with what the sidecar says when it has started, and goes on to take its access records. */
async function followLog(
  child: ChildProcess,
  records: AccessRecord[],
  log: LogRecord[],
): Promise<StartRecord> {
  const started = Promise.withResolvers<StartRecord>()
  if (child.stdout === null) throw new Error('BUG: no pipe')
  const lines = createInterface(child.stdout)
  lines.on('line', (line) => {
    const record = JSON.parse(line) as StartRecord & AccessRecord
    log.push(record)
    if (record.msg === 'sidecar started') started.resolve(record)
    else if (record.msg === 'connection') records.push(record)
  })
  child.once('exit', (code) => {
    started.reject(new Error(`the sidecar ended with ${String(code)}`))
  })
  return await started.promise
}

/** The processes that a process has started and that are there now. */
function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}

/** `web` and `db`, each behind a sidecar in a process of its own; `web` may reach `db`'s program. */
export interface ProcessMesh extends AsyncDisposable {
  readonly controller: FakeController
  readonly web: SidecarProcess
  readonly db: SidecarProcess
  /** Where the program `web` connects to. */
  readonly entrance: HostPort
}

export async function startProcessMesh(
  application: HostPort,
  environment: Readonly<Record<string, string>> = {},
  program?: string,
): Promise<ProcessMesh> {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await temporaryDirectory())
  const controller = stack.use(await new FakeController().start())
  // A sidecar is ready with its first policy; the port in the right one is known only afterwards.
  controller.setPolicy(allowWebToDb.replace('PORT', '1'))
  const start = async (wish: Omit<SidecarWish, 'stateDirectory'>): Promise<SidecarProcess> =>
    stack.use(
      await startSidecarProcess(
        controller,
        { ...wish, stateDirectory: join(path, wish.name), environment },
        program,
      ),
    )
  const db = await start({ name: 'db', ingress: [application] })
  const [ingress] = db.ingressAddresses
  if (ingress === undefined) throw new Error('BUG: no ingress')
  const version = controller.setPolicy(allowWebToDb.replace('PORT', String(ingress.port)))
  await controller.taken('db', version)
  const web = await start({ name: 'web', egress: [ingress] })
  const [entrance] = web.egressAddresses
  if (entrance === undefined) throw new Error('BUG: no egress')
  const parts = stack.move()
  return {
    ...{ controller, web, db, entrance },
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  }
}
