import type { Floors } from '../identity/floors.ts'
import type { TrustProfile } from '../identity/trust-profile.ts'
import type { Encryption } from '../policy/encryption.ts'
import { earlier } from '../policy/guarding.ts'
import type { HttpRequest } from '../policy/http-request.ts'
import type { PolicySet } from '../policy/policy-set.ts'
import type { Reason } from '../policy/reason.ts'
import type { Passage } from '../policy/relay.ts'
import type { FlowDirection } from './flow-recorder.ts'
import type { OutsideWorld } from './outside-world.ts'
import type { OwnIdentity } from './own-identity.ts'

/** Everything that a decision goes by, at one moment. */
export interface Standing {
  readonly own: OwnIdentity | undefined
  readonly policy: PolicySet | undefined
  /** Who is outside the mesh, and who is not. */
  readonly outside: OutsideWorld
  readonly floors: Floors
  /** Trusted time. */
  readonly now: number
  /** The clock that OpenSSL goes by. */
  readonly systemNow: number
  /** A version was rejected, and its documents or those in force say `onReject: deny-new`. */
  readonly deniesNew: boolean
  /** How long ago the controller was heard last, in ms. */
  readonly contactAgeMs: number
}

/** May this connection be? With the policy that says so and the time at which to ask again. */
export interface Judgement {
  readonly verdict: 'allow' | 'deny'
  readonly reason: Reason
  readonly policy: string
  /** How the data of an allowed connection may travel at the least. */
  readonly encryption: Encryption
  readonly deadline: number | undefined
  /** Guardrails that ask to be told of this connection. */
  readonly alerts: readonly string[]
}

export function deny(reason: Reason, policy = ''): Judgement {
  return {
    verdict: 'deny',
    reason,
    policy,
    encryption: 'required',
    deadline: undefined,
    alerts: [],
  }
}

/** Why this sidecar may not open or take any new connection at all, whoever the peer is. */
export function refusalOfNew(standing: Standing): Reason | undefined {
  const { own, policy, now, systemNow, deniesNew } = standing
  if (policy === undefined) return 'no-policy-yet'
  if (own === undefined || now >= own.notAfter) return 'identity-expired'
  // OpenSSL checks by the system clock: with one that far behind, nobody's certificate holds.
  if (systemNow < own.notBefore) return 'clock-skew'
  return refusalOfAny(standing) ?? (deniesNew ? 'policy-stale' : undefined)
}

/** Why none of the connections, open ones included, may be. Expiry is not among them: that has a grace. */
export function refusalOfAny({ own, policy, floors }: Standing): Reason | undefined {
  if (policy === undefined || own === undefined) return 'no-policy-yet'
  const { workloadId, generation } = own.workload
  return generation < floors.lowestGood(workloadId) ? 'below-floor' : undefined
}

/**
 * Policy's word on a connection between this workload and a peer, or on one request in it. The port is the one this end knows
 * for itself: what was dialled here, or the listener that was reached; never what the peer says.
 */
export function judge(
  standing: Standing,
  direction: FlowDirection,
  peer: TrustProfile,
  port: number,
  request?: HttpRequest,
  passage: Passage = 'direct',
): Judgement {
  const { own, policy, now, contactAgeMs } = standing
  if (policy === undefined || own === undefined) return deny('no-policy-yet')
  const [from, to] = direction === 'egress' ? [own.profile, peer] : [peer, own.profile]
  const question = { from, to, port, now }
  const verdict =
    request === undefined
      ? policy.decide(question)
      : policy.decideRequest(question, request, passage)
  const { action, reason, policy: name, ...decided } = verdict
  const { alerts, encryption, maxStale = Infinity } = decided
  const leftMs = maxStale - contactAgeMs
  if (action === 'allow' && leftMs <= 0) return { ...deny('policy-stale'), alerts }
  const deadline = action === 'allow' ? earlier(decided.deadline, now + leftMs) : decided.deadline
  return { verdict: action, reason, policy: name ?? '', encryption, deadline, alerts }
}

/**
 * The word on a connection of a pair in clear: it is as good as any other, but where more than `none`
 * is asked for, or where requests are decided one by one, it has to go through the tunnel.
 */
export function judgeClear(
  standing: Standing,
  direction: FlowDirection,
  peer: TrustProfile,
  port: number,
): Judgement {
  const judgement = judge(standing, direction, peer, port)
  if (judgement.verdict === 'deny') return judgement
  const to = direction === 'egress' ? peer : standing.own?.profile
  if (to !== undefined && mayBeClear(standing, judgement, to, port)) return judgement
  return deny('encryption-required', judgement.policy)
}

/** Whether the data of a judged connection of a pair, to the workload of profile `to`, may go in clear. */
export function mayBeClear(
  { policy, now }: Standing,
  { encryption, verdict }: Judgement,
  to: TrustProfile,
  port: number,
): boolean {
  if (verdict === 'deny' || encryption !== 'none') return false
  return policy?.readsRequests(to, port, now) === false
}

/** Whether requests to this workload on a port are decided one by one, whoever sends them. */
export function readsRequests({ own, policy, now }: Standing, port: number): boolean {
  return own !== undefined && policy?.readsRequests(own.profile, port, now) === true
}

/** The word on a connection whose bytes nobody here reads: it may not be where requests are decided. */
export function judgeUnread(standing: Standing, port: number, judgement: Judgement): Judgement {
  const isRefused = judgement.verdict === 'allow' && readsRequests(standing, port)
  return isRefused ? { ...deny('http-required'), alerts: judgement.alerts } : judgement
}

/** Both words together: a denial if either is one, otherwise good until the earlier deadline. */
export function both(one: Judgement, other: Judgement): Judgement {
  if (one.verdict === 'deny') return one
  if (other.verdict === 'deny') return other
  return { ...one, deadline: earlier(one.deadline, other.deadline ?? Infinity) }
}
