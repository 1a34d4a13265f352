import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { eventually } from '../../test/support/poll.ts'
import { memoryUse, type MemoryUse } from '../load/memory.ts'
import { cpuSeconds } from '../load/usage.ts'

/** Two proxies with mutual TLS between them: a client that enters at `port` comes out at the backend. */
export interface ProxyPair extends AsyncDisposable {
  readonly port: number
  /** Processor time of both so far, in seconds. */
  cpuSeconds(): number
  /** Of both. */
  memory(): MemoryUse
  /** From the beginning until the first answer of the backend came through, in ms. */
  readonly startMs: number
}

/** What a pair is started with. */
export interface PairWish {
  /** For configuration and logs; nobody else's. */
  readonly directory: string
  /** Where the backend listens on loopback. */
  readonly backend: number
}

/** A kind of proxy that takes part in the comparison. */
export interface Contender {
  readonly name: string
  start(wish: PairWish): Promise<ProxyPair>
}

export interface CommandLine {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

const longestStartMs = 30_000

/** What is sent to see whether the backend answers, or a sidecar is ready, and how the answer begins. */
const probes = {
  echo: { sent: 'E', expected: 'E' },
  http: {
    sent: 'GET /orders/00000000 HTTP/1.1\r\nHost: orders.bench\r\nx-tenant: blue\r\n\r\n',
    expected: 'HTTP/1.1 200 ',
  },
  ready: { sent: 'GET /ready HTTP/1.1\r\nHost: status\r\n\r\n', expected: 'HTTP/1.1 200 ' },
} as const
export type Probe = keyof typeof probes

/** Starts the ends, of which there may be one, and waits for the answer. Their output goes to files. */
export async function startPair(
  directory: string,
  port: number,
  ends: readonly CommandLine[],
  probe: Probe = 'echo',
): Promise<ProxyPair> {
  const startedAt = performance.now()
  const children = ends.map((end, at) => startEnd(end, join(directory, `output-${String(at)}`)))
  const dispose = async (): Promise<void> => {
    await Promise.all(children.map(stop))
  }
  try {
    await eventually(
      'an answer through the proxies',
      () => answers(port, probe, children),
      longestStartMs,
    )
  } catch (error: unknown) {
    await dispose()
    throw error
  }
  const startMs = performance.now() - startedAt
  const pids = (): number[] =>
    children.flatMap(({ pid }) => (pid === undefined ? [] : familyOf(pid)))
  return {
    port,
    startMs,
    cpuSeconds: () => pids().reduce((total, pid) => total + cpuSeconds(pid), 0),
    memory: () => memoryUse(pids()),
    [Symbol.asyncDispose]: dispose,
  }
}

function startEnd(end: CommandLine, output: string): ChildProcess {
  const file = openSync(output, 'w')
  const child = spawn(end.command, end.args, {
    env: { PATH: process.env['PATH'], ...end.environment },
    stdio: ['ignore', file, file],
  })
  closeSync(file)
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  // Workers end with their master at this signal, and no kind of proxy waits for its connections.
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 2_000)
  await exited
  clearTimeout(late)
}

/** Undefined where the answer is not that of the backend yet. Throws where an end has ended. */
async function answers(
  port: number,
  probe: Probe,
  children: readonly ChildProcess[],
): Promise<true | undefined> {
  for (const { exitCode, spawnargs } of children) {
    if (exitCode !== null) throw new Error(`${spawnargs.join(' ')} ended with ${String(exitCode)}`)
  }
  const { sent, expected } = probes[probe]
  const socket = connect({ host: '127.0.0.1', port })
  try {
    return await new Promise((resolve) => {
      for (const event of ['error', 'close']) socket.on(event, () => resolve(undefined))
      socket.on('data', (data) =>
        resolve(data.toString('latin1').startsWith(expected) || undefined),
      )
      socket.setTimeout(1_000, () => resolve(undefined))
      socket.write(sent)
    })
  } finally {
    socket.destroy()
  }
}

/** A process and its children. */
function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
  return [pid, ...children.trim().split(/\s+/).filter(Boolean).map(Number)]
}

/** Ports of loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
