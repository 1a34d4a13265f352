import { clausesOf, nearnessOf, type Clause, type Miss, type Nearness } from './clause.ts'
import type { Action, NetworkPolicy, PolicyMode } from './network-policy.ts'
import type { PolicySet } from './policy-set.ts'
import type { Question, Verdict } from './verdict.ts'

/** One policy and how the question met each of its clauses. */
export interface ExplainedPolicy {
  readonly name: string
  readonly action: Action
  readonly mode: PolicyMode
  readonly matched: boolean
  readonly clauses: readonly Clause[]
  /** Why it matched, or the clauses that kept it from matching, in words. */
  readonly because: string
}

export interface Explanation {
  readonly verdict: Verdict
  /** The deciding policy first, then others that match, then the rest by how near they come. */
  readonly policies: readonly ExplainedPolicy[]
  /** For a denial: what would have to be otherwise for an allow. */
  readonly nearestMiss: string | undefined
}

/**
 * Why a question is answered as it is. The verdict is that of `decide`; the clauses are judged by
 * the same terms. Looks at every policy, so it is for people and not for connections. At most
 * `most` policies are listed.
 */
export function explain(set: PolicySet, question: Question, most = 100): Explanation {
  const verdict = set.decide(question)
  const judged = set.policies
    .map(({ document }) => ({ document, nearness: nearnessOf(document.spec, question) }))
    .sort(byNearness)
  const policies = judged.slice(0, most).map(({ document }) => explainPolicy(document, question))
  const nearestMiss =
    verdict.action === 'deny' ? describeDenial(verdict, judged, question) : undefined
  return { verdict, policies, nearestMiss }
}

interface Judged {
  readonly document: NetworkPolicy
  readonly nearness: Nearness
}

/**
 * Fewest conditions to change first, and among those the policy that is met most: one for everybody
 * says less about this pair. The sort is stable, so those that match stay in order of precedence,
 * the deciding one first.
 */
function byNearness(a: Judged, b: Judged): number {
  const matched = a.nearness.missed === 0 && b.nearness.missed === 0
  return distance(a) - distance(b) || (matched ? 0 : b.nearness.met - a.nearness.met)
}

/** Being in `mode: observe` counts as half a condition, so those stand behind all that decide. */
function distance({ document, nearness }: Judged): number {
  return nearness.missed + (document.spec.mode === 'observe' ? 0.5 : 0)
}

function explainPolicy({ name, spec }: NetworkPolicy, question: Question): ExplainedPolicy {
  const clauses = clausesOf(spec, question)
  const failing = clauses.filter(({ matched }) => !matched)
  const matched = failing.length === 0
  const because = (matched ? clauses : failing).map(({ words }) => words).join('; ')
  return { name, action: spec.action, mode: spec.mode, matched, clauses, because }
}

function describeDenial(verdict: Verdict, judged: readonly Judged[], question: Question): string {
  const nearest = judged.find(({ document }) => document.spec.action === 'allow')
  if (verdict.policy !== undefined) return describeDeny(verdict.policy, nearest)
  if (nearest === undefined) return 'there is no policy that allows anything'
  const { name, spec } = nearest.document
  const misses = clausesOf(spec, question).flatMap((clause) => clause.misses)
  if (spec.mode === 'observe') misses.push({ wish: 'its mode were enforce', fact: 'it is observe' })
  return `policy ${name} would allow this if ${describeMisses(misses)}`
}

function describeDeny(denying: string, nearest: Judged | undefined): string {
  if (nearest === undefined || distance(nearest) > 0) {
    return `policy ${denying} denies this, whatever other policies allow`
  }
  return `policy ${nearest.document.name} would allow this if policy ${denying} did not deny it`
}

function describeMisses(misses: readonly Miss[]): string {
  const [first, ...others] = misses
  if (first !== undefined && others.length === 0) return `${first.wish}; ${first.fact}`
  return misses.map(({ wish, fact }) => `${wish} (${fact})`).join(' and ')
}
