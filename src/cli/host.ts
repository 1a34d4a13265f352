import type { Clock } from '../base/clock.ts'
import type { InterceptOptions } from '../intercept/options.ts'

/** Where text goes. */
export interface Sink {
  write(text: string): unknown
  /** Whether a person sees it in colour: a terminal, and NO_COLOR is not set. */
  readonly colour: boolean
}

/** Long-running parts, loaded only when they are asked for. */
export interface Launchers {
  controller(signal: AbortSignal): Promise<void>
  sidecar(signal: AbortSignal): Promise<void>
  /** Loads the rules of transparent capture; without options it removes them. */
  intercept(options: InterceptOptions | undefined): Promise<void>
  /** Holds the gate for datagrams of loaded rules until told to end. */
  datagramGate(warn: (message: string) => void, signal: AbortSignal): Promise<void>
  /** Resolves with the exit code. */
  demo(options: DemoOptions, signal: AbortSignal): Promise<number>
}

/** What the demonstration is told. */
export interface DemoOptions {
  readonly once: boolean
  /** How connections reach the sidecars; undefined = redirected where this machine allows it. */
  readonly capture?: DemoCapture
}

export const demoCaptures = ['explicit', 'redirect'] as const
export type DemoCapture = (typeof demoCaptures)[number]

/** Everything the command line takes from its surroundings; tests give their own. */
export interface Host {
  /** Arguments after the program's name. */
  readonly arguments: readonly string[]
  readonly version: string
  readonly stdout: Sink
  readonly stderr: Sink
  readonly stdin: { readonly isTerminal: boolean; read(): AsyncIterable<Buffer> }
  readonly contextFile: string
  /** Keys of instance identity documents beside those that come with the program. */
  readonly iidKeysFile?: string | undefined
  /** Who logs in when no name is given. */
  readonly userName: string
  readonly clock: Clock
  /** Aborted at the first interrupt. */
  readonly signal: AbortSignal
  readonly launch: Launchers
}
