import type { Socket } from 'node:net'
import type { Reason } from '../policy/reason.ts'
import type { StreamHandlers, TunnelStream } from '../tunnel/stream.ts'
import { takeReads } from './shared-read.ts'
import { endWhenFlushed, resetSocket } from './socket-ending.ts'

/** How a relayed connection came to its end. */
export type RelayEnding =
  | { readonly kind: 'finished' } // both sides had said all they wanted
  | { readonly kind: 'socket-reset' } // the local program, or the network to it, broke off
  | { readonly kind: 'stream-reset'; readonly reason: Reason } // the other sidecar broke off
  | { readonly kind: 'cut'; readonly reason: Reason } // this sidecar did

/** What of a stream the relay needs. */
export interface RelayStream extends Pick<
  TunnelStream,
  'write' | 'end' | 'reset' | 'pause' | 'resume' | 'closed'
> {
  /** Whether `write` has no need of its bytes any more when it returns. */
  readonly copies: boolean
}

/** What may wait for a local program that reads too slowly, before its stream is asked to wait. */
const mostWaitingBytes = 256 * 1024

/** Bytes written to the stream, and received from it, so far. */
export interface Carried {
  readonly toStream: number
  readonly fromStream: number
}

/** What carries the bytes of a stream on this side of it: for a relay, a local socket. */
export interface Relay {
  /** To be given to the stream before its first byte. */
  readonly handlers: StreamHandlers
  readonly carried: Carried
  /** Ties the stream to this side: bytes flow from now on. */
  start(stream: RelayStream): void
  /** Ends it as soon as nothing is under way in it, where that can be told. */
  retire?(): void
  /** Ends both at once: the peer is told the reason, the local program sees a reset. */
  cut(reason: Reason): void
}

/**
 * Carries bytes both ways with half-close and back-pressure: a reader that is slow stops the other
 * end, and little is kept here. A reset on either side is a reset on the other.
 * The socket has to be open for half-close (`allowHalfOpen`) and paused.
 */
export function createRelay(socket: Socket, onEnd: (ending: RelayEnding) => void): Relay {
  let stream: RelayStream | undefined
  let ended = false
  const carried = { toStream: 0, fromStream: 0 }

  const end = (ending: RelayEnding): void => {
    if (ended) return
    ended = true
    onEnd(ending)
  }

  const handlers: StreamHandlers = {
    onData: (bytes, hold) => {
      carried.fromStream += bytes.length
      if (!socket.write(bytes, hold()) && socket.writableLength >= mostWaitingBytes) stream?.pause()
    },
    onEnd: () => {
      endWhenFlushed(socket)
    },
    onReset: (reason) => {
      // Without a reason it is the program at the other end that reset its connection.
      end({ kind: 'stream-reset', reason: reason ?? 'connection-reset' })
      resetSocket(socket)
    },
    onDrain: () => {
      socket.resume()
    },
  }

  const follow = (tied: RelayStream): void => {
    const take = (bytes: Buffer): void => {
      carried.toStream += bytes.length
      if (!tied.write(bytes)) socket.pause()
    }
    if (tied.copies) takeReads(socket, take)
    else socket.on('data', take)
    socket.on('drain', () => {
      tied.resume()
    })
    // A paused socket does not end, so nothing waits for the peer's window any more at this point.
    socket.on('end', () => {
      tied.end()
    })
    socket.on('error', () => {
      end({ kind: 'socket-reset' })
      tied.reset()
    })
    socket.on('close', () => {
      // After an end each way the stream is over too; otherwise the program went away in the middle.
      end(tied.closed ? { kind: 'finished' } : { kind: 'socket-reset' })
      tied.reset()
    })
    socket.resume()
  }

  return {
    handlers,
    carried,
    start: (opened) => {
      stream = opened
      if (socket.destroyed) {
        end({ kind: 'socket-reset' })
        opened.reset()
        return
      }
      follow(opened)
    },
    cut: (reason) => {
      end({ kind: 'cut', reason })
      stream?.reset(reason)
      resetSocket(socket)
    },
  }
}
