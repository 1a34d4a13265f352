import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const source = fileURLToPath(new URL('traffic.c', import.meta.url))
/** How much longer than it should a run may take. */
const graceMs = 15_000

/** 1 KB there and back on a new connection each, on kept ones, or as the answer to a GET on kept ones. */
export type EchoKind = 'connect' | 'request' | 'http'

/** Echoes per second; latencies in microseconds. */
export interface EchoResult {
  readonly perSecond: number
  readonly done: number
  readonly p50: number
  readonly p99: number
  readonly errors: number
}

export interface BulkResult {
  readonly bytes: number
  readonly megabytesPerSecond: number
  readonly errors: number
}

/** Connections that are open and idle, until they are closed or somebody cuts them. */
export interface IdleConnections extends AsyncDisposable {
  /** Fulfils when all of them have been cut: when they were, on the clock that all processes share. */
  cut(): Promise<CutTimes>
}

export interface CutTimes {
  readonly p50Microseconds: number
  readonly p99Microseconds: number
  readonly lastMicroseconds: number
}

/** The load generator, compiled, and what it can do to a port of loopback. */
export interface Traffic {
  readonly path: string
  echo(kind: EchoKind, port: number, at: number, seconds: number): Promise<EchoResult>
  bulk(kind: 'download' | 'upload', port: number, at: number, seconds: number): Promise<BulkResult>
  idle(port: number, count: number): Promise<IdleConnections>
}

/** Compiles `traffic.c` into `directory`. */
export async function compileTraffic(directory: string, compiler: string): Promise<Traffic> {
  const path = join(directory, 'traffic')
  await run(compiler, ['-O2', '-Wall', '-Wextra', '-Werror', '-o', path, source])
  const load = async (
    kind: string,
    port: number,
    at: number,
    seconds: number,
  ): Promise<unknown> => {
    const words = [kind, String(port), String(at), String(seconds)]
    const { stdout } = await run(path, words, { timeout: seconds * 1_000 + graceMs })
    return JSON.parse(stdout)
  }
  return {
    path,
    echo: async (kind, port, at, seconds) => (await load(kind, port, at, seconds)) as EchoResult,
    bulk: async (kind, port, at, seconds) => (await load(kind, port, at, seconds)) as BulkResult,
    idle: (port, count) => openIdle(path, port, count),
  }
}

async function openIdle(path: string, port: number, count: number): Promise<IdleConnections> {
  const child = spawn(path, ['idle', String(port), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)
  const { errors } = (await nextLine(child, lines)) as { readonly errors: number }
  if (errors > 0) throw new Error(`${String(errors)} of ${String(count)} connections failed`)
  return {
    cut: async () => (await nextLine(child, lines)) as CutTimes,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
    },
  }
}

async function nextLine(child: ChildProcess, lines: Interface): Promise<unknown> {
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => String(text)),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the load generator ended with ${String(code)}`)
    }),
  ])
  return JSON.parse(line)
}
