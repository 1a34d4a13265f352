import type { ProfileEntry, TrustProfile } from '../../src/identity/profile.ts'
import { provenances, type Provenance } from '../../src/identity/provenance.ts'
import type { NetworkPolicy, Selector, Term } from '../../src/policy/index.ts'
import type { Question } from '../../src/policy/verdict.ts'

/**
 * What the reference (POLICY, "Selectors" and "Decision") says, written as naively as it reads: every
 * policy is asked every time, nothing is indexed, ordered beforehand or remembered. It shares no code
 * with the engine.
 */
export function oracle(
  policies: readonly NetworkPolicy[],
  { from, to, port, now }: Question,
): { action: string; policy: string | undefined; encryption: string; observed: string[] } {
  const matching = policies.filter(
    ({ spec }) =>
      selects(spec.from, from) &&
      selects(spec.to, to) &&
      (spec.ports === undefined || spec.ports.some((named) => named === port)) &&
      (spec.expires === undefined || spec.expires > now),
  )
  const names = (list: readonly NetworkPolicy[]): string[] => list.map(({ name }) => name).sort()
  const observed = names(matching.filter(({ spec }) => spec.mode === 'observe'))
  const enforced = matching.filter(({ spec }) => spec.mode === 'enforce')
  const denies = names(enforced.filter(({ spec }) => spec.action === 'deny'))
  if (denies.length > 0) {
    return { action: 'deny', policy: denies[0], encryption: 'required', observed }
  }
  for (const encryption of ['required', 'optional', 'none']) {
    const allows = names(enforced.filter(({ spec }) => spec.encryption === encryption))
    if (allows.length > 0) return { action: 'allow', policy: allows[0], encryption, observed }
  }
  return { action: 'deny', policy: undefined, encryption: 'required', observed }
}

export function selects(selector: Selector, profile: TrustProfile): boolean {
  return selector.some((terms) => terms.every((term) => isMet(term, profile)))
}

function isMet(term: Term, profile: TrustProfile): boolean {
  const values = visible(profile.entries.get(term.key), term.need)
  if (values.length === 0) return term.absent
  if (term.present) return true
  if (term.except !== undefined && values.every((value) => value !== term.except)) return true
  return term.anyOf.some((wanted) => values.some((value) => value === wanted))
}

function visible(entry: ProfileEntry | undefined, need: Provenance): readonly string[] {
  if (entry === undefined) return []
  return provenances.indexOf(entry.provenance) < provenances.indexOf(need) ? [] : entry.values
}
