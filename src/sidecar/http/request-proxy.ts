import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import httpProxy from 'http-proxy'
import type { HostPort } from '../../base/env.ts'
import type { HttpRequest, Reason } from '../../policy/index.ts'
import { answer, rawAnswer } from './answer.ts'
import { clientCertHeader, forwardedLines, forwardedTrailers } from './header-lines.ts'
import type { CheckedRequest, RequestFault } from './request-check.ts'
import { relayResponse } from './response-relay.ts'
import { createStrictServer } from './strict-server.ts'
import { relayWebSocket } from './web-socket.ts'

/** Policy's word on one request. */
export interface RequestVerdict {
  readonly verdict: 'allow' | 'deny'
  readonly reason: Reason
}

/** The HTTP side of one connection from a proven peer. */
export interface RequestProxyOptions {
  readonly application: HostPort
  /** SPIFFE ID of the peer, as the application is told it. */
  readonly peer: string
  /** Asked for each request when it arrives, so that a change of policy holds for the next one. */
  readonly decide: (request: HttpRequest) => RequestVerdict
  readonly decided: (verdict: RequestVerdict) => void
  readonly refused: (fault: RequestFault) => void
}

/** A connection whose requests are served. */
export interface ServedRequests {
  /** Policy has changed: ends a WebSocket that it does not allow any more. */
  recheck(): void
}

const proxy = httpProxy.createProxyServer({})

/**
 * Serves the requests of one connection, each decided by itself, over connections to the application
 * that live and end with it: they are never shared with another peer, nor with another connection.
 */
export function serveRequests(connection: Duplex, options: RequestProxyOptions): ServedRequests {
  const { host, port } = options.application
  const target = { host, port, protocol: 'http:' }
  const agent = new Agent({ keepAlive: true })
  connection.once('close', () => {
    agent.destroy()
  })
  let webSocket: CheckedRequest | undefined
  const judge = ({ request }: CheckedRequest): RequestVerdict => {
    const verdict = options.decide(request)
    options.decided(verdict)
    return verdict
  }

  const server = createStrictServer({
    onRequest: (checked, request, response) => {
      const { verdict, reason } = judge(checked)
      if (verdict === 'deny') {
        answer(request, response, 403, reason)
        return
      }
      if (checked.lines.has('expect')) response.writeContinue()
      request.headers = outgoingHeaders(checked, options.peer)
      const buffer = pipeOf(request, response)
      proxy.web(request, response, { target, agent, buffer, selfHandleResponse: true }, () => {
        answer(request, response, 502, 'application-unreachable')
      })
    },
    onUpgrade: (checked, request, socket, head) => {
      const { verdict, reason } = judge(checked)
      if (verdict === 'deny') {
        socket.end(rawAnswer(403, reason))
        return
      }
      webSocket = checked
      const headers = outgoingHeaders(checked, options.peer)
      request.headers = { ...headers, connection: 'Upgrade', upgrade: 'websocket' }
      relayWebSocket(request, socket, head, options.application)
    },
    onRefused: options.refused,
  })
  server.serve(connection)
  return {
    recheck: () => {
      if (webSocket === undefined || options.decide(webSocket.request).verdict === 'allow') return
      connection.destroy()
    },
  }
}

/** What the application is sent instead of what the peer sent. */
function outgoingHeaders({ lines }: CheckedRequest, peer: string): IncomingMessage['headers'] {
  const headers: IncomingMessage['headers'] = { [clientCertHeader]: `URI=${peer}` }
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
