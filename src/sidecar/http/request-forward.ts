import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HostPort } from '../../base/env.ts'
import { reasonOfConnectError } from '../application.ts'
import { answer, hasBody } from './answer.ts'
import type { HeldBody } from './held-body.ts'
import { forwardedTrailers } from './header-lines.ts'
import { createHttpProxy } from './proxy-library.ts'
import { relayResponse } from './response-relay.ts'

const proxy = createHttpProxy()

/** Passes an allowed request on to the application, with `request.headers`, and its answer back. */
export function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  way: {
    readonly application: HostPort
    readonly agent: Agent
    /** What of its body was read before. */
    readonly body?: HeldBody | undefined
  },
): void {
  const { host, port } = way.application
  let made: ClientRequest | undefined
  const buffer = pipeOf(request, response, (upstream) => {
    made = upstream
    for (const chunk of way.body?.chunks ?? []) upstream.write(chunk)
  })
  const options = {
    ...{ target: { host, port, protocol: 'http:' }, agent: way.agent, buffer },
    selfHandleResponse: true,
  }
  proxy.web(request, response, options, (error) => {
    if (mayRepeat(request, response, made)) forwardRequest(request, response, way)
    else answer(request, response, 502, reasonOfConnectError(error))
  })
}

/**
 * An application may close a kept connection just when the next request is on its way there. What has
 * neither body nor effect is then sent over another one (RFC 9110 9.2.2); on a fresh one that is final.
 */
function mayRepeat(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: ClientRequest | undefined,
): boolean {
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  const isKept = upstream?.reusedSocket === true
  return isSafe && isKept && !hasBody(request) && !response.headersSent && !response.destroyed
}

/**
 * What http-proxy pipes to the request that it makes. It is taken here before a byte is written: the
 * path is the one that was decided on (http-proxy makes `//` of the `/` in `http:/`), and trailers,
 * which http-proxy drops, go on both ways.
 */
function pipeOf(
  request: IncomingMessage,
  response: ServerResponse,
  onUpstream: (upstream: ClientRequest) => void,
): NodeJS.ReadableStream & Duplex {
  const pipe = (upstream: ClientRequest): ClientRequest => {
    onUpstream(upstream)
    upstream.path = request.url ?? '/'
    upstream.once('response', (message: IncomingMessage) => {
      relayResponse(message, request, response)
    })
    response.once('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    const end = (): void => {
      if (upstream.destroyed) return
      const trailers = forwardedTrailers(request.rawTrailers)
      if (trailers.length > 0) upstream.addTrailers(trailers)
      upstream.end()
    }
    if (request.readableEnded) end()
    else request.once('end', end)
    return request.pipe(upstream, { end: false })
  }
  return { pipe } as unknown as NodeJS.ReadableStream & Duplex
}
