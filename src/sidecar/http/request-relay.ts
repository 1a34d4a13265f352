import { Duplex } from 'node:stream'
import type { StreamHandlers } from '../../tunnel/index.ts'
import type { Relay, RelayEnding, RelayStream } from '../relay.ts'

/** How long a peer that has its last answer may take to end its side, before it is reset. */
const lingerMs = 60_000

/** What http-proxy sets on whatever it takes for a TCP socket: a stream has nothing to set. */
const socketSettings = {
  setTimeout: (): void => undefined,
  setNoDelay: (): void => undefined,
  setKeepAlive: (): void => undefined,
}

/**
 * Gives a stream to a server of requests, in the shape of the connection that it takes, with half-close
 * and back-pressure. A connection that the server has ended and then destroyed is not reset: its last
 * answer may still be on its way. One that it destroys in the middle is.
 */
export function createRequestRelay(
  serve: (connection: Duplex) => { retire(): void },
  onEnd: (ending: RelayEnding) => void,
): Relay {
  let stream: RelayStream | undefined
  let isOver = false
  let hasPeerEnded = false
  const carried = { toStream: 0, fromStream: 0 }
  let lingering: NodeJS.Timeout | undefined
  let onRoom: (() => void) | undefined
  let served: { retire(): void } | undefined

  const end = (ending: RelayEnding): void => {
    clearTimeout(lingering)
    if (isOver) return
    isOver = true
    onEnd(ending)
  }

  const finishIfEnded = (): void => {
    if (hasPeerEnded && connection.writableFinished) end({ kind: 'finished' })
  }

  /** The server is done with it. */
  const leave = (): void => {
    if (isOver || stream === undefined) return
    if (connection.writableFinished) {
      lingering = setTimeout(breakOff, lingerMs)
      lingering.unref()
      // What still comes is dropped, so that the peer gets to its end.
      stream.resume()
    } else breakOff()
  }

  const breakOff = (): void => {
    end({ kind: 'socket-reset' })
    stream?.reset()
  }

  const connection = Object.assign(
    new Duplex({
      read: () => stream?.resume(),
      write: (bytes: Buffer, _encoding, done) => {
        carried.toStream += bytes.length
        if (stream?.write(bytes) === true) done()
        else onRoom = done
      },
      final: (done) => {
        stream?.end()
        done()
      },
      destroy: (_error, done) => {
        leave()
        done(null)
      },
    }),
    socketSettings,
  )
  connection.once('finish', finishIfEnded)

  const handlers: StreamHandlers = {
    onData: (bytes) => {
      carried.fromStream += bytes.length
      // A copy: nobody can say when the parser, the body's reader and its socket are done with them.
      if (!connection.destroyed && !connection.push(Buffer.from(bytes))) stream?.pause()
    },
    onEnd: () => {
      hasPeerEnded = true
      if (!connection.destroyed) connection.push(null)
      finishIfEnded()
    },
    onReset: (reason) => {
      end({ kind: 'stream-reset', reason: reason ?? 'connection-reset' })
      connection.destroy()
    },
    onDrain: () => {
      const proceed = onRoom
      onRoom = undefined
      proceed?.()
    },
  }

  return {
    handlers,
    carried,
    start: (opened) => {
      stream = opened
      served = serve(connection)
    },
    retire: () => served?.retire(),
    cut: (reason) => {
      end({ kind: 'cut', reason })
      stream?.reset(reason)
      connection.destroy()
    },
  }
}
