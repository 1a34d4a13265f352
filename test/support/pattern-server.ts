/**
 * A program of the long tests. A client says in 8 bytes how many it wants, and sends as many as it
 * likes; both are the stream of `pattern.ts`. Once it has ended it gets, behind what it wanted, the
 * count of what it sent; a byte that is another one is a reset.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createPatternCheck, writePattern } from './pattern.ts'

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  serve(socket).catch((error: unknown) => {
    process.stderr.write(`pattern server: ${String(error)}\n`)
    socket.resetAndDestroy()
  })
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.stdout.write(`${String((server.address() as AddressInfo).port)}\n`)
})

async function serve(socket: Socket): Promise<void> {
  const wanted = Promise.withResolvers<number>()
  const ended = Promise.withResolvers<undefined>()
  const check = createPatternCheck()
  let head = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    try {
      check.take(head.length === 8 ? bytes : bytes.subarray(takeHead(bytes)))
    } catch (error: unknown) {
      ended.reject(error)
    }
  })
  const takeHead = (bytes: Buffer): number => {
    const missing = Math.min(8 - head.length, bytes.length)
    head = Buffer.concat([head, bytes.subarray(0, missing)])
    if (head.length === 8) wanted.resolve(Number(head.readBigUInt64BE()))
    return missing
  }
  socket.on('end', () => ended.resolve(undefined))
  // Who has gone away is owed nothing.
  socket.on('close', () => {
    wanted.resolve(0)
    ended.resolve(undefined)
  })
  ended.promise.catch(() => undefined)
  const count = await wanted.promise
  if (count > 0 && !(await writeOrGone(socket, count))) return
  await ended.promise
  const answer = Buffer.alloc(8)
  answer.writeBigUInt64BE(BigInt(check.bytes))
  socket.end(answer)
}

async function writeOrGone(socket: Socket, count: number): Promise<boolean> {
  try {
    await writePattern(socket, count)
    return true
  } catch {
    return false
  }
}
