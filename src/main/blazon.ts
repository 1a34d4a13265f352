/** The `blazon` program: gives the command line the real streams, environment, clock and signals. */
import { readFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { codeOf } from '../base/errors.ts'
import { runCli, type Host, type Sink } from '../cli/index.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Launchers, npm and the terminal may each deliver the same Ctrl-C; only a later one means "now". */
const sameInterruptMs = 500

/** Aborted by the first interrupt; a second one, half a second later or more, ends the process as it would by default. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let first: number | undefined
  const interrupt = (signal: NodeJS.Signals): void => {
    first ??= performance.now()
    controller.abort()
    if (performance.now() - first < sameInterruptMs) return
    for (const name of signals) process.removeListener(name, interrupt)
    process.kill(process.pid, signal)
  }
  for (const name of signals) process.on(name, interrupt)
  return controller.signal
}

function sink(stream: NodeJS.WriteStream, environment: Environment): Sink {
  return {
    write: (text) => stream.write(text),
    colour:
      stream.isTTY && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb',
  }
}

/** A reader that has had enough, such as `head`, is no failure: what is left is just not written. */
function ignoreClosedReaders(end: () => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (codeOf(error) !== 'EPIPE') throw error
      end()
    })
  }
}

function contextFile(environment: Environment): string {
  const named = environment['BLAZON_CONTEXT']
  if (named !== undefined && named !== '') return named
  const config = environment['XDG_CONFIG_HOME']
  return join(
    config === undefined || config === '' ? join(homeDirectory(), '.config') : config,
    'blazon',
    'context.json',
  )
}

/** What the long-running parts are configured by: our own variable would be an unknown one to them. */
function processEnvironment(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[0] !== 'BLAZON_CONTEXT' && entry[1] !== undefined,
  )
  return Object.fromEntries(entries)
}

/** The uid of a container often has neither HOME nor an entry in /etc/passwd. */
function homeDirectory(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container's uid often has no entry in /etc/passwd.
    return 'administrator'
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}

async function* readStdin(): AsyncGenerator<Buffer> {
  for await (const chunk of process.stdin) yield chunk as Buffer
}

function createHost(signal: AbortSignal): Host {
  const environment = process.env
  return {
    arguments: process.argv.slice(2),
    version: version(),
    stdout: sink(process.stdout, environment),
    stderr: sink(process.stderr, environment),
    stdin: { isTerminal: process.stdin.isTTY, read: readStdin },
    contextFile: contextFile(environment),
    iidKeysFile:
      environment['BLAZON_AWS_IID_KEYS'] === '' ? undefined : environment['BLAZON_AWS_IID_KEYS'],
    userName: userName(),
    clock: systemClock,
    signal,
    launch: {
      controller: async (stop) => {
        const { runController } = await import('./controller.ts')
        await runController(processEnvironment(environment), stop)
      },
      sidecar: async (stop) => {
        const { runSidecar } = await import('./sidecar.ts')
        await runSidecar(processEnvironment(environment), stop)
      },
      intercept: async (options) => {
        const { runIntercept } = await import('./intercept.ts')
        await runIntercept(options)
      },
      datagramGate: async (warn, stop) => {
        const { runDatagramGate } = await import('./intercept.ts')
        await runDatagramGate(warn, stop)
      },
      demo: async (options, stop) => {
        const { runDemo } = await import('../demo/main.ts')
        return await runDemo(options, stop)
      },
    },
  }
}

const brokenPipe = new AbortController()
ignoreClosedReaders(() => {
  brokenPipe.abort()
})
const exitCode = await runCli(createHost(AbortSignal.any([interruptSignal(), brokenPipe.signal])))
process.exitCode = brokenPipe.signal.aborted ? 0 : exitCode
