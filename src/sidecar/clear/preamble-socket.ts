import type { Socket } from 'node:net'
import { mayBePreamble, preambleBytes, proofBytes } from './clear-proof.ts'

/**
 * Reads exactly so many bytes of a connection that nobody reads, and leaves the rest in it. Undefined
 * where they do not come in time, or where `isExpected` says of what has come that it is something
 * else; what has come is then back in the socket.
 */
async function readExactly(
  socket: Socket,
  count: number,
  timeoutMs: number,
  isExpected: (bytes: Buffer) => boolean,
): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>()
  let seen: Buffer = Buffer.alloc(0)
  const finish = (bytes: Buffer | undefined): void => {
    clearTimeout(timer)
    socket.off('readable', look).off('end', giveUp).off('close', giveUp)
    const rest = bytes === undefined ? seen : seen.subarray(count)
    if (rest.length > 0 && !socket.readableEnded) socket.unshift(rest)
    resolve(bytes)
  }
  const giveUp = (): void => {
    finish(undefined)
  }
  const look = (): void => {
    for (let chunk: unknown; (chunk = socket.read()) !== null;) {
      seen = Buffer.concat([seen, chunk as Buffer])
    }
    if (!isExpected(seen)) giveUp()
    else if (seen.length >= count) finish(seen.subarray(0, count))
  }
  const timer = setTimeout(giveUp, timeoutMs)
  socket.on('readable', look).on('end', giveUp).on('close', giveUp)
  return await promise
}

/** The preamble with which a connection in clear begins; undefined where it begins otherwise. */
export async function readPreambleFrom(
  socket: Socket,
  timeoutMs: number,
): Promise<Buffer | undefined> {
  return await readExactly(socket, preambleBytes, timeoutMs, mayBePreamble)
}

/** The proof with which the accepting end answers. */
export async function readProofFrom(
  socket: Socket,
  timeoutMs: number,
): Promise<Buffer | undefined> {
  return await readExactly(socket, proofBytes, timeoutMs, () => true)
}
