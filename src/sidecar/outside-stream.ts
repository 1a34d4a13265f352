import type { Socket } from 'node:net'
import { holdNothing, type StreamHandlers } from '../tunnel/index.ts'
import type { RelayStream } from './relay.ts'
import { endWhenFlushed, resetSocket } from './socket-ending.ts'

/**
 * A connection with a peer outside the mesh, in the place of a tunnel's stream: the relay, its limits
 * and its endings are then the same for both. The socket has to be open for half-close and paused; it
 * flows once `handlers` are given.
 */
export function createOutsideStream(
  socket: Socket,
): RelayStream & { handle(handlers: StreamHandlers): void } {
  let hasEnded = false
  let hasBeenEnded = false
  return {
    copies: false,
    write: (bytes) => socket.write(bytes),
    end: () => {
      hasBeenEnded = true
      endWhenFlushed(socket)
    },
    reset: () => {
      // After an end each way there is nothing left to break off.
      if (!hasEnded || !hasBeenEnded) resetSocket(socket)
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    get closed() {
      return socket.destroyed || (hasEnded && hasBeenEnded)
    },
    handle: (handlers) => {
      socket.on('data', (bytes: Buffer) => {
        handlers.onData(bytes, holdNothing)
      })
      socket.on('drain', () => {
        handlers.onDrain()
      })
      const onEnd = (): void => {
        hasEnded = true
        handlers.onEnd()
      }
      // Whoever said nothing and ended was seen to do so before anybody listened here.
      if (socket.readableEnded) onEnd()
      else socket.on('end', onEnd)
      socket.on('close', () => {
        if (!hasEnded || !hasBeenEnded) handlers.onReset(undefined)
      })
      socket.resume()
    },
  }
}
