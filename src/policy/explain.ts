import { clausesOf, nearnessOf, type Clause, type Miss, type Nearness } from './clause.ts'
import type { DecisionDocument } from './compiled-policy.ts'
import { unknownCondition } from './condition-clause.ts'
import type { PolicyMode } from './network-policy.ts'
import type { PolicySet } from './policy-set.ts'
import type { Question, Verdict } from './verdict.ts'

/** What a document does where it matches; `restrict`: a guardrail that only asks for encryption or freshness. */
export type ExplainedAction = 'allow' | 'deny' | 'alert' | 'restrict'

/** One policy, guardrail or observe, and how the question met each of its clauses. */
export interface ExplainedPolicy {
  readonly kind: DecisionDocument['kind']
  readonly name: string
  readonly action: ExplainedAction
  readonly mode: PolicyMode
  readonly matched: boolean
  readonly clauses: readonly Clause[]
  /** Why it matched, or the clauses that kept it from matching, in words. */
  readonly because: string
}

export interface Explanation {
  readonly verdict: Verdict
  /** The deciding document first, then others that match, then the rest by how near they come. */
  readonly policies: readonly ExplainedPolicy[]
  /** For a denial: what would have to be otherwise for an allow. */
  readonly nearestMiss: string | undefined
}

/**
 * Why a question is answered as it is. The verdict is that of `decide`; the clauses are judged by
 * the same terms and conditions. Looks at every document, so it is for people and not for
 * connections. At most `most` documents are listed.
 */
export function explain(set: PolicySet, question: Question, most = 100): Explanation {
  const verdict = set.decide(question)
  const judged = set.policies
    .map(({ document }) => ({ document, nearness: nearnessOf(document, question) }))
    .sort(byNearness)
  const deciding = judged.findIndex((each) => decides(each, verdict))
  if (deciding > 0) judged.unshift(...judged.splice(deciding, 1))
  const policies = judged.slice(0, most).map(({ document }) => explainOne(document, question))
  const nearestMiss =
    verdict.action === 'deny' ? describeDenial(verdict, judged, question) : undefined
  return { verdict, policies, nearestMiss }
}

interface Judged {
  readonly document: DecisionDocument
  readonly nearness: Nearness
}

/**
 * Fewest conditions to change first, and among those the policy that is met most: one for everybody
 * says less about this pair. The sort is stable, so those that match stay in order of precedence.
 */
function byNearness(a: Judged, b: Judged): number {
  const matched = a.nearness.missed === 0 && b.nearness.missed === 0
  return distance(a) - distance(b) || (matched ? 0 : b.nearness.met - a.nearness.met)
}

/** Being in `mode: observe` counts as half a condition, so those stand behind all that decide. */
function distance({ document, nearness }: Judged): number {
  return nearness.missed + (modeOf(document) === 'observe' ? 0.5 : 0)
}

/** Names are unique per kind only, so a guardrail and a policy may share one. */
function decides(judged: Judged, { policy, action, reason }: Verdict): boolean {
  const { document } = judged
  if (document.name !== policy || distance(judged) > 0) return false
  if ((document.kind === 'Observe') !== (reason === 'allowed-by-observe')) return false
  return actionOf(document) === action
}

function actionOf(document: DecisionDocument): ExplainedAction {
  switch (document.kind) {
    case 'NetworkPolicy':
      return document.spec.action
    case 'Guardrail':
      return document.spec.action ?? 'restrict'
    case 'Observe':
      return 'allow'
    default:
      return document satisfies never
  }
}

function modeOf(document: DecisionDocument): PolicyMode {
  return document.kind === 'NetworkPolicy' ? document.spec.mode : 'enforce'
}

function explainOne(document: DecisionDocument, question: Question): ExplainedPolicy {
  const clauses = clausesOf(document, question)
  const failing = clauses.filter(({ matched }) => !matched)
  const matched = failing.length === 0
  return {
    kind: document.kind,
    name: document.name,
    action: actionOf(document),
    mode: modeOf(document),
    matched,
    clauses,
    because: (matched ? clauses : failing).map(({ words }) => words).join('; '),
  }
}

/** `policy web-to-db`, `guardrail same-region`, `observe first-week`. */
function describeDocument({ kind, name }: DecisionDocument): string {
  return `${kind === 'NetworkPolicy' ? 'policy' : kind.toLowerCase()} ${name}`
}

function describeDenial(verdict: Verdict, judged: readonly Judged[], question: Question): string {
  const nearest = judged.find(({ document }) => actionOf(document) === 'allow')
  const denying = judged.find((each) => decides(each, verdict))
  if (denying !== undefined) return describeDeny(denying.document, nearest, question)
  if (nearest === undefined) return 'there is no policy that allows anything'
  const { document } = nearest
  const misses = clausesOf(document, question).flatMap((clause) => clause.misses)
  if (modeOf(document) === 'observe') {
    misses.push({ wish: 'its mode were enforce', fact: 'it is observe' })
  }
  return `${describeDocument(document)} would allow this if ${describeMisses(misses)}`
}

function describeDeny(
  denying: DecisionDocument,
  nearest: Judged | undefined,
  question: Question,
): string {
  const why = unknownCondition(denying, question)
  const unknown = why === undefined ? '' : `; its condition is unknown because ${why}`
  const denier = describeDocument(denying)
  if (nearest === undefined || distance(nearest) > 0) {
    const others = denying.kind === 'Guardrail' ? 'policies' : 'other policies'
    return `${denier} denies this, whatever ${others} allow${unknown}`
  }
  const allower = describeDocument(nearest.document)
  return `${allower} would allow this if ${denier} did not deny it${unknown}`
}

function describeMisses(misses: readonly Miss[]): string {
  const [first, ...others] = misses
  if (first !== undefined && others.length === 0) return `${first.wish}; ${first.fact}`
  return misses.map(({ wish, fact }) => `${wish} (${fact})`).join(' and ')
}
