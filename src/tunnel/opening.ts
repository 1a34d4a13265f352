import type { Reason } from '../policy/reason.ts'
import {
  decodeStreamHeader,
  fixedHeaderBytes,
  streamHeaderLength,
  type StreamHeader,
} from './proxy-v2.ts'
import type { TunnelStream } from './stream.ts'
import type { Timers } from './timers.ts'
import { TunnelError } from './tunnel-error.ts'

/** Reads the header of streams that the peer opens, and announces them when it is whole. */
export interface Openings {
  /** More of a stream that is not accepted yet has come. */
  readonly progress: (stream: TunnelStream) => void
}

export function createOpenings(options: {
  readonly timers: Timers
  readonly headerMs: number
  readonly onStream: (stream: TunnelStream, header: StreamHeader) => void
  /** Resets a stream whose header is wrong or late. */
  readonly refuse: (stream: TunnelStream, reason: Reason) => void
}): Openings {
  const announced = new WeakSet<TunnelStream>()
  const watched = new WeakSet<TunnelStream>()

  const watch = (stream: TunnelStream): void => {
    if (watched.has(stream)) return
    watched.add(stream)
    options.timers.after(options.headerMs, () => {
      if (!announced.has(stream)) options.refuse(stream, 'protocol-error')
    })
  }

  return {
    progress: (stream) => {
      if (announced.has(stream)) return
      const header = readHeader(stream)
      if (header === undefined) {
        if (stream.peerEnded) options.refuse(stream, 'protocol-error')
        else watch(stream)
      } else if (header instanceof TunnelError) {
        options.refuse(stream, header.reason)
      } else {
        announced.add(stream)
        options.onStream(stream, header)
      }
    },
  }
}

/** The header, taken off the stream; undefined while it is not whole. */
function readHeader(stream: TunnelStream): StreamHeader | TunnelError | undefined {
  const fixed = stream.peek(fixedHeaderBytes)
  if (fixed === undefined) return undefined
  try {
    const length = streamHeaderLength(fixed)
    const bytes = stream.peek(length)
    if (bytes === undefined) return undefined
    const header = decodeStreamHeader(bytes)
    stream.discard(length)
    return header
  } catch (error: unknown) {
    if (error instanceof TunnelError) return error
    throw error
  }
}
