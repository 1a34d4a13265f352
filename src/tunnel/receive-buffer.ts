import type { OnReadOpts } from 'node:net'

const firstBytes = 64 * 1024
const largestBytes = 256 * 1024
/** Of one TLS record. */
const leastRoomBytes = 16 * 1024

/**
 * Received records one behind the other in large buffers: nothing is allocated for each of them, and
 * what was handed on is never written over, so that it may still be on its way out.
 */
export interface ReceiveBuffer {
  /** For the socket that is read. */
  readonly onread: OnReadOpts
  /** Says who takes what is received; what came before is taken at once. The socket is then to be resumed. */
  follow(take: (bytes: Buffer) => void): void
}

export function createReceiveBuffer(): ReceiveBuffer {
  let buffer = Buffer.allocUnsafeSlow(firstBytes)
  let filled = 0
  let take: ((bytes: Buffer) => void) | undefined
  const early: Buffer[] = []
  return {
    onread: {
      buffer: () => {
        if (buffer.length - filled < leastRoomBytes) {
          buffer = Buffer.allocUnsafeSlow(largestBytes)
          filled = 0
        }
        return buffer.subarray(filled)
      },
      callback: (count, { buffer: memory, byteOffset }) => {
        const bytes = Buffer.from(memory, byteOffset, count)
        filled += count
        if (take === undefined) early.push(bytes)
        else take(bytes)
        // Until somebody takes it, nothing more is read.
        return take !== undefined
      },
    },
    follow: (taker) => {
      take = taker
      for (const bytes of early.splice(0)) taker(bytes)
    },
  }
}
