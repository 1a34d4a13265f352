import type { Socket } from 'node:net'
import type { StreamHandlers, TunnelStream } from '../../tunnel/index.ts'
import { createOutsideStream } from '../outside-stream.ts'
import type { RelayStream } from '../relay.ts'
import { resetSocket } from '../socket-ending.ts'

/** What of the tunnel's stream a connection in clear hangs on. */
export type Lifeline = Pick<TunnelStream, 'end' | 'reset' | 'handle'>

/** How long the connection may be ahead of the tunnel at its end. */
const endingMs = 10_000

/**
 * A proven connection in clear, in the place of a tunnel's stream. The stream that it was agreed on
 * stays open beside it and carries no data: whatever ends the stream (a denial at either end, an expired
 * certificate, the end of the tunnel) ends the connection, with its reason. Each direction ends in both,
 * so that nobody on the way can pass off a part for the whole.
 */
export function createClearStream(
  socket: Socket,
  lifeline: Lifeline,
): RelayStream & { handle(handlers: StreamHandlers): void } {
  const data = createOutsideStream(socket)
  const ended = { here: false, data: false, lifeline: false }
  const isFinished = (): boolean => ended.here && ended.data && ended.lifeline
  let endTimer: NodeJS.Timeout | undefined

  const breakOff = (reason?: Parameters<Lifeline['reset']>[0]): void => {
    clearTimeout(endTimer)
    lifeline.reset(reason)
    resetSocket(socket)
  }

  return {
    copies: data.copies,
    write: data.write,
    pause: data.pause,
    resume: data.resume,
    get closed() {
      return socket.destroyed || isFinished()
    },
    end: () => {
      ended.here = true
      data.end()
      lifeline.end()
    },
    reset: (reason) => {
      if (!isFinished()) breakOff(reason)
    },
    handle: (handlers) => {
      let isOver = false
      const fail: StreamHandlers['onReset'] = (reason) => {
        if (isOver || isFinished()) return
        isOver = true
        breakOff(reason)
        handlers.onReset(reason)
      }
      const endOf = (part: 'data' | 'lifeline') => (): void => {
        ended[part] = true
        if (ended.data && ended.lifeline) {
          clearTimeout(endTimer)
          handlers.onEnd()
        } else if (part === 'data') {
          endTimer = setTimeout(() => {
            fail(undefined)
          }, endingMs)
        }
      }
      lifeline.handle({
        onData: () => {
          fail('protocol-error')
        },
        onEnd: endOf('lifeline'),
        onDrain: () => undefined,
        onReset: fail,
      })
      data.handle({
        ...handlers,
        onEnd: endOf('data'),
        onReset: () => {
          fail(undefined)
        },
      })
    },
  }
}
