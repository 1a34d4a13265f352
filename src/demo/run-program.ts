import { spawn } from 'node:child_process'
import type { Account } from './account.ts'
import { programEnvironment } from './environment.ts'
import type { Guard } from './guard.ts'
import { thisMachine, type Machine } from './machine.ts'

/** How a program that was run to its end did. */
export interface ProgramResult {
  /** Undefined when a signal ended it, for instance because its time was up. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
}

export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly account?: Account
  /** 15 s unless said. */
  readonly timeoutMs?: number
}

const mostOutput = 256 * 1024

/** Who looks after a program, and where it runs: on this machine unless said. */
export interface RunContext {
  readonly guard: Guard
  readonly signal: AbortSignal
  readonly machine?: Machine
}

/** Runs a program to its end and collects what it says; rejects only if it cannot be started. */
export function runProgram(
  command: Command,
  { guard, signal, machine = thisMachine }: RunContext,
): Promise<ProgramResult> {
  const timeout = AbortSignal.timeout(command.timeoutMs ?? 15_000)
  const launch = machine.launch(command.command, command.args, command.account)
  const child = spawn(launch.command, launch.args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...programEnvironment, ...command.environment },
    ...launch.switchTo,
    signal: AbortSignal.any([signal, timeout]),
    killSignal: 'SIGKILL',
  })
  const { pid } = child
  if (pid !== undefined) guard.watch(pid, 'SIGKILL')
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8')
    child[name].on('data', (text: string) => {
      output[name] = (output[name] + text).slice(0, mostOutput)
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (pid === undefined) reject(error) // an abort is told by `close` as well
    })
    child.on('close', (code) => {
      if (pid !== undefined) guard.forget(pid)
      if (signal.aborted) reject(signal.reason as Error)
      else resolve({ code: code ?? undefined, ...output, timedOut: timeout.aborted })
    })
  })
}
