import type { Steps } from '../base/steps.ts'
import type { TrustProfile } from '../identity/profile.ts'
import {
  matchesAlternative,
  requiresValue,
  type Alternative,
  type Selector,
  type Term,
} from './selector.ts'

/** One alternative of one selector, by the selector's number. */
interface Candidate {
  readonly selector: number
  readonly alternative: Alternative
}

/**
 * Finds the selectors that a profile meets without asking all of them. Each alternative is filed
 * under the values of one term that it requires, the rarest one; a profile then only asks those filed
 * under a value that it has. Alternatives that require no value are always asked.
 */
export class SelectorIndex {
  readonly #byValue = new Map<string, Map<string, Candidate[]>>()
  readonly #always: Candidate[] = []

  static *of(selectors: readonly Selector[]): Steps<SelectorIndex> {
    const index = new SelectorIndex()
    const uses = yield* countValues(selectors)
    for (const [selector, alternatives] of selectors.entries()) {
      for (const alternative of alternatives) {
        index.#file({ selector, alternative }, rarest(alternative, uses))
      }
      yield
    }
    return index
  }

  /** The numbers of the selectors that the profile meets, each once, in no order. */
  matching(profile: TrustProfile): ReadonlySet<number> {
    const found = new Set<number>()
    this.#ask(this.#always, profile, found)
    for (const [key, { values }] of profile.entries) {
      const byValue = this.#byValue.get(key)
      if (byValue === undefined) continue
      for (const value of values) this.#ask(byValue.get(value) ?? [], profile, found)
    }
    return found
  }

  #file(candidate: Candidate, term: Term | undefined): void {
    if (term === undefined) {
      this.#always.push(candidate)
      return
    }
    const byValue = this.#byValue.getOrInsertComputed(
      term.key,
      () => new Map<string, Candidate[]>(),
    )
    for (const value of term.anyOf) byValue.getOrInsertComputed(value, () => []).push(candidate)
  }

  #ask(candidates: readonly Candidate[], profile: TrustProfile, found: Set<number>): void {
    for (const { selector, alternative } of candidates) {
      if (!found.has(selector) && matchesAlternative(alternative, profile)) found.add(selector)
    }
  }
}

type ValueUses = ReadonlyMap<string, ReadonlyMap<string, number>>

function* countValues(selectors: readonly Selector[]): Steps<ValueUses> {
  const uses = new Map<string, Map<string, number>>()
  for (const selector of selectors) {
    for (const term of selector.flat()) {
      if (!requiresValue(term)) continue
      const ofKey = uses.getOrInsertComputed(term.key, () => new Map<string, number>())
      for (const value of term.anyOf) ofKey.set(value, (ofKey.get(value) ?? 0) + 1)
    }
    yield
  }
  return uses
}

/** The term whose values are in the fewest alternatives. */
function rarest(alternative: Alternative, uses: ValueUses): Term | undefined {
  let best: Term | undefined
  let least = Infinity
  for (const term of alternative) {
    if (!requiresValue(term)) continue
    const ofKey = uses.get(term.key)
    const cost = term.anyOf.reduce((sum, value) => sum + (ofKey?.get(value) ?? 0), 0)
    if (cost < least) {
      best = term
      least = cost
    }
  }
  return best
}
