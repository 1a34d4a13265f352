import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { findPrograms } from './programs.ts'

/** How a program that was run to its end did. */
export interface Ran {
  /** Null when a signal ended it, for instance because its time was up. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Uid and gid; root if not given. */
  readonly as?: number
  readonly environment?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** A program that goes on running. */
export interface Program {
  readonly child: ChildProcess
  /** Everything that it has printed, both streams. */
  text(): string
  /** Ends it with a signal and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<void>
}

/** A machine of the test's: a network namespace with an address of each family. */
export interface Machine {
  readonly v4: string
  readonly v6: string
  /** Words that make a command run there. */
  readonly within: readonly string[]
  run(command: readonly string[], options?: RunOptions): Promise<Ran>
  start(command: readonly string[], options?: RunOptions): Program
}

/** Machines on one network, and nothing else; what still runs on them ends with it. */
export interface Network<Name extends string> extends AsyncDisposable {
  readonly machines: Readonly<Record<Name, Machine>>
}

/** Why no network can be made here, or undefined. */
export function whyNoNetwork(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  return process.getuid?.() === 0 ? undefined : 'needs root for network namespaces'
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
let networks = 0

/** Makes one namespace with a bridge and one for each name, joined to it; `10.77.0.N` and `fd77::N`. */
export async function openNetwork<Name extends string>(
  names: readonly Name[],
): Promise<Network<Name>> {
  const { ip, setpriv } = await findPrograms('ip', 'setpriv')
  const tag = `bz${String(process.pid)}-${String(++networks)}`
  const running = new Set<Program>()
  const made: string[] = []
  const exec = async (...words: readonly string[]): Promise<void> => {
    await promisify(execFile)(ip, words)
  }
  const close = async (): Promise<void> => {
    await Promise.all([...running].map((program) => program.end('SIGKILL')))
    for (const namespace of made.toReversed()) await exec('netns', 'del', namespace)
  }

  const add = async (name: string): Promise<string> => {
    const namespace = `${tag}-${name}`
    await exec('netns', 'add', namespace)
    made.push(namespace)
    await exec('-n', namespace, 'link', 'set', 'lo', 'up')
    return namespace
  }
  const wire = async (namespace: string, hub: string, number: number): Promise<void> => {
    const far = `port${String(number)}`
    const inside = ['-n', namespace]
    await exec(
      '-n',
      hub,
      'link',
      'add',
      far,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      namespace,
    )
    await exec('-n', hub, 'link', 'set', far, 'master', 'bridge0', 'up')
    await exec(...inside, 'addr', 'add', `10.77.0.${String(number)}/24`, 'dev', 'eth0')
    // Without duplicate address detection, which takes a second.
    await exec(...inside, 'addr', 'add', `fd77::${String(number)}/64`, 'dev', 'eth0', 'nodad')
    await exec(...inside, 'link', 'set', 'eth0', 'up')
  }
  const machine = (namespace: string, number: number): Machine => {
    const within = [ip, 'netns', 'exec', namespace]
    const start: Machine['start'] = (command, options = {}) => {
      const { as, environment } = options
      const account = as === undefined ? [] : [setpriv, ...accountOptions(as)]
      const program = startProgram([...within, ...account, ...command], {
        PATH: path,
        ...environment,
      })
      running.add(program)
      program.child.once('close', () => running.delete(program))
      return program
    }
    return {
      v4: `10.77.0.${String(number)}`,
      v6: `fd77::${String(number)}`,
      within,
      start,
      run: async (command, options = {}) =>
        await toItsEnd(start(command, options), options.timeoutMs),
    }
  }

  try {
    const hub = await add('hub')
    await exec('-n', hub, 'link', 'add', 'bridge0', 'type', 'bridge', 'forward_delay', '0')
    await exec('-n', hub, 'link', 'set', 'bridge0', 'up')
    const machines: [string, Machine][] = []
    for (const [index, name] of names.entries()) {
      const namespace = await add(name)
      await wire(namespace, hub, index + 1)
      machines.push([name, machine(namespace, index + 1)])
    }
    return {
      machines: Object.fromEntries(machines) as Record<Name, Machine>,
      [Symbol.asyncDispose]: close,
    }
  } catch (error: unknown) {
    await close()
    throw error
  }
}

/** An unprivileged account that need not be in /etc/passwd. */
function accountOptions(id: number): string[] {
  const [uid, gid] = ['--reuid', '--regid'].map((name) => `${name}=${String(id)}`)
  return [uid ?? '', gid ?? '', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all']
}

function startProgram(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Program {
  const [file = '', ...args] = command
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment })
  const closed = once(child, 'close')
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  }
  child.stdin.on('error', () => undefined)
  return {
    child,
    text: () => text,
    end: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await closed
    },
  }
}

async function toItsEnd({ child }: Program, timeoutMs = 20_000): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text: string) => (stdout += text))
  child.stderr?.on('data', (text: string) => (stderr += text))
  child.stdin?.end()
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { code, stdout, stderr }
}
