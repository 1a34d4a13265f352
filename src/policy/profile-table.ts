import type { TrustProfile } from '../identity/profile.ts'
import { createBitset, setBit, type Bitset } from './bitset.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import type { Selector } from './selector.ts'
import { SelectorIndex } from './selector-index.ts'
import type { Verdict } from './verdict.ts'

/** What the engine remembers of one profile. Policies are known by their place in precedence. */
export interface KnownProfile {
  /** Small, so that an id and a port make one small integer. */
  readonly id: number
  /** Policies whose `from` the profile meets. */
  readonly from: Bitset
  /** Policies whose `to` the profile meets, ascending. */
  readonly to: Int32Array
  /** Those of `to` that concern a port; filled as ports are asked for. */
  readonly toByPort: Map<number, Int32Array>
  /** Verdicts with this profile as destination, by source id and port. */
  readonly verdicts: Map<number, Verdict>
}

/** Policies that share a selector, on either side. */
interface SelectorUse {
  readonly selector: Selector
  readonly from: number[]
  readonly to: number[]
}

/**
 * Meets each profile once: which policies it matches at either end is found through the index when
 * the profile is first seen, and kept by the profile's digest.
 */
export class ProfileTable {
  readonly #policies: readonly CompiledPolicy[]
  readonly #uses: readonly SelectorUse[]
  readonly #index: SelectorIndex
  readonly #known = new Map<string, KnownProfile>()

  constructor(policies: readonly CompiledPolicy[]) {
    this.#policies = policies
    this.#uses = groupBySelector(policies)
    this.#index = new SelectorIndex(this.#uses.map(({ selector }) => selector))
  }

  get size(): number {
    return this.#known.size
  }

  know(profile: TrustProfile): KnownProfile {
    return this.#known.get(profile.digest) ?? this.#meet(profile)
  }

  forgetProfiles(): void {
    this.#known.clear()
  }

  forgetVerdicts(): void {
    for (const { verdicts } of this.#known.values()) verdicts.clear()
  }

  #meet(profile: TrustProfile): KnownProfile {
    const from = createBitset(this.#policies.length)
    const to: number[] = []
    for (const number of this.#index.matching(profile)) {
      const use = this.#uses[number]
      if (use === undefined) continue
      for (const policy of use.from) setBit(from, policy)
      to.push(...use.to)
    }
    const known: KnownProfile = {
      id: this.#known.size,
      from,
      to: Int32Array.from(to).sort(),
      toByPort: new Map(),
      verdicts: new Map(),
    }
    this.#known.set(profile.digest, known)
    return known
  }
}

/** Many policies select alike; each selector is asked once for all of them. */
function groupBySelector(policies: readonly CompiledPolicy[]): SelectorUse[] {
  const uses = new Map<string, SelectorUse>()
  const useOf = (selector: Selector): SelectorUse =>
    uses.getOrInsertComputed(JSON.stringify(selector), () => ({ selector, from: [], to: [] }))
  for (const [at, { document }] of policies.entries()) {
    useOf(document.spec.from).from.push(at)
    useOf(document.spec.to).to.push(at)
  }
  return [...uses.values()]
}
