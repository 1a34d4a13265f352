import { runCli, type Host, type Launchers } from '../../src/cli/index.ts'

export interface CliRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const notLaunched: Launchers = {
  controller: () => Promise.reject(new Error('the controller was launched')),
  sidecar: () => Promise.reject(new Error('the sidecar was launched')),
  intercept: () => Promise.reject(new Error('rules were changed')),
  datagramGate: () => Promise.reject(new Error('a gate was opened')),
  demo: () => Promise.reject(new Error('the demonstration was launched')),
}

/** Runs one command line in process, with its output kept. */
export async function runBlazon(
  words: readonly string[],
  surroundings: {
    readonly contextFile?: string
    readonly iidKeysFile?: string
    readonly now?: number
    readonly stdin?: string
    readonly signal?: AbortSignal
    readonly launch?: Partial<Launchers>
    readonly colour?: boolean
    /** Sees everything written so far on stdout, after each write. */
    readonly onStdout?: (text: string) => void
  } = {},
): Promise<CliRun> {
  let stdout = ''
  let stderr = ''
  const now = surroundings.now ?? Date.now()
  const host: Host = {
    arguments: words,
    version: '1.2.3',
    stdout: {
      write: (text) => {
        stdout += text
        surroundings.onStdout?.(stdout)
      },
      colour: surroundings.colour ?? false,
    },
    stderr: {
      write: (text) => {
        stderr += text
      },
      colour: false,
    },
    stdin: {
      isTerminal: surroundings.stdin === undefined,
      read: async function* () {
        yield Buffer.from(surroundings.stdin ?? '')
      },
    },
    contextFile: surroundings.contextFile ?? '/nonexistent/context.json',
    iidKeysFile: surroundings.iidKeysFile,
    userName: 'ada',
    clock: { now: () => now, monotonic: () => 0 },
    signal: surroundings.signal ?? new AbortController().signal,
    launch: { ...notLaunched, ...surroundings.launch },
  }
  const code = await runCli(host)
  return { code, stdout, stderr }
}
