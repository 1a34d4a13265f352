import type { Verdict } from './verdict.ts'

/**
 * How a request has come to the workload that decides on it.
 *
 * - `direct`: from the peer itself.
 * - `relayed`: a balancer passed it on, with a token that proves which workload sent it.
 * - `tokenless`: a balancer passed it on, and nothing proves for whom.
 */
export type Passage = 'direct' | 'relayed' | 'tokenless'

/**
 * What a document that asks for encryption says of balancers, which read what they pass on; where it
 * says nothing, a relayed request does not meet it.
 */
export const relayTrusts = ['trusted'] as const
export type RelayTrust = (typeof relayTrusts)[number]

/** The word of a policy on a relayed request that it matches. */
export function verdictRelayed(verdict: Verdict, relay?: RelayTrust): Verdict {
  const isMet = verdict.encryption !== 'required' || relay === 'trusted'
  return verdict.action === 'deny' || isMet ? verdict : distrusted(verdict, verdict.policy)
}

/** The same verdict as a denial by the document that asks for more than a balancer can keep. */
export function distrusted(verdict: Verdict, policy: string | undefined): Verdict {
  return Object.freeze({ ...verdict, action: 'deny', reason: 'relay-untrusted', policy })
}
