import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  connect,
  createServer,
  type ConnectionOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls'
import type { LocalIdentity, Trust } from '../../src/tunnel/index.ts'
import { encodeControlMessage, type HelloMessage } from '../../src/tunnel/control.ts'
import { alpnProtocol, secureOptions } from '../../src/tunnel/tls-options.ts'
import { frameBytes } from './mux-end.ts'

/** A TLS client that speaks whatever a test wants: how a hostile or broken peer looks from outside. */
export async function rogueDial(
  port: number,
  identity: LocalIdentity | undefined,
  trust: Trust,
  change: ConnectionOptions = {},
): Promise<TLSSocket> {
  const shown = identity === undefined ? {} : secureOptions(identity, trust)
  const socket = connect({
    host: '127.0.0.1',
    port,
    ...shown,
    ALPNProtocols: [alpnProtocol],
    rejectUnauthorized: false,
    ...change,
  })
  socket.on('error', () => undefined)
  await new Promise((resolve) => {
    socket.once('secureConnect', resolve)
    socket.once('close', resolve)
  })
  return socket
}

/** A TLS server of the same kind, which hands each connection to `onConnection`. */
export async function rogueListen(
  identity: LocalIdentity,
  trust: Trust,
  onConnection: (socket: TLSSocket) => void,
  change: TlsOptions = {},
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<TLSSocket>()
  const server = createServer(
    {
      ...secureOptions(identity, trust),
      ALPNProtocols: [alpnProtocol],
      requestCert: true,
      rejectUnauthorized: false,
      ...change,
    },
    (socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      onConnection(socket)
    },
  )
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The bytes that open stream 1 with these control messages. */
export function controlStream(...messages: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(messages)
  return frameBytes(0, 1, 1, bytes.length, bytes)
}

/** More bytes on the control stream that was opened. */
export function moreControl(bytes: Buffer): Buffer {
  return frameBytes(0, 0, 1, bytes.length, bytes)
}

export function helloOf(identity: LocalIdentity, change: Partial<HelloMessage> = {}): Buffer {
  return encodeControlMessage({
    kind: 'hello',
    profile: identity.profile.encoded,
    endpoint: { address: '127.0.0.1', port: 1 },
    ...change,
  })
}

/** Resolves when the socket is closed, with all the bytes that came over it. */
export async function readToClose(socket: TLSSocket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => {
    if (socket.closed) resolve(undefined)
    else socket.once('close', resolve)
  })
  return Buffer.concat(chunks)
}
