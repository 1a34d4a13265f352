import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { eventually } from '../../test/support/poll.ts'
import { cpuSeconds } from '../load/usage.ts'

/** Two proxies with mutual TLS between them: a client that enters at `port` comes out at the backend. */
export interface ProxyPair extends AsyncDisposable {
  readonly port: number
  /** Processor time of both so far, in seconds. */
  cpuSeconds(): number
  /** Proportional set size of both, in bytes. */
  memoryBytes(): number
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

const startMs = 30_000

/** What is sent to see whether the backend answers, and what its answer begins with. */
const probes = {
  echo: { sent: 'E', expected: 'E' },
  http: {
    sent: 'GET /orders/00000000 HTTP/1.1\r\nHost: orders.bench\r\nx-tenant: blue\r\n\r\n',
    expected: 'HTTP/1.1 200 ',
  },
} as const
export type Probe = keyof typeof probes

/** Starts both ends and waits until an answer has come through. Their output goes to files. */
export async function startPair(
  directory: string,
  port: number,
  ends: readonly CommandLine[],
  probe: Probe = 'echo',
): Promise<ProxyPair> {
  const children = ends.map((end, at) => startEnd(end, join(directory, `output-${String(at)}`)))
  const dispose = async (): Promise<void> => {
    await Promise.all(children.map(stop))
  }
  try {
    await eventually('an answer through the proxies', () => answers(port, probe, children), startMs)
  } catch (error: unknown) {
    await dispose()
    throw error
  }
  const sum = (measure: (pid: number) => number): number =>
    children
      .flatMap(({ pid }) => (pid === undefined ? [] : familyOf(pid)))
      .reduce((total, pid) => total + measure(pid), 0)
  return {
    port,
    cpuSeconds: () => sum(cpuSeconds),
    memoryBytes: () => sum(proportionalBytes),
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

function proportionalBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8')
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]
  if (kilobytes === undefined) throw new Error(`expected Pss of process ${String(pid)}`)
  return Number(kilobytes) * 1_024
}

/** Ports of loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
