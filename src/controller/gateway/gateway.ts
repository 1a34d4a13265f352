import { once, type EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { formatHostPort, type HostPort } from '../../base/env.ts'
import { createSlots, createSourceRate } from '../server/call-limits.ts'
import type { ServerIdentity } from '../server/listener.ts'
import { answerApi, methodOf } from './api.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { isLoopbackHost, originsOf, type GatewayConfig } from './gateway-config.ts'
import { icon, signInPage, signInScript } from './page.ts'
import { checkHost } from './request-guard.ts'
import { answerError, commonHeaders } from './responses.ts'

/** The HTTP gateway, while it is served. */
export interface Gateway extends AsyncDisposable {
  readonly address: HostPort
  /** The origins that it answers to; the first is the one for links. */
  readonly origins: readonly string[]
  /** Shows another certificate from now on, where it shows the controller's own. */
  renew(identity: ServerIdentity): void
}

const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 10_000,
}
const handshakeTimeout = 10_000
const mostConnections = 1_000

/**
 * Serves the Admin API as JSON over HTTP: over HTTPS, or in plain HTTP on loopback alone. Nothing
 * but the Admin service can be reached here, and of that only what `api.ts` lists.
 */
export async function serveGateway(
  config: GatewayConfig,
  identity: ServerIdentity,
  deps: Omit<GatewayDeps, 'mayTry'>,
): Promise<Gateway> {
  if (config.plainHttp && !isLoopbackHost(config.listen.host)) {
    throw new Error(
      `expected plain HTTP on loopback only, got ${formatHostPort(config.listen)}: use HTTPS there`,
    )
  }
  const rate = createSourceRate({ burst: 20, perSecond: 1, sources: 10_000 })
  const mayTry = (source: string): boolean => rate.allow(source, performance.now())
  let origins: readonly string[] = []
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer({ ...deps, mayTry }, origins, request, response).catch((error: unknown) => {
      deps.log.error({ error }, 'gateway request failed')
      response.destroy()
    })
  }
  const tls = config.plainHttp
    ? undefined
    : createTlsServer({ ...limits, handshakeTimeout, ...tlsOptions(config, identity) }, handle)
  const server = tls ?? createServer(limits, handle)
  const slots = createSlots(mostConnections)
  server.on('connection', (socket: Socket) => {
    const leave = slots.take(socket.remoteAddress)
    if (leave === undefined) socket.destroy()
    else socket.once('close', leave)
  })
  server.listen(config.listen)
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo
  origins = originsOf(config, { host, port })
  return {
    address: { host, port },
    origins,
    renew: (renewed) => {
      tls?.setSecureContext(tlsOptions(config, renewed))
    },
    [Symbol.asyncDispose]: () => close(server),
  }
}

function tlsOptions(
  { certificate }: GatewayConfig,
  identity: ServerIdentity,
): { readonly cert: string; readonly key: string; readonly minVersion: 'TLSv1.3' } {
  return {
    cert: certificate?.chain ?? identity.certificateChain,
    key: certificate?.key ?? identity.privateKey,
    minVersion: 'TLSv1.3',
  }
}

async function close(
  server: Pick<Server, 'close' | 'closeAllConnections'> & EventEmitter,
): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

const pages: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/': ['text/html; charset=utf-8', signInPage],
  '/icon.svg': ['image/svg+xml', icon],
  '/sign-in.js': ['text/javascript; charset=utf-8', signInScript],
}

async function answer(
  deps: GatewayDeps,
  origins: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value)
  try {
    checkHost(request, origins)
    const path = request.url ?? ''
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (page !== undefined && (request.method === 'GET' || request.method === 'HEAD')) {
      response.writeHead(200, { 'content-type': page[0] }).end(page[1])
      return
    }
    await answerApi(deps, origins, path, request, response)
  } catch (error: unknown) {
    answerError(deps.adapter, request, response, methodOf(request.url ?? ''), error)
  }
}
