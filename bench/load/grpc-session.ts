import { hash } from 'node:crypto'
import { once } from 'node:events'
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
} from 'node:http2'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import type { HostPort } from '../../src/base/env.ts'
import { spkiOf } from '../../src/identity/index.ts'

/** gRPC over node:http2, with as little in between as there can be: the load is not to be the limit. */
export interface GrpcSession {
  readonly http2: ClientHttp2Session
  /** SHA-256 of the key that the controller showed, hex. */
  controllerKeySha256(): string
  /** Throws for any status but OK. */
  unary(path: string, message: Buffer): Promise<Buffer>
  close(): void
}

/** A connection with a full handshake of its own. */
export async function openSession(
  address: HostPort,
  secureContext: SecureContext,
): Promise<GrpcSession> {
  const socket = dial(address, secureContext)
  await once(socket, 'secureConnect')
  const http2 = connectHttp2('https://controller', { createConnection: () => socket })
  http2.on('error', () => {
    // Whatever was under way on it fails, and says so.
  })
  return {
    http2,
    controllerKeySha256: () => {
      const certificate = socket.getPeerX509Certificate()
      if (certificate === undefined) throw new Error('BUG: TLS without a certificate')
      return hash('sha256', spkiOf(certificate.publicKey))
    },
    unary: (path, message) => unary(http2, path, message),
    close: () => {
      http2.destroy()
    },
  }
}

/** The certificate is checked against the root; that it is the controller's is what is measured elsewhere. */
export function dial({ host, port }: HostPort, secureContext: SecureContext): TLSSocket {
  return connectTls({
    host,
    port,
    secureContext,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  })
}

export function requestHeaders(path: string): Readonly<Record<string, string>> {
  return { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
}

/** A message with its prefix: not compressed, and its length. */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + prefixBytes)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  message.copy(framed, prefixBytes)
  return framed
}

export const prefixBytes = 5

function unary(http2: ClientHttp2Session, path: string, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = http2.request(requestHeaders(path))
    const chunks: Buffer[] = []
    let status: string | undefined
    const note = (headers: IncomingHttpHeaders): void => {
      const seen = headers['grpc-status']
      if (seen !== undefined) status = `${String(seen)} ${String(headers['grpc-message'] ?? '')}`
    }
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () => {
      if (status?.startsWith('0 ') === true) resolve(Buffer.concat(chunks).subarray(prefixBytes))
      else reject(new Error(`${path}: expected status 0, got ${status ?? 'none'}`))
    })
    stream.end(frame(message))
  })
}
