import type { Clause } from './clause-words.ts'
import type { DecisionDocument } from './compiled-policy.ts'

/** What a document says of requests that a balancer passes on: it keeps no connection from matching. */
export function relayClause(document: DecisionDocument): Clause[] {
  if (!saysOfRelays(document)) return []
  const words = 'a request that a balancer passes on counts as encrypted'
  return [{ field: 'relay', matched: true, words, misses: [] }]
}

/** Whether it has the clause. */
export function saysOfRelays(document: DecisionDocument): boolean {
  return document.kind !== 'Observe' && document.spec.relay !== undefined
}
