import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HostPort } from '../../base/env.ts'
import type { HttpRequest } from '../../policy/index.ts'
import type { Judgement } from '../judgement.ts'
import { answer, rawAnswer } from './answer.ts'
import { createApplicationAgent } from './application-agent.ts'
import { clientCertHeader, forwardedLines } from './header-lines.ts'
import type { CheckedRequest, RequestFault } from './request-check.ts'
import { forwardRequest } from './request-forward.ts'
import { createStrictServer } from './strict-server.ts'
import { relayWebSocket } from './web-socket.ts'

/** Policy's word on one request. */
export type RequestVerdict = Pick<Judgement, 'verdict' | 'reason'>

/** The HTTP side of one connection from a peer. */
export interface RequestProxyOptions {
  readonly application: HostPort
  /** How long a connection to the application may take to open. */
  readonly connectMs: number
  /** SPIFFE ID of the peer, as the application is told it; undefined where none was proven. */
  readonly peer: () => string | undefined
  /** Asked for each request when it arrives, so that a change of policy holds for the next one. */
  readonly decide: (request: HttpRequest) => RequestVerdict
  readonly refused: (fault: RequestFault) => void
}

/** A connection whose requests are served. */
export interface ServedRequests {
  /** Allowed requests that are not over: WebSockets, and those whose answers are not finished. */
  readonly underWay: ReadonlySet<HttpRequest>
  /** Ends the connection once no request waits for its answer; a WebSocket is left alone. */
  retire(): void
}

/**
 * Serves the requests of one connection, each decided by itself, over connections to the application
 * that live and end with it: they are never shared with another peer, nor with another connection.
 */
export function serveRequests(connection: Duplex, options: RequestProxyOptions): ServedRequests {
  const agent = createApplicationAgent(options.connectMs)
  const way = { application: options.application, agent }
  connection.once('close', () => {
    agent.destroy()
  })
  const underWay = new Set<HttpRequest>()

  const server = createStrictServer({
    onRequest: (checked, request, response) => {
      const { verdict, reason } = options.decide(checked.request)
      if (verdict === 'deny') {
        answer(request, response, 403, reason)
        return
      }
      underWay.add(checked.request)
      response.once('close', () => underWay.delete(checked.request))
      if (checked.lines.has('expect')) response.writeContinue()
      request.headers = outgoingHeaders(checked, options.peer())
      forwardRequest(request, response, way)
    },
    onUpgrade: (checked, request, socket, head) => {
      const { verdict, reason } = options.decide(checked.request)
      if (verdict === 'deny') {
        socket.end(rawAnswer(403, reason))
        return
      }
      underWay.add(checked.request)
      socket.once('close', () => underWay.delete(checked.request))
      const headers = outgoingHeaders(checked, options.peer())
      request.headers = { ...headers, connection: 'Upgrade', upgrade: 'websocket' }
      relayWebSocket(request, socket, head, way)
    },
    onRefused: options.refused,
  })
  server.serve(connection)
  return {
    underWay,
    retire: () => {
      server.retire(connection)
    },
  }
}

/** What the application is sent instead of what the peer sent. */
function outgoingHeaders(
  { lines }: CheckedRequest,
  peer: string | undefined,
): IncomingMessage['headers'] {
  const headers: IncomingMessage['headers'] =
    peer === undefined ? {} : { [clientCertHeader]: `URI=${peer}` }
  for (const [name, values] of forwardedLines(lines)) {
    headers[name] = values.length === 1 ? values[0] : [...values]
  }
  return headers
}
