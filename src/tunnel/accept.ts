import { AsyncLocalStorage } from 'node:async_hooks'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { freeMemory } from '../base/free-memory.ts'
import { defaultHandshakeMs, type LocalIdentity, type TunnelContext } from './context.ts'
import type { TrustBundle } from '../identity/index.ts'
import { canonicalAddress, type Endpoint } from './endpoint.ts'
import { createHandshakeSlots } from './handshake-slots.ts'
import {
  alpnProtocol,
  checkPeer,
  handshakeFailure,
  secureOptions,
  withOwnIdentity,
} from './tls-options.ts'
import { createReceiveBuffer } from './receive-buffer.ts'
import { systemTimers } from './timers.ts'
import { TunnelError } from './tunnel-error.ts'
import { Tunnel } from './tunnel.ts'

export interface AcceptorOptions extends TunnelContext {
  /** Handshakes at once; one more connection is closed. */
  readonly maxHandshakes?: number
  /** Of these, for one source address (IPv6: /64); a quarter if not given. */
  readonly maxHandshakesPerSource?: number
}

/** Makes tunnels out of accepted connections. */
export interface TunnelAcceptor {
  /**
   * Authenticates both ends and exchanges Hellos on a connection that may have been peeked into
   * (what was read is to be put back with `unshift`). Rejects with `TunnelError`; the socket is the
   * acceptor's from here on. `endpoint` is the local pair that the connection was made to, where that
   * is not the socket's own.
   */
  accept(socket: Socket, endpoint?: Endpoint): Promise<Tunnel>
  /** Handshakes under way. */
  readonly handshakes: number
}

export const defaultMaxHandshakes = 256

export function createTunnelAcceptor(options: AcceptorOptions): TunnelAcceptor {
  const most = options.maxHandshakes ?? defaultMaxHandshakes
  const mostPerSource = options.maxHandshakesPerSource ?? Math.ceil(most / 4)
  const slots = createHandshakeSlots(most, mostPerSource)
  const handshakes = new Handshakes(options)
  const withSlot = async (socket: Socket, endpoint?: Endpoint): Promise<Tunnel> => {
    const free = slots.take(socket.remoteAddress ?? '')
    try {
      return await handshakes.accept(socket, endpoint)
    } finally {
      free()
    }
  }
  return {
    get handshakes() {
      return slots.taken
    },
    accept: async (socket, endpoint) => {
      socket.on('error', () => undefined)
      try {
        return await withSlot(socket, endpoint)
      } catch (error: unknown) {
        socket.destroy()
        throw error instanceof TunnelError ? error : handshakeFailure(error)
      }
    },
  }
}

/**
 * A `tls.Server` that never listens: connections are handed to it one by one. Its events name no
 * connection of ours, so each handshake runs in an asynchronous context of its own, by which its
 * outcome is found again.
 */
class Handshakes {
  readonly #options: AcceptorOptions
  readonly #server: Server
  readonly #current = new AsyncLocalStorage<PromiseWithResolvers<TLSSocket>>()
  /** Whose connection closed last: an unauthorised client's error follows at once, outside its context. */
  #closing: PromiseWithResolvers<TLSSocket> | undefined
  #shown: { readonly identity: LocalIdentity; readonly bundle: TrustBundle } | undefined

  constructor(options: AcceptorOptions) {
    this.#options = options
    this.#server = createServer({
      ALPNProtocols: [alpnProtocol],
      requestCert: true,
      rejectUnauthorized: true,
      noDelay: true,
    })
    this.#server.on('secureConnection', (socket) => {
      // Errors after the handshake belong to the tunnel, which listens from its first moment on.
      socket.on('error', () => undefined)
      const handshake = this.#current.getStore()
      if (handshake === undefined) socket.destroy()
      else handshake.resolve(socket)
    })
    this.#server.on('tlsClientError', (error, socket) => {
      const handshake = this.#current.getStore() ?? this.#closing
      handshake?.reject(refusedByTls(socket) ?? error)
      socket.destroy()
    })
  }

  async accept(raw: Socket, redirectedFrom?: Endpoint): Promise<Tunnel> {
    const endpoint = redirectedFrom ?? localEndpoint(raw)
    if (endpoint === undefined) {
      throw new TunnelError('ERR_HANDSHAKE', 'no-tunnel', 'the connection is gone')
    }
    const identity = this.#refresh()
    const socket = await this.#handshake(raw)
    try {
      const peer = checkPeer(socket, this.#options.trust())
      // Only sockets that connect can be given a buffer to read into: here each record comes in its own.
      const received = createReceiveBuffer()
      socket.on('data', (bytes: Buffer) => {
        if (!received.add(bytes)) socket.pause()
        freeMemory(bytes)
      })
      return await Tunnel.establish({
        socket,
        role: 'acceptor',
        identity,
        peer,
        endpoint,
        context: this.#options,
        received,
      })
    } catch (error: unknown) {
      socket.destroy()
      throw error
    }
  }

  async #handshake(raw: Socket): Promise<TLSSocket> {
    const handshake = Promise.withResolvers<TLSSocket>()
    const fail = (message: string) => () => {
      handshake.reject(new TunnelError('ERR_HANDSHAKE', 'no-tunnel', message))
    }
    const handshakeMs = this.#options.handshakeMs ?? defaultHandshakeMs
    const timers = this.#options.timers ?? systemTimers
    const cancel = timers.after(handshakeMs, fail('no TLS handshake in time'))
    const closed = (): void => {
      this.#closing = handshake
      setImmediate(fail('closed by the peer during the handshake'))
    }
    raw.once('close', closed)
    try {
      raw.setNoDelay(true)
      // TLS takes this over from the socket. A tunnel has no use for one direction alone, and a peer
      // that hangs up in the middle would keep its place until the handshake's time is over.
      raw.allowHalfOpen = false
      this.#current.run(handshake, () => this.#server.emit('connection', raw))
      return await handshake.promise
    } finally {
      cancel()
      raw.off('close', closed)
    }
  }

  /** Shows the identity of now, and trusts the roots of now, from this handshake on. */
  #refresh(): LocalIdentity {
    const identity = this.#options.identity()
    const trust = this.#options.trust()
    const { bundle } = trust
    if (this.#shown?.identity !== identity || this.#shown.bundle !== bundle) {
      withOwnIdentity(() => {
        this.#server.setSecureContext(secureOptions(identity, trust))
      })
      this.#shown = { identity, bundle }
    }
    return identity
  }
}

function localEndpoint({ localAddress, localPort }: Socket): Endpoint | undefined {
  const address = canonicalAddress(localAddress ?? '')
  return address === undefined || localPort === undefined ? undefined : { address, port: localPort }
}

/** A chain that OpenSSL did not accept: Node closes the connection and leaves only this behind. */
function refusedByTls(socket: TLSSocket): Error | undefined {
  const error: unknown = socket.authorizationError
  if (typeof error !== 'string') return undefined
  return Object.assign(new Error(`certificate refused: ${error}`), { code: error })
}
