import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HostPort } from '../../base/env.ts'
import { reasonOfConnectError } from '../application.ts'
import { rawAnswer } from './answer.ts'
import { createHttpProxy } from './proxy-library.ts'

const proxy = createHttpProxy()

/**
 * Passes a WebSocket handshake on to the application, over a connection that is its own from then on, and
 * ties both ends together: the end of either is the end of the other. `request.headers` are those to be sent.
 */
export function relayWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { application, agent }: { readonly application: HostPort; readonly agent: Agent },
): void {
  const { host, port } = application
  const target = { host, port, protocol: 'http:' }
  proxy.ws(request, socket, head, { target, agent }, (error) => {
    if (tied.has(socket) || answered.has(socket)) socket.destroy()
    else if (socket.writable) socket.write(rawAnswer(502, reasonOfConnectError(error)))
  })
}

/** Sockets whose handshake the application has accepted, or has answered otherwise. */
const tied = new WeakSet<Duplex>()
const answered = new WeakSet<Duplex>()

proxy.on('proxyReqWs', (upstream: ClientRequest, request, socket: Duplex) => {
  // The path that was decided on: http-proxy makes `//` of the `/` in `http:/`.
  upstream.path = request.url ?? '/'
  socket.once('close', () => {
    upstream.destroy()
  })
  // First of all: http-proxy writes these headers, but a body that is no longer in chunks.
  upstream.prependListener('response', (message: IncomingMessage) => {
    answered.add(socket)
    delete message.headers['transfer-encoding']
    message.headers.connection = 'close'
    message.once('close', () => {
      if (!message.complete) socket.destroy()
    })
  })
  upstream.once('upgrade', (_message: IncomingMessage, behind: Duplex) => {
    tied.add(socket)
    socket.once('close', () => {
      behind.destroy()
    })
    behind.once('close', () => {
      if (!behind.readableEnded) socket.destroy()
    })
  })
})
