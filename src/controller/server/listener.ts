import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import { constants } from 'node:crypto'
import type { HostPort } from '../../base/env.ts'
import { codeOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { keySha256, spkiOf } from '../../identity/index.ts'
import { createSlots } from './call-limits.ts'

/** What the listener shows of itself: leaf, issuer and root, in PEM, with the leaf's key. */
export interface ServerIdentity {
  /** SHA-256 of the leaf's SubjectPublicKeyInfo, hex. */
  readonly keySha256: string
  readonly certificateChain: string
  readonly privateKey: string
  readonly root: string
}

export interface TlsListener extends AsyncDisposable {
  readonly address: HostPort
  /** Shows another certificate to connections that come from now on. */
  renew(identity: ServerIdentity): void
  /** Takes no more connections; those that stand go on. */
  stopAccepting(): void
  readonly connections: number
}

export interface ListenerLimits {
  readonly connections: number
  readonly handshakes: number
  readonly handshakeMs: number
}

/** Connections that wait to be accepted: a fleet comes back all at once after a restart. */
const backlog = 4_096

/**
 * Listens with TLS 1.3 only and hands each connection on once its handshake is done. A client
 * certificate is asked for and not required, and it is not OpenSSL that judges it. No connection is
 * ever resumed: a resumed one would skip the certificate, which may have expired since.
 */
export async function listenTls(options: {
  readonly listen: HostPort
  readonly identity: ServerIdentity
  readonly limits: ListenerLimits
  readonly log: Logger
  /** Gets the hash of the key that this very connection was shown. */
  readonly onConnection: (socket: TLSSocket, ownKeySha256: string) => void
  readonly onRefused: (reason: 'too-many-connections' | 'too-many-handshakes') => void
}): Promise<TlsListener> {
  const { limits, log } = options
  const sockets = new Set<Socket>()
  const handshakes = createHandshakes(limits.handshakes)
  let shown = options.identity
  const tls = createTlsServer({
    ...secureContext(options.identity),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: limits.handshakeMs,
  })
  tls.on('secureConnection', (socket) => {
    const ownKeySha256 = handshakes.done(socket) ?? ownKey(socket)
    if (socket.isSessionReused() || socket.alpnProtocol !== 'h2') {
      socket.destroy()
      return
    }
    try {
      options.onConnection(socket, ownKeySha256)
    } catch (error: unknown) {
      log.error({ error }, 'connection not taken')
      socket.destroy()
    }
  })
  tls.on('tlsClientError', (error, socket) => {
    log.debug({ source: socket.remoteAddress, code: codeOf(error) }, 'handshake failed')
    socket.destroy()
  })

  const accept = (socket: Socket): void => {
    const refusal =
      sockets.size >= limits.connections
        ? 'too-many-connections'
        : handshakes.begin(socket, shown.keySha256)
          ? undefined
          : 'too-many-handshakes'
    if (refusal !== undefined) {
      options.onRefused(refusal)
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    tls.emit('connection', socket)
  }

  const server = createServer(accept)
  const closed = once(server, 'close')
  server.listen({ ...options.listen, backlog })
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo
  return {
    address: { host, port },
    renew: (identity) => {
      tls.setSecureContext(secureContext(identity))
      shown = identity
    },
    stopAccepting: () => {
      server.close()
    },
    get connections() {
      return sockets.size
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** What one address may have of them: a fleet behind an address translation comes back all at once. */
const handshakesOfOne = 3 / 4

/**
 * Counts the handshakes under way, and knows with which key each began: to ask a connection for its
 * certificate takes longer. A TLS socket and the TCP socket under it have the same ends.
 */
function createHandshakes(most: number): {
  begin(socket: Socket, ownKeySha256: string): boolean
  done(socket: Socket): string | undefined
} {
  const slots = createSlots(most, handshakesOfOne)
  const shaking = new Map<string, { readonly ownKeySha256: string; readonly leave: () => void }>()
  const nameOf = (socket: Socket): string =>
    `${socket.remoteAddress ?? ''} ${String(socket.remotePort)}`
  const done = (name: string): string | undefined => {
    const known = shaking.get(name)
    shaking.delete(name)
    known?.leave()
    return known?.ownKeySha256
  }
  return {
    begin: (socket, ownKeySha256) => {
      const leave = slots.take(socket.remoteAddress)
      if (leave === undefined) return false
      const name = nameOf(socket)
      shaking.set(name, { ownKeySha256, leave })
      socket.once('close', () => {
        done(name)
      })
      return true
    },
    done: (socket) => done(nameOf(socket)),
  }
}

/** The key of the certificate that a connection was shown. */
function ownKey(socket: TLSSocket): string {
  const own = socket.getX509Certificate()
  if (own === undefined) throw new Error('BUG: a TLS server connection without a certificate')
  return keySha256(spkiOf(own.publicKey))
}

function secureContext(identity: ServerIdentity): SecureContextOptions {
  return {
    cert: identity.certificateChain,
    key: identity.privateKey,
    // Our own root, so that Node does not load the public ones; the verdict is not OpenSSL's anyway.
    ca: identity.root,
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
