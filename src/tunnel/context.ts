import type { KeyObject } from 'node:crypto'
import type { Floors, TrustBundle, TrustProfile } from '../identity/index.ts'
import type { TunnelLimits } from './limits.ts'
import type { Timers } from './timers.ts'

/** What a tunnel's own end shows: an X.509-SVID and the full profile it was issued for. */
export interface LocalIdentity {
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
  readonly privateKey: KeyObject
  readonly profile: TrustProfile
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/** What peers are checked against. */
export interface Trust {
  readonly bundle: TrustBundle
  readonly floors: Floors
  /** Milliseconds since the epoch, by the caller's trusted clock. */
  readonly now: number
}

/** What dialling and accepting have in common. */
export interface TunnelContext {
  /** Asked at each handshake: it changes at renewal. A renewed identity is a new object. */
  readonly identity: () => LocalIdentity
  /** Asked at each check. */
  readonly trust: () => Trust
  readonly limits?: Partial<TunnelLimits>
  readonly timers?: Timers
  /** How long past expiry a tunnel may live: more than 0 only while the sidecar has no controller. */
  readonly expiryGraceMs?: () => number
  /** Time for the TLS handshake, in milliseconds. */
  readonly handshakeMs?: number
}

export const defaultHandshakeMs = 3_000
