import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from './account.ts'
import { DemoError } from './demo-error.ts'
import { programEnvironment } from './environment.ts'
import type { Guard } from './guard.ts'
import { thisMachine, type Machine } from './machine.ts'
import { descendantsOf, signalProcess } from './process-tree.ts'

/** A program to start. */
export interface ProcessSpec {
  /** Names its log and stands in messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly account?: Account
  /** This machine unless said. */
  readonly machine?: Machine
  readonly cwd?: string
  /** How this program is asked to end; SIGTERM unless said. */
  readonly stopSignal?: NodeJS.Signals
}

/** A program that runs; disposal ends it with all that it started. */
export interface RunningProcess extends AsyncDisposable {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** Resolves, never rejects, with how it ended, such as `exit code 1`. */
  readonly ended: Promise<string>
  /** As by a crash: SIGKILL, now, to it alone. Resolves when it is gone. */
  crash(): Promise<void>
}

/** A process whose stdin and stdout are ours; stderr goes to its log. */
export interface PipedProcess extends RunningProcess {
  readonly child: ChildProcess
}

/** Starts processes; their output goes to `<logs>/<name>.log`. Disposal ends those still running, all at once. */
export interface Supervisor extends AsyncDisposable {
  start(spec: ProcessSpec): Promise<RunningProcess>
  open(spec: ProcessSpec): Promise<PipedProcess>
  /** Waits for `ready`; throws with the end of the log if the process ends before, or time is up. */
  ready(running: RunningProcess, ready: (signal: AbortSignal) => Promise<void>): Promise<void>
}

const patienceMs = 5_000
const readyMs = 30_000

export function createSupervisor(options: {
  readonly logs: string
  readonly guard: Guard
  readonly signal: AbortSignal
}): Supervisor {
  const started: RunningProcess[] = []
  let isEnding = false

  const launch = async (spec: ProcessSpec, stdio: 'log' | 'pipe'): Promise<PipedProcess> => {
    options.signal.throwIfAborted()
    const running = await launchProcess(spec, stdio, options.logs, options.guard)
    started.push(running)
    if (!isEnding) return running
    await running[Symbol.asyncDispose]()
    throw new DemoError('ERR_START', `${spec.name} was started while everything was being ended`)
  }

  return {
    start: (spec) => launch(spec, 'log'),
    open: (spec) => launch(spec, 'pipe'),
    ready: async (running, ready) => {
      const over = new AbortController()
      const signal = AbortSignal.any([options.signal, over.signal, AbortSignal.timeout(readyMs)])
      const early = running.ended.then((how) => {
        throw new DemoError('ERR_START', `${running.name} ended while it was starting: ${how}`)
      })
      try {
        await Promise.race([ready(signal), early])
      } catch (cause) {
        options.signal.throwIfAborted()
        throw new DemoError(
          'ERR_START',
          `${running.name} is not ready; the end of its log:\n${await tailOf(running.logFile)}`,
          { cause },
        )
      } finally {
        over.abort()
        early.catch(() => undefined) // its end, later on, is no failed start
      }
    },
    [Symbol.asyncDispose]: async () => {
      isEnding = true
      await Promise.all(started.map((running) => running[Symbol.asyncDispose]()))
    },
  }
}

async function launchProcess(
  spec: ProcessSpec,
  stdio: 'log' | 'pipe',
  logs: string,
  guard: Guard,
): Promise<PipedProcess> {
  const logFile = join(logs, `${spec.name}.log`)
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 })
  await once(log, 'open')
  const pipe = stdio === 'pipe' ? 'pipe' : undefined
  const { machine = thisMachine } = spec
  const { command, args, switchTo } = machine.launch(spec.command, spec.args, spec.account)
  const child = spawn(command, args, {
    // A process group of its own: Ctrl-C is for us, and we end it in order.
    detached: true,
    stdio: [pipe ?? 'ignore', pipe ?? log, log],
    env: { ...programEnvironment, ...spec.environment },
    ...switchTo,
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
  })
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${String(code)}`))
    child.once('error', (error) => resolve(error.message))
  })
  log.end()
  if (child.pid === undefined) {
    throw new DemoError('ERR_START', `cannot start ${spec.command}: ${await ended}`)
  }
  return supervise(child, child.pid, spec, { logFile, ended, guard })
}

function supervise(
  child: ChildProcess,
  pid: number,
  spec: ProcessSpec,
  { logFile, ended, guard }: { logFile: string; ended: Promise<string>; guard: Guard },
): PipedProcess {
  const stopSignal = spec.stopSignal ?? 'SIGTERM'
  guard.watch(pid, stopSignal)
  let alive = true
  void ended.then(() => {
    alive = false
    guard.forget(pid)
  })
  const crash = async (): Promise<void> => {
    if (alive) child.kill('SIGKILL')
    await ended
  }
  const stop = async (): Promise<void> => {
    if (!alive) return
    const family = descendantsOf(pid)
    child.kill(stopSignal)
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    await ended
    clearTimeout(timer)
    // What it started has had its chance to end with it.
    for (const facts of family) signalProcess(facts, 'SIGKILL')
  }
  return { name: spec.name, pid, logFile, child, ended, crash, [Symbol.asyncDispose]: stop }
}

const tailBytes = 2_000

/** The last lines of a log, for a message. */
export async function tailOf(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  const tail = text.slice(-tailBytes)
  return text.length > tailBytes ? tail.slice(tail.indexOf('\n') + 1) : tail
}
