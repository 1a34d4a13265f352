import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HostPort } from '../../base/env.ts'
import type { HttpRequest } from '../../policy/index.ts'
import { reasonOfConnectError } from '../application.ts'
import type { Judgement } from '../judgement.ts'
import { answer, rawAnswer } from './answer.ts'
import { createApplicationAgent } from './application-agent.ts'
import { clientCertHeader, forwardedLines, forwardedTrailers } from './header-lines.ts'
import { createHttpProxy } from './proxy-library.ts'
import type { CheckedRequest, RequestFault } from './request-check.ts'
import { relayResponse } from './response-relay.ts'
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
}

const proxy = createHttpProxy()

/**
 * Serves the requests of one connection, each decided by itself, over connections to the application
 * that live and end with it: they are never shared with another peer, nor with another connection.
 */
export function serveRequests(connection: Duplex, options: RequestProxyOptions): ServedRequests {
  const { host, port } = options.application
  const target = { host, port, protocol: 'http:' }
  const agent = createApplicationAgent(options.connectMs)
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
      const buffer = pipeOf(request, response)
      proxy.web(request, response, { target, agent, buffer, selfHandleResponse: true }, (error) => {
        answer(request, response, 502, reasonOfConnectError(error))
      })
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
      relayWebSocket(request, socket, head, { application: options.application, agent })
    },
    onRefused: options.refused,
  })
  server.serve(connection)
  return { underWay }
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

/**
 * What http-proxy pipes to the request that it makes. It is taken here before a byte is written: the
 * path is the one that was decided on (http-proxy makes `//` of the `/` in `http:/`), and trailers,
 * which http-proxy drops, go on both ways.
 */
function pipeOf(
  request: IncomingMessage,
  response: ServerResponse,
): NodeJS.ReadableStream & Duplex {
  const pipe = (upstream: ClientRequest): ClientRequest => {
    upstream.path = request.url ?? '/'
    upstream.once('response', (message: IncomingMessage) => {
      relayResponse(message, request, response)
    })
    response.once('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    request.once('end', () => {
      const trailers = forwardedTrailers(request.rawTrailers)
      if (trailers.length > 0) upstream.addTrailers(trailers)
      upstream.end()
    })
    return request.pipe(upstream, { end: false })
  }
  return { pipe } as unknown as NodeJS.ReadableStream & Duplex
}
