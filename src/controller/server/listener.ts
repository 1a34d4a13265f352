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
import { createSlots } from './call-limits.ts'

/** What the listener shows of itself: leaf, issuer and root, in PEM, with the leaf's key. */
export interface ServerIdentity {
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
  readonly onConnection: (socket: TLSSocket) => void
  readonly onRefused: (reason: 'too-many-connections' | 'too-many-handshakes') => void
}): Promise<TlsListener> {
  const { limits, log } = options
  const sockets = new Set<Socket>()
  const handshakes = createHandshakes(limits.handshakes)
  const tls = createTlsServer({
    ...secureContext(options.identity),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: limits.handshakeMs,
  })
  tls.on('secureConnection', (socket) => {
    handshakes.done(socket)
    if (socket.isSessionReused() || socket.alpnProtocol !== 'h2') {
      socket.destroy()
      return
    }
    try {
      options.onConnection(socket)
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
        : handshakes.begin(socket)
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

/** Counts the handshakes under way. A TLS socket and the TCP socket under it have the same ends. */
function createHandshakes(most: number): {
  begin(socket: Socket): boolean
  done(socket: Socket): void
} {
  const slots = createSlots(most)
  const shaking = new Set<string>()
  const nameOf = (socket: Socket): string =>
    `${socket.remoteAddress ?? ''} ${String(socket.remotePort)}`
  const done = (name: string): void => {
    if (shaking.delete(name)) slots.leave()
  }
  return {
    begin: (socket) => {
      if (!slots.enter()) return false
      const name = nameOf(socket)
      shaking.add(name)
      socket.once('close', () => {
        done(name)
      })
      return true
    },
    done: (socket) => {
      done(nameOf(socket))
    },
  }
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
