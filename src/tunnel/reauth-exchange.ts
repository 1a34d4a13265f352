import type { TLSSocket } from 'node:tls'
import type { TrustProfile, VerifiedPeer } from '../identity/index.ts'
import type { Reason } from '../policy/reason.ts'
import type { LocalIdentity, Trust } from './context.ts'
import type { ControlMessage, ReauthenticateMessage } from './control.ts'
import {
  checkReauthentication,
  exporterBytes,
  exporterContext,
  exporterLabel,
  signReauthentication,
  type Direction,
} from './reauth.ts'
import { TunnelError } from './tunnel-error.ts'

export interface ReauthenticationOptions {
  readonly role: Direction
  readonly socket: Pick<TLSSocket, 'exportKeyingMaterial' | 'destroyed'>
  readonly trust: () => Trust
  /** Most that the peer may ask for in a minute: each costs us several signature checks. */
  readonly perMinute: number
  readonly send: (message: ControlMessage) => void
  readonly peer: () => VerifiedPeer
  readonly onAccepted: (peer: VerifiedPeer, profile: TrustProfile) => void
  readonly onViolation: (error: TunnelError) => void
}

const minuteMs = 60_000

/** Both directions of re-authentication on one tunnel: what we prove, and what the peer proves. */
export class Reauthentication {
  readonly #options: ReauthenticationOptions
  readonly #pending = new Map<number, (refusal: Reason | undefined) => void>()
  #lastSent = 0
  #lastReceived = 0
  #minute = 0
  #inMinute = 0
  #cancelled: Reason | undefined

  constructor(options: ReauthenticationOptions) {
    this.#options = options
  }

  /** Resolves with the peer's answer: undefined when it took the identity. */
  prove(identity: LocalIdentity): Promise<Reason | undefined> {
    if (this.#cancelled !== undefined) return Promise.resolve(this.#cancelled)
    const sequence = ++this.#lastSent
    const direction = this.#options.role
    const exporter = this.#exporter(direction, sequence)
    const answer = Promise.withResolvers<Reason | undefined>()
    this.#pending.set(sequence, answer.resolve)
    this.#options.send(signReauthentication({ direction, sequence, exporter, identity }))
    return answer.promise
  }

  /** The peer's answer to one of ours. */
  settle(sequence: number, refusal: Reason | undefined): void {
    const resolve = this.#pending.get(sequence)
    if (resolve === undefined) {
      this.#violation(
        'protocol-error',
        `an answer to sequence ${String(sequence)}, which is not open`,
      )
      return
    }
    this.#pending.delete(sequence)
    resolve(refusal)
  }

  /** Decides on what the peer sent, answers it, and ends the tunnel over a forgery. */
  check(message: ReauthenticateMessage): void {
    // What came before the end of the connection may be read after it, when there are no keys any more.
    if (this.#options.socket.destroyed) return
    if (this.#tooMany()) {
      this.#violation('limit-reached', 'the peer re-authenticates too often')
      return
    }
    const direction = this.#options.role === 'dialler' ? 'acceptor' : 'dialler'
    const lastSequence = this.#lastReceived
    const verdict = checkReauthentication({
      message,
      direction,
      lastSequence,
      exporter: this.#exporter(direction, lastSequence + 1),
      current: this.#options.peer(),
      trust: this.#options.trust(),
    })
    if (!verdict.ok && verdict.forged) {
      this.#violation(verdict.reason, `re-authentication refused: ${verdict.detail}`)
      return
    }
    this.#lastReceived = message.sequence
    const refusal = verdict.ok ? undefined : verdict.reason
    this.#options.send({ kind: 'result', sequence: message.sequence, refusal })
    if (verdict.ok) this.#options.onAccepted(verdict.peer, verdict.profile)
  }

  /** The tunnel is over: nothing will be answered any more. */
  cancel(reason: Reason): void {
    this.#cancelled = reason
    for (const resolve of this.#pending.values()) resolve(reason)
    this.#pending.clear()
  }

  #exporter(direction: Direction, sequence: number): Buffer {
    const context = exporterContext(direction, sequence)
    return this.#options.socket.exportKeyingMaterial(exporterBytes, exporterLabel, context)
  }

  #tooMany(): boolean {
    const minute = Math.floor(this.#options.trust().now / minuteMs)
    if (minute !== this.#minute) this.#inMinute = 0
    this.#minute = minute
    return ++this.#inMinute > this.#options.perMinute
  }

  #violation(reason: Reason, message: string): void {
    this.#options.onViolation(new TunnelError('ERR_REAUTHENTICATION', reason, message))
  }
}
