import { once } from 'node:events'
import type { Socket } from 'node:net'

/** A prime, so that nothing that is lost or said twice in whole blocks goes unnoticed. */
const period = 65_521
const blockBytes = 256 * 1024
const pattern = createPattern()

/** Any stretch of up to a block at any place of the endless stream can be cut out of it. */
function createPattern(): Buffer {
  const bytes = Buffer.allocUnsafeSlow(period + blockBytes)
  let state = 1
  for (let at = 0; at < period; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[at] = state >>> 16
  }
  for (let at = period; at < bytes.length; at++) bytes[at] = bytes[at - period] ?? 0
  return bytes
}

/** Writes the first `count` bytes of the stream, as fast as they are taken. Rejects when the socket closes. */
export async function writePattern(socket: Socket, count: number): Promise<void> {
  for (let at = 0; at < count;) {
    const from = at % period
    const length = Math.min(blockBytes, count - at)
    at += length
    if (socket.destroyed) throw new Error(`the connection is gone at byte ${String(at)}`)
    if (socket.write(pattern.subarray(from, from + length))) continue
    const closed = new AbortController()
    const stop = (): void => {
      closed.abort(new Error(`the connection closed near byte ${String(at)}`))
    }
    socket.once('close', stop)
    await once(socket, 'drain', { signal: closed.signal }).finally(() => socket.off('close', stop))
  }
}

/** Compares what comes with the stream. */
export interface PatternCheck {
  readonly bytes: number
  /** Throws at the first byte that is another one. */
  take(bytes: Buffer): void
}

export function createPatternCheck(): PatternCheck {
  let at = 0
  return {
    get bytes() {
      return at
    },
    take: (bytes) => {
      for (let from = 0; from < bytes.length;) {
        const length = Math.min(blockBytes, bytes.length - from)
        const place = at % period
        if (bytes.compare(pattern, place, place + length, from, from + length) !== 0) {
          throw new Error(
            `another byte than expected between ${String(at)} and ${String(at + length)}`,
          )
        }
        at += length
        from += length
      }
    },
  }
}
