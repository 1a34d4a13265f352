import type { Clause } from './clause-words.ts'
import type { NetworkPolicySpec } from './network-policy.ts'

/** How the http rules of a policy bear on a connection, whose requests are not known yet. */
export function httpClause(spec: Pick<NetworkPolicySpec, 'http' | 'action'>): Clause[] {
  if (spec.http === undefined) return []
  const field = 'http'
  if (spec.action === 'allow') {
    const words = 'the connection may open; each request on it has to meet an http rule'
    return [{ field, matched: true, words, misses: [] }]
  }
  const fact = 'it denies requests by their http rules, never the connection'
  const misses = [{ wish: 'it had no http rules', fact }]
  return [{ field, matched: false, words: fact, misses }]
}

/** Whether the rules leave a connection to the policy; undefined where there are none. */
export function opensByHttp({
  http,
  action,
}: Pick<NetworkPolicySpec, 'http' | 'action'>): boolean | undefined {
  return http === undefined ? undefined : action === 'allow'
}
