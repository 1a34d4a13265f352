import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  checkRequest,
  requestFaults,
  type CheckedRequest,
  type RequestFault,
} from './request-check.ts'

/** Who takes the requests that passed every check. */
export interface RequestHandlers {
  onRequest(checked: CheckedRequest, request: IncomingMessage, response: ServerResponse): void
  /** A WebSocket handshake; `socket` is the handler's from here on. */
  onUpgrade(checked: CheckedRequest, request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** A request was refused and its connection is being closed. */
  onRefused(fault: RequestFault): void
}

/** Bounds of a connection from a peer; reaching one ends it. */
export interface ServerLimits {
  /** Bytes of request line and header lines together. */
  readonly headerBytes: number
  /** From the beginning of the connection, or the end of an answer, to a complete head. */
  readonly headMs: number
  /** Requests that may wait for their answers, which go out one by one. */
  readonly pipelined: number
}

export const defaultServerLimits: ServerLimits = {
  headerBytes: 16_384,
  headMs: 60_000,
  pipelined: 64,
}

/** An HTTP/1.1 server that never listens: connections are given to it. */
export interface StrictServer {
  serve(connection: Duplex): void
  /** Ends a connection once no request on it waits for its answer; a WebSocket is left alone. */
  retire(connection: Duplex): void
}

/** What has come of a connection so far. */
interface Connection {
  /** Requests whose answers are not finished. */
  pending: number
  refused: boolean
  retired: boolean
  upgraded: boolean
  timer: NodeJS.Timeout | undefined
}

/**
 * Whoever sent what could be read in two ways gets a 400 and a closed connection, because where its
 * next request begins is in doubt as well: nothing that follows on that connection is served.
 */
export function createStrictServer(
  handlers: RequestHandlers,
  limits: ServerLimits = defaultServerLimits,
): StrictServer {
  const connections = new WeakMap<Duplex, Connection>()

  /** Node runs its own timers for heads only in a server that listens. */
  const awaitHead = (socket: Duplex, connection: Connection): void => {
    clearTimeout(connection.timer)
    connection.timer = setTimeout(() => {
      socket.end(() => socket.destroy())
    }, limits.headMs)
    connection.timer.unref()
  }

  const endIfIdle = (socket: Duplex, connection: Connection): void => {
    if (connection.pending > 0 || connection.upgraded || connection.refused) return
    if (connection.retired) socket.end(() => socket.destroy())
    else awaitHead(socket, connection)
  }

  /** The connection of a new request; undefined where nothing is served any more. */
  const begin = (socket: Duplex): Connection | undefined => {
    const connection = connections.get(socket)
    if (connection === undefined || connection.refused) return undefined
    clearTimeout(connection.timer)
    return connection
  }

  /** An answer in the middle of another one would be taken for a part of it. */
  const refuse = (socket: Duplex, fault: RequestFault): void => {
    const connection = begin(socket)
    if (connection === undefined) return
    connection.refused = true
    handlers.onRefused(fault)
    if (connection.pending > 0 || !socket.writable) socket.destroy()
    else socket.end(refusal(fault), () => socket.destroy())
  }

  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    const connection = begin(socket)
    if (connection === undefined) return
    const checked = checkRequest(request)
    if (typeof checked === 'string' || checked.isUpgrade) {
      refuse(socket, typeof checked === 'string' ? checked : 'upgrade')
      return
    }
    if (connection.pending >= limits.pipelined) {
      refuse(socket, 'pipelining')
      return
    }
    connection.pending++
    response.once('close', () => {
      connection.pending--
      if (!socket.destroyed) endIfIdle(socket, connection)
    })
    if (connection.retired) response.shouldKeepAlive = false
    handlers.onRequest(checked, request, response)
  }

  const takeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const connection = begin(socket)
    if (connection === undefined) return
    const checked = checkRequest(request)
    if (typeof checked === 'string' || !checked.isUpgrade || connection.pending > 0) {
      refuse(socket, typeof checked === 'string' ? checked : 'upgrade')
    } else {
      connection.upgraded = true
      handlers.onUpgrade(checked, request, socket, head)
    }
  }

  const server = createServer({
    insecureHTTPParser: false,
    requireHostHeader: false, // Checked with the rest, so that its answer is like theirs.
    maxHeaderSize: limits.headerBytes,
    requestTimeout: 0, // A body may take as long as it takes: nothing of it is held.
    headersTimeout: 0,
    keepAliveTimeout: 0,
  })
  // A client that has sent its last request may end its side at once, and still gets its answers.
  Object.assign(server, { httpAllowHalfOpen: true })
  // Node would drop the lines beyond its count, and the checks would not see them.
  server.maxHeadersCount = 0
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take)
  server.on('upgrade', takeUpgrade)
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuse(socket, 'method')
  })
  server.on('clientError', (_error: Error, socket: Duplex) => {
    refuse(socket, 'malformed')
    if (!socket.writable) socket.destroy()
  })

  return {
    serve: (socket) => {
      const state = { refused: false, retired: false, upgraded: false }
      const connection: Connection = { pending: 0, ...state, timer: undefined }
      connections.set(socket, connection)
      socket.once('close', () => {
        clearTimeout(connection.timer)
      })
      awaitHead(socket, connection)
      server.emit('connection', socket)
    },
    retire: (socket) => {
      const connection = connections.get(socket)
      if (connection === undefined || socket.destroyed) return
      connection.retired = true
      endIfIdle(socket, connection)
    },
  }
}

/** A whole answer, written past Node's own: no later one may follow on this connection. */
function refusal(fault: RequestFault): string {
  const body = `blazon: bad request: ${requestFaults[fault]}\n`
  return [
    'HTTP/1.1 400 Bad Request',
    `Blazon-Reason: ${fault}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}
