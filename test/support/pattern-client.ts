import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { HostPort } from '../../src/base/env.ts'
import { createPatternCheck, writePattern } from './pattern.ts'

const program = fileURLToPath(new URL('pattern-server.ts', import.meta.url))

/** `pattern-server.ts` in a process of its own. */
export async function startPatternServer(): Promise<AsyncDisposable & { address: HostPort }> {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [text] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    address: { host: '127.0.0.1', port: Number(text.toString()) },
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A connection to `pattern-server.ts`. */
export interface PatternClient {
  readonly socket: Socket
  /** Bytes of the pattern that have come. */
  readonly received: number
  /** Fulfils when so many have come; rejects when the connection ends before, or a byte is another one. */
  until(bytes: number): Promise<void>
  /** Sends so many and ends. Fulfils with how many the server has counted, once it has ended too. */
  finish(bytes: number): Promise<number>
}

/** Connects and asks for so many bytes. */
export async function connectPattern(to: HostPort, wanted: number): Promise<PatternClient> {
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true })
  const over = Promise.withResolvers<undefined>()
  over.promise.catch(() => undefined)
  const all = Promise.withResolvers<undefined>()
  const check = createPatternCheck()
  const marks = new Map<number, () => void>()
  let tail = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    const length = Math.min(bytes.length, wanted - check.bytes)
    try {
      check.take(bytes.subarray(0, length))
    } catch (error: unknown) {
      socket.destroy(error as Error)
    }
    if (length < bytes.length) tail = Buffer.concat([tail, bytes.subarray(length)])
    for (const [mark, reached] of marks) if (check.bytes >= mark) reached()
  })
  socket.on('end', () => all.resolve(undefined))
  socket.on('error', over.reject)
  socket.on('close', () => {
    over.reject(new Error('the connection is closed'))
  })
  await Promise.race([once(socket, 'connect'), over.promise])
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(BigInt(wanted))
  socket.write(head)
  return {
    socket,
    get received() {
      return check.bytes
    },
    until: async (bytes) => {
      if (check.bytes >= bytes) return
      const reached = new Promise<void>((resolve) => marks.set(bytes, resolve))
      await Promise.race([reached, over.promise])
      marks.delete(bytes)
    },
    finish: async (bytes) => {
      await writePattern(socket, bytes)
      socket.end()
      await Promise.race([all.promise, over.promise])
      if (check.bytes !== wanted || tail.length !== 8) {
        throw new Error(`expected ${String(wanted)} bytes and a count, got ${String(check.bytes)}`)
      }
      return Number(tail.readBigUInt64BE())
    },
  }
}
