import type { TrustProfile } from '../identity/profile.ts'
import type { Encryption } from './encryption.ts'
import type { Port } from './port.ts'
import type { Reason } from './reason.ts'

/** May `from` open a connection to `to`? Both profiles are full ones. */
export interface Question {
  readonly from: TrustProfile
  readonly to: TrustProfile
  readonly port: Port
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface Verdict {
  readonly action: 'allow' | 'deny'
  readonly reason: Reason
  /** Name of the policy, guardrail or observe that decided; `reason` tells which of them. */
  readonly policy: string | undefined
  readonly encryption: Encryption
  /** Milliseconds since the epoch from which on the verdict no longer stands; decide again then. */
  readonly deadline: number | undefined
  /** Names of policies with `mode: observe` that match: to be recorded, without effect. */
  readonly observed: readonly string[]
  /** Names of guardrails with `action: alert` that match: somebody should look, whatever the verdict. */
  readonly alerts: readonly string[]
  /**
   * The shortest `maxStale` in milliseconds of guardrails that match: how long this connection may go
   * by a policy whose controller is not heard any more.
   */
  readonly maxStale: number | undefined
}

/** What nobody allowed is denied. */
export const noPolicyMatched: Verdict = Object.freeze({
  action: 'deny',
  reason: 'no-policy-matched',
  policy: undefined,
  encryption: 'required',
  deadline: undefined,
  observed: [],
  alerts: [],
  maxStale: undefined,
})
