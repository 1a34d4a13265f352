import type { Steps } from '../base/steps.ts'
import type { TrustProfile } from '../identity/profile.ts'
import { createBitset, listBits, setBit, type Bitset } from './bitset.ts'
import type { CompiledPolicy, DecisionDocument } from './compiled-policy.ts'
import { attributeView } from './condition.ts'
import type { AttributeView } from './condition-language.ts'
import { isOutsider } from './external-words.ts'
import type { Selector } from './selector.ts'
import { SelectorIndex } from './selector-index.ts'

/**
 * Profiles that no policy can tell apart: they meet the same selectors and have the same values of
 * every key that a condition reads. Policies are known by their place in precedence.
 */
export interface ProfileClass {
  /** Small, so that an id and a port make one small integer. */
  readonly id: number
  /** They are of peers outside the mesh. */
  readonly isOutside: boolean
  /** Policies whose `from` the profiles meet. */
  readonly from: Bitset
  /** Policies whose `to` the profiles meet, ascending. */
  readonly to: Int32Array
  /** Those of `to` that concern a port; filled as ports are asked for. */
  readonly toByPort: Map<number, Int32Array>
  /** Those of them that have http rules, likewise. */
  readonly httpByPort: Map<number, Int32Array>
  /** What conditions see: all that one of the profiles has, alike in what they read. */
  readonly view: AttributeView
  /** Documents that can match at either end, in order of precedence. */
  readonly relevant: readonly DecisionDocument[]
}

/** Policies that share a selector, on either side. */
interface SelectorUse {
  readonly selector: Selector
  readonly from: number[]
  readonly to: number[]
  /** Keys that the conditions of these policies read. */
  readonly reads: Set<string>
}

const noView: AttributeView = new Map()

/**
 * Meets each profile once: which policies it matches at either end is found through the index when
 * the profile is first seen, and kept by the profile's digest.
 */
export class ProfileTable {
  readonly #policies: readonly CompiledPolicy[]
  readonly #uses: readonly SelectorUse[]
  readonly #index: SelectorIndex
  readonly #known = new Map<string, ProfileClass>()
  readonly #classes = new Map<string, ProfileClass>()

  private constructor(
    policies: readonly CompiledPolicy[],
    uses: readonly SelectorUse[],
    index: SelectorIndex,
  ) {
    this.#policies = policies
    this.#uses = uses
    this.#index = index
  }

  static *of(policies: readonly CompiledPolicy[]): Steps<ProfileTable> {
    const uses = yield* groupBySelector(policies)
    const index = yield* SelectorIndex.of(uses.map(({ selector }) => selector))
    return new ProfileTable(policies, uses, index)
  }

  get size(): number {
    return this.#known.size
  }

  /** The class of a profile that was met before. */
  known(profile: TrustProfile): ProfileClass | undefined {
    return this.#known.get(profile.digest)
  }

  know(profile: TrustProfile): ProfileClass {
    return this.known(profile) ?? this.#meet(profile)
  }

  forgetProfiles(): void {
    this.#known.clear()
    this.#classes.clear()
  }

  #meet(profile: TrustProfile): ProfileClass {
    const met = [...this.#index.matching(profile)].sort((a, b) => a - b)
    const keys = this.#keysReadBy(met)
    const view = keys.length === 0 ? noView : attributeView(profile)
    const read = keys.map((key) => view.get(key) ?? null)
    const isOutside = isOutsider(profile)
    const told = keys.length === 0 ? met.join() : `${met.join()} ${JSON.stringify(read)}`
    const name = isOutside ? `outside ${told}` : told
    const known = this.#classes.get(name) ?? this.#addClass(name, met, view, isOutside)
    this.#known.set(profile.digest, known)
    return known
  }

  /** Keys that the conditions behind these selectors read, in an order that only the selectors decide. */
  #keysReadBy(met: readonly number[]): string[] {
    const keys = new Set<string>()
    for (const number of met) for (const key of this.#uses[number]?.reads ?? []) keys.add(key)
    return [...keys]
  }

  #addClass(
    name: string,
    met: readonly number[],
    view: AttributeView,
    isOutside: boolean,
  ): ProfileClass {
    const from = createBitset(this.#policies.length)
    const either = createBitset(this.#policies.length)
    const to: number[] = []
    for (const number of met) {
      const use = this.#uses[number]
      if (use === undefined) continue
      for (const at of use.from) {
        setBit(from, at)
        setBit(either, at)
      }
      for (const at of use.to) {
        to.push(at)
        setBit(either, at)
      }
    }
    const added: ProfileClass = {
      id: this.#classes.size,
      isOutside,
      from,
      to: Int32Array.from(to).sort(),
      toByPort: new Map(),
      httpByPort: new Map(),
      view,
      relevant: listBits(either).flatMap((at) => this.#policies[at]?.document ?? []),
    }
    this.#classes.set(name, added)
    return added
  }
}

// Policies that are compiled once meet in many sets.
const spelledBefore = new WeakMap<Selector, string>()

/** Many policies select alike; each selector is asked once for all of them. */
function* groupBySelector(policies: readonly CompiledPolicy[]): Steps<SelectorUse[]> {
  const uses = new Map<string, SelectorUse>()
  const useOf = (selector: Selector): SelectorUse =>
    uses.getOrInsertComputed(spelledBefore.getOrInsertComputed(selector, spell), () => {
      return { selector, from: [], to: [], reads: new Set() }
    })
  for (const [at, { from, to, condition }] of policies.entries()) {
    const [source, target] = [useOf(from), useOf(to)]
    source.from.push(at)
    target.to.push(at)
    for (const { key } of condition?.reads ?? []) {
      source.reads.add(key)
      target.reads.add(key)
    }
    yield
  }
  return [...uses.values()]
}

/**
 * A text that only equal selectors share. Lengths stand before values, so nothing that a value holds
 * can be taken for another one; a tenth of the cost of JSON.
 */
function spell(selector: Selector): string {
  let spelled = ''
  for (const alternative of selector) {
    spelled += '|'
    for (const { key, need, anyOf, except, present, absent } of alternative) {
      spelled += `${key}@${need}${present ? '*' : '='}${absent ? '-' : '+'}`
      if (except !== undefined) spelled += `!${String(except.length)}:${except}`
      for (const value of anyOf) spelled += `${String(value.length)}:${value}`
      spelled += ';'
    }
  }
  return spelled
}
