import { isAtLeast, sidecarProvenance, weakest, type Provenance } from '../identity/attributes.ts'
import type { ProfileEntry, TrustProfile } from '../identity/profile.ts'

/** Which profiles are meant: those that meet at least one of the alternatives. */
export type Selector = readonly Alternative[]

/** Terms that all hold; none at all holds for every profile. */
export type Alternative = readonly Term[]

/**
 * What is asked about one key. A value below the provenance `need` is as if it were absent. The
 * questions are joined by *or*.
 */
export interface Term {
  readonly key: string
  readonly need: Provenance
  /** `x`: some value equals one of these. Sorted, unique. */
  readonly anyOf: readonly string[]
  /** `!x`: the key is present and no value equals this. */
  readonly except: string | undefined
  /** `*`: the key is present. */
  readonly present: boolean
  /** `!*`: the key is absent. */
  readonly absent: boolean
}

/** What a selector accepts when it does not say (POLICY, "Selectors"): everything but `claimed`. */
export const defaultNeed: Provenance = 'observed'

/** Whether a profile meets a selector. */
export function matchesSelector(selector: Selector, profile: TrustProfile): boolean {
  return selector.some((alternative) => matchesAlternative(alternative, profile))
}

export function matchesAlternative(alternative: Alternative, profile: TrustProfile): boolean {
  for (const term of alternative) {
    if (!holds(term, profile.entries.get(term.key))) return false
  }
  return true
}

/** Whether a term holds for the profile's entry of its key: the one place that knows what terms mean. */
export function holds(term: Term, entry: ProfileEntry | undefined): boolean {
  if (entry === undefined || !isAtLeast(entry.provenance, term.need)) return term.absent
  if (term.present) return true
  for (const value of entry.values) if (term.anyOf.includes(value)) return true
  return term.except !== undefined && !entry.values.includes(term.except)
}

/** Whether a term cannot hold unless the profile has one of the values it lists. */
export function requiresValue({ anyOf, except, present, absent }: Term): boolean {
  return anyOf.length > 0 && except === undefined && !present && !absent
}

/**
 * The provenance of what is derived from a match: that of the weakest fact the match rests on, by the
 * alternative that rests on the strongest (PROTOCOL §1, "derived"). Undefined when nothing matches.
 */
export function matchedProvenance(
  selector: Selector,
  profile: TrustProfile,
): Provenance | undefined {
  let strongest: Provenance | undefined
  for (const alternative of selector) {
    if (!matchesAlternative(alternative, profile)) continue
    const rests = alternative.map((term) => restsOn(term, profile)).reduce(weakest, 'signed')
    if (strongest === undefined || isAtLeast(rests, strongest)) strongest = rests
  }
  return strongest
}

/** An absent key is known by who could have kept it back: the sidecar, where it is the reporter. */
function restsOn(term: Term, profile: TrustProfile): Provenance {
  const entry = profile.entries.get(term.key)
  if (entry !== undefined && isAtLeast(entry.provenance, term.need)) return entry.provenance
  return sidecarProvenance(term.key) ?? 'signed'
}
