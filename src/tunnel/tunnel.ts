import type { TLSSocket } from 'node:tls'
import { messageOf } from '../base/errors.ts'
import {
  checkFullProfile,
  verifyPeer,
  type TrustProfile,
  type VerifiedPeer,
} from '../identity/index.ts'
import type { Reason } from '../policy/reason.ts'
import type { LocalIdentity, TunnelContext } from './context.ts'
import { ControlChannel } from './control-channel.ts'
import { encodeControlMessage, type ControlMessage, type HelloMessage } from './control.ts'
import type { Endpoint } from './endpoint.ts'
import { controlStreamId } from './frame.ts'
import {
  createAnswerWatch,
  createExpiry,
  createIdleness,
  createKeepAlive,
  type AnswerWatch,
  type Expiry,
  type Idleness,
  type KeepAlive,
} from './lifetime.ts'
import { defaultLimits, type TunnelLimits } from './limits.ts'
import { StreamMux } from './mux.ts'
import { createOpenings } from './opening.ts'
import { encodeStreamHeader, type StreamHeader } from './proxy-v2.ts'
import type { ReceiveBuffer } from './receive-buffer.ts'
import { Reauthentication } from './reauth-exchange.ts'
import { reasonOfRefusal, type Direction } from './reauth.ts'
import type { StreamHandlers, TunnelStream } from './stream.ts'
import { systemTimers, type Timers } from './timers.ts'
import { TunnelError } from './tunnel-error.ts'

/** How a tunnel ended. `error` says more, and is undefined where this end closed it. */
export interface TunnelEnd {
  readonly reason: Reason
  readonly error: TunnelError | undefined
}

/** What the streams of a tunnel take of its limits (`limits.ts`). */
export interface TunnelMemory {
  /** Bytes received that nobody has taken. */
  readonly heldBytes: number
  /** What windows have grown by beyond their initial size. */
  readonly grownBytes: number
  /** How often a window would have grown, and the limit of all windows was reached; since the start. */
  readonly growthRefusals: number
}

export interface TunnelParts {
  /** Handshake done, peer's certificate checked; the tunnel owns it from here on. */
  readonly socket: TLSSocket
  readonly role: Direction
  readonly identity: LocalIdentity
  readonly peer: VerifiedPeer
  /** The pair that this end dialled, or accepted on. */
  readonly endpoint: Endpoint
  readonly context: TunnelContext
  /** What the socket reads into. */
  readonly received: ReceiveBuffer
}

const lingerMs = 1_000
/** How long a frame waits that can travel with another one. */
const alongMs = 5

/**
 * One mutually authenticated connection between two sidecars that carries many streams. The dialling
 * end opens them; both ends know the other's certificate and full profile before the first.
 */
export class Tunnel {
  readonly role: Direction
  /** The pair that this end dialled, or accepted on. */
  readonly localEndpoint: Endpoint
  /** Resolves once when the tunnel is over and all its streams have been reset; never rejects. */
  readonly closed: Promise<TunnelEnd>
  /** Accepting end: a stream with a whole header; to be accepted or reset, now or later. */
  onStream: ((stream: TunnelStream, header: StreamHeader) => void) | undefined
  /** The peer has re-authenticated: `peer` and `peerProfile` are new, and every stream is to be decided again. */
  onPeerChanged: (() => void) | undefined
  /** What the peer says about a stream, which may be over already. */
  onNotice: ((streamId: number, reason: Reason) => void) | undefined
  /** TLS payload in bytes, both ways. */
  bytesIn = 0
  bytesOut = 0

  readonly #context: TunnelContext
  readonly #limits: TunnelLimits
  readonly #timers: Timers
  readonly #socket: TLSSocket
  readonly #mux: StreamMux
  readonly #control: ControlChannel
  readonly #expiry: Expiry
  readonly #answers: AnswerWatch
  readonly #keepAlive: KeepAlive
  readonly #idleness: Idleness
  readonly #reauthentication: Reauthentication
  readonly #openings: ReturnType<typeof createOpenings>
  readonly #ready: PromiseWithResolvers<Tunnel> = Promise.withResolvers<Tunnel>()
  readonly #end: PromiseWithResolvers<TunnelEnd> = Promise.withResolvers<TunnelEnd>()
  #socketError: Error | undefined
  #pings = 0
  #identity: LocalIdentity
  #peer: VerifiedPeer
  #greeting: { readonly profile: TrustProfile; readonly endpoint: Endpoint } | undefined

  /** Exchanges Hellos; rejects with `TunnelError` when the peer's is late, wrong, or does not match its certificate. */
  static establish(parts: TunnelParts): Promise<Tunnel> {
    return new Tunnel(parts).#establish(parts.received)
  }

  private constructor(parts: TunnelParts) {
    const { socket, role, identity, peer, endpoint, context } = parts
    this.role = role
    this.localEndpoint = endpoint
    this.closed = this.#end.promise
    this.#context = context
    this.#limits = { ...defaultLimits, ...context.limits }
    this.#timers = context.timers ?? systemTimers
    this.#socket = socket
    this.#identity = identity
    this.#peer = peer
    this.#mux = this.#createMux()
    this.#control = this.#createControl()
    this.#expiry = this.#createExpiry()
    this.#answers = this.#createAnswerWatch()
    this.#keepAlive = this.#createKeepAlive()
    this.#idleness = this.#createIdleness()
    this.#reauthentication = this.#createReauthentication()
    this.#openings = createOpenings({
      timers: this.#timers,
      headerMs: this.#limits.headerMs,
      onStream: (stream, header) => {
        if (this.onStream === undefined) stream.reset('internal-error')
        else this.onStream(stream, header)
      },
      refuse: (stream, reason) => {
        this.#mux.refuse(stream, reason)
      },
    })
  }

  /** The peer's certificate as it stands, checked by PROTOCOL §2 when it came in. */
  get peer(): VerifiedPeer {
    return this.#peer
  }

  /** The peer's full profile, proven by its certificate. */
  get peerProfile(): TrustProfile {
    return this.#greeted().profile
  }

  /** The dialler says which pair it dialled, the accepting end on which it accepted; by the peer's own word. */
  get peerEndpoint(): Endpoint {
    return this.#greeted().endpoint
  }

  /** Whether `openStream` may succeed. */
  get open(): boolean {
    return !this.#mux.closed && !this.#mux.draining && this.#greeting !== undefined
  }

  /** Streams of applications that are not over. */
  get streamCount(): number {
    return Math.max(0, this.#mux.streamCount - 1)
  }

  /** Whether bytes in bulk run through it: others had better take another tunnel. */
  get carriesBulk(): boolean {
    return this.#mux.bulkStreams > 0
  }

  /** Accepting end: streams that the peer has opened only to reset them, or has begun wrongly. */
  get uselessStreams(): number {
    return this.#mux.uselessStreams
  }

  /** What its streams take of its limits at this moment. */
  get memory(): TunnelMemory {
    const { heldBytes, grownBytes, growthRefusals } = this.#mux
    return { heldBytes, grownBytes, growthRefusals }
  }

  /** The streams of applications, for deciding each of them again. */
  *streams(): Generator<TunnelStream> {
    for (const stream of this.#mux.streams()) if (stream.id !== controlStreamId) yield stream
  }

  /** Dialling end: opens a stream; `firstData` goes out in the same batch. A `Reason` says why it cannot. */
  openStream(
    header: StreamHeader,
    handlers: StreamHandlers,
    firstData?: Buffer,
  ): TunnelStream | Reason {
    if (!this.open) return this.#mux.closed ? 'no-tunnel' : 'draining'
    this.#idleness.touched()
    const stream = this.#mux.open(encodeStreamHeader(header), handlers)
    if (typeof stream === 'string') return stream
    this.#answers.due()
    if (firstData !== undefined) stream.write(firstData)
    return stream
  }

  /** Proves a renewed identity to the peer. Resolves to undefined when it took it, else to its reason. */
  async reauthenticate(identity: LocalIdentity): Promise<Reason | undefined> {
    const refusal = await this.#reauthentication.prove(identity)
    if (refusal !== undefined) return refusal
    this.#identity = identity
    this.#watchExpiry()
    return undefined
  }

  /** Checks the peer's certificate against the trust of now, and closes the tunnel where it no longer holds. */
  recheck(): void {
    if (this.#mux.closed) return
    const verdict = verifyPeer({ chain: this.#peer.chain, ...this.#context.trust() })
    // Expiry has its own timer, which knows of the grace.
    if (!verdict.ok && verdict.code !== 'expired') this.close(reasonOfRefusal(verdict.code))
  }

  /**
   * A secret that only the two ends of this connection have, another one for each label (RFC 8446,
   * section 7.5). Undefined where the connection is gone.
   */
  exportSecret(label: string, bytes: number): Buffer | undefined {
    if (this.#socket.destroyed) return undefined
    return this.#socket.exportKeyingMaterial(bytes, label, Buffer.alloc(0))
  }

  /** Tells the peer about a stream. */
  notify(stream: TunnelStream, reason: Reason): void {
    if (!this.#mux.closed) this.#control.send({ kind: 'notice', streamId: stream.id, reason })
  }

  /** Takes no new streams, and closes with `draining` when the last one is over. */
  retire(): void {
    this.#mux.drain()
    this.#closeIfDrained()
  }

  /** Resets all streams at both ends with `reason` and ends the connection. */
  close(reason: Reason): void {
    this.#mux.close(reason)
  }

  #createMux(): StreamMux {
    return new StreamMux({
      role: this.role,
      limits: this.#limits,
      send: (batch, written) => {
        this.bytesOut += batch.length
        if (this.#socket.destroyed) written()
        else this.#socket.write(batch, written)
      },
      schedule: setImmediate,
      later: (run) => {
        this.#timers.after(alongMs, run)
      },
      now: () => this.#timers.now(),
      onOpening: (stream) => {
        this.#opening(stream)
      },
      onQuieter: () => {
        this.#idleness.touched()
        this.#closeIfDrained()
      },
      onClosed: (reason, error) => {
        this.#shutDown(reason, error)
      },
    })
  }

  #createControl(): ControlChannel {
    return new ControlChannel({
      onHello: (message) => {
        this.#hello(message)
      },
      onMessage: (message) => {
        this.#message(message)
      },
      onViolation: (error) => {
        this.#mux.fail(error)
      },
      onClosed: (reason) => {
        this.#mux.abort(closedByPeer(reason ?? 'no-tunnel'))
      },
    })
  }

  #createExpiry(): Expiry {
    return createExpiry({
      timers: this.#timers,
      now: () => this.#context.trust().now,
      graceMs: () => this.#context.expiryGraceMs?.() ?? 0,
      onExpired: () => {
        this.close('identity-expired')
      },
    })
  }

  #createKeepAlive(): KeepAlive {
    const keepAlive = createKeepAlive({
      timers: this.#timers,
      intervalMs: this.#limits.keepAliveMs,
      ask: () => {
        this.#ask()
      },
      onDead: () => {
        this.#mux.abort(dropped('the peer has not answered for too long', undefined))
      },
    })
    return {
      heard: () => {
        keepAlive.heard()
        this.#answers.heard()
      },
      cancel: () => {
        keepAlive.cancel()
        this.#answers.cancel()
      },
    }
  }

  #createAnswerWatch(): AnswerWatch {
    return createAnswerWatch({
      timers: this.#timers,
      intervalMs: this.#limits.answerMs,
      ask: () => {
        this.#ask()
      },
      onSilent: () => {
        this.#giveUpNew()
      },
    })
  }

  #ask(): void {
    this.#mux.ping(++this.#pings)
  }

  /** Streams that were never answered are refused, and others do not begin here; what is established waits on. */
  #giveUpNew(): void {
    for (const stream of [...this.streams()]) {
      if (!stream.isAcknowledged) stream.abort('no-tunnel', true)
    }
    this.retire()
  }

  /** The dialler is first: it knows that it opens no stream at that very moment. */
  #createIdleness(): Idleness {
    const { idleMs } = this.#limits
    return createIdleness({
      timers: this.#timers,
      idleMs: this.role === 'dialler' ? idleMs : 2 * idleMs,
      isBusy: () => this.#greeting === undefined || this.streamCount > 0,
      onIdle: () => {
        this.retire()
      },
    })
  }

  #createReauthentication(): Reauthentication {
    return new Reauthentication({
      role: this.role,
      socket: this.#socket,
      trust: this.#context.trust,
      perMinute: this.#limits.reauthenticationsPerMinute,
      send: (message) => {
        this.#control.send(message)
      },
      peer: () => this.#peer,
      onAccepted: (peer, profile) => {
        this.#peer = peer
        this.#greeting = { profile, endpoint: this.peerEndpoint }
        this.#watchExpiry()
        this.onPeerChanged?.()
      },
      onViolation: (error) => {
        this.#mux.fail(error)
      },
    })
  }

  async #establish(received: ReceiveBuffer): Promise<Tunnel> {
    this.#listen(received)
    const cancel = this.#timers.after(this.#limits.helloMs, () => {
      this.#mux.fail(handshakeError('no Hello from the peer in time'))
    })
    if (this.role === 'dialler') this.#sendHello()
    try {
      return await this.#ready.promise
    } finally {
      cancel()
    }
  }

  #listen(received: ReceiveBuffer): void {
    const socket = this.#socket
    const resume = (): void => {
      socket.resume()
    }
    received.follow((chunk, hold) => {
      this.bytesIn += chunk.length
      this.#keepAlive.heard()
      this.#mux.receive(chunk, hold)
    }, resume)
    resume()
    socket.on('error', (error) => {
      this.#socketError = error
    })
    socket.on('close', () => {
      received.flush()
      this.#mux.abort(dropped('the connection is gone', this.#socketError))
    })
    if (socket.destroyed) this.#mux.abort(dropped('the connection is gone', undefined))
  }

  #sendHello(): void {
    const hello: HelloMessage = {
      kind: 'hello',
      profile: this.#identity.profile.encoded,
      endpoint: this.localEndpoint,
    }
    if (this.role === 'acceptor') {
      this.#control.send(hello)
      return
    }
    const stream = this.#mux.open(encodeControlMessage(hello), this.#control.handlers())
    if (typeof stream !== 'string') this.#control.attach(stream)
  }

  /** Accepting end: the first stream is the control stream; the others wait for the Hello. */
  #opening(stream: TunnelStream): void {
    if (stream.id === controlStreamId) {
      stream.handle(this.#control.handlers())
      this.#control.attach(stream)
      stream.accept()
    } else if (this.#greeting === undefined) {
      this.#mux.fail(handshakeError(`stream ${String(stream.id)} was opened before the Hello`))
    } else {
      this.#openings.progress(stream)
    }
  }

  #hello(message: HelloMessage): void {
    const profile = this.#proven(message.profile)
    if (profile === undefined) return
    this.#greeting = { profile, endpoint: message.endpoint }
    if (this.role === 'acceptor') this.#sendHello()
    this.#watchExpiry()
    this.#idleness.touched()
    // Windows grow by the round trip, so it has to be known before the first of them could.
    this.#mux.ping(0)
    this.#ready.resolve(this)
  }

  #proven(profile: Buffer): TrustProfile | undefined {
    try {
      return checkFullProfile(this.#peer, profile)
    } catch (cause: unknown) {
      const message = `the profile in the Hello is refused: ${messageOf(cause)}`
      this.#mux.fail(new TunnelError('ERR_PROFILE', 'profile-mismatch', message, { cause }))
      return undefined
    }
  }

  #message(message: Exclude<ControlMessage, HelloMessage>): void {
    if (this.#mux.closed) return
    switch (message.kind) {
      case 'reauthenticate':
        this.#reauthentication.check(message)
        break
      case 'result':
        this.#reauthentication.settle(message.sequence, message.refusal)
        break
      case 'notice':
        this.onNotice?.(message.streamId, message.reason)
        break
      default:
        message satisfies never
    }
  }

  /** The tunnel ends with the first of the two certificates unless that one is renewed in time. */
  #watchExpiry(): void {
    if (this.#mux.closed) return
    this.#expiry.set(Math.min(this.#identity.notAfter, this.#peer.notAfter))
  }

  #closeIfDrained(): void {
    if (this.#greeting === undefined || !this.#mux.draining || this.streamCount > 0) return
    this.close('draining')
  }

  #shutDown(reason: Reason, error: TunnelError | undefined): void {
    this.#expiry.cancel()
    this.#keepAlive.cancel()
    this.#idleness.cancel()
    this.#reauthentication.cancel(reason)
    this.#ready.reject(error ?? closedByUs(reason))
    this.#end.resolve({ reason, error })
    const cancel = this.#timers.after(lingerMs, () => {
      this.#socket.destroy()
    })
    this.#socket.once('close', cancel)
    this.#mux.flush(() => {
      this.#socket.end()
    })
  }

  #greeted(): { readonly profile: TrustProfile; readonly endpoint: Endpoint } {
    if (this.#greeting === undefined) throw new Error('BUG: a tunnel is used before its Hello')
    return this.#greeting
  }
}

function handshakeError(message: string): TunnelError {
  return new TunnelError('ERR_HANDSHAKE', 'protocol-error', message)
}

function dropped(message: string, cause: unknown): TunnelError {
  return new TunnelError('ERR_TUNNEL_CLOSED', 'no-tunnel', message, { cause })
}

function closedByPeer(reason: Reason): TunnelError {
  return new TunnelError('ERR_TUNNEL_CLOSED', reason, `closed by the peer: ${reason}`)
}

function closedByUs(reason: Reason): TunnelError {
  return new TunnelError('ERR_TUNNEL_CLOSED', reason, `closed: ${reason}`)
}
