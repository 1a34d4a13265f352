import type { TrustProfile } from '../identity/profile.ts'
import { hasBit, listBits, setBit } from './bitset.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import type { NetworkPolicy } from './network-policy.ts'
import { ProfileTable, type KnownProfile } from './profile-table.ts'
import { noPolicyMatched, type Question, type Verdict } from './verdict.ts'

/** Bounds of what a policy set remembers; the least it then costs is to decide once more. */
export interface DecisionLimits {
  /** Profiles; beyond it all are forgotten. At most 32,768, so that cache keys stay small integers. */
  readonly profiles: number
  /** Verdicts over all pairs and ports; beyond it all are forgotten. 0 turns the cache off. */
  readonly verdicts: number
}

const mostProfiles = 32_768
const allPorts = 0xffff
/** Stands for every port that no policy names, so that a port scan leaves nothing behind here. */
const unnamedPort = 0

/**
 * Compiled policies, immutable in meaning: any change of policy is a new set, so nothing that is
 * remembered here can be about another version. Not shared between threads.
 */
export class PolicySet {
  /** In order of precedence: the first that matches decides. */
  readonly policies: readonly CompiledPolicy[]
  readonly #table: ProfileTable
  readonly #limits: DecisionLimits
  readonly #namedPorts: ReadonlySet<number>
  /** Where those in `mode: observe` begin. */
  readonly #firstObserved: number
  /**
   * Whether the last evaluation passed over a policy that had expired. Such a verdict is not kept: it
   * would be wrong for an earlier time. Any other holds from the beginning to its deadline, because
   * policies only ever end.
   */
  #passedExpired = false
  #verdicts = 0

  /** Use `compilePolicies`; the policies must be in order of precedence. */
  constructor(policies: readonly CompiledPolicy[], limits: DecisionLimits) {
    this.policies = policies
    this.#table = new ProfileTable(policies)
    this.#limits = { ...limits, profiles: Math.min(limits.profiles, mostProfiles) }
    this.#namedPorts = new Set(policies.flatMap(({ ports }) => [...(ports ?? [])]))
    const observed = policies.findIndex(({ document }) => document.spec.mode === 'observe')
    this.#firstObserved = observed === -1 ? policies.length : observed
  }

  /**
   * Decides whether `from` may open a connection to `to`. A pure function of the question: what it
   * remembers never changes an answer. Costs two look-ups and one in the destination's cache.
   */
  decide(question: Question): Verdict {
    const { from, to, port, now } = question
    if (!isPort(port)) return noPolicyMatched
    if (this.#table.size + 2 > this.#limits.profiles) this.#forgetProfiles()
    const source = this.#table.know(from)
    const target = this.#table.know(to)
    const key = (source.id << 16) | port
    const known = target.verdicts.get(key)
    if (known !== undefined && (known.deadline === undefined || now < known.deadline)) return known
    const verdict = this.#evaluate(source, target, port, now)
    if (!this.#passedExpired && this.#limits.verdicts > 0) this.#remember(target, key, verdict)
    return verdict
  }

  /** The policies that can match a workload with this profile at either end, in order of precedence. */
  relevantFor(profile: TrustProfile): NetworkPolicy[] {
    if (this.#table.size + 1 > this.#limits.profiles) this.#forgetProfiles()
    const { from, to } = this.#table.know(profile)
    const either = from.slice()
    for (const at of to) setBit(either, at)
    return listBits(either).flatMap((at) => this.policies[at]?.document ?? [])
  }

  #evaluate(source: KnownProfile, target: KnownProfile, port: number, now: number): Verdict {
    this.#passedExpired = false
    const candidates = this.#candidates(target, port)
    let verdict = noPolicyMatched
    for (const at of candidates) {
      if (at >= this.#firstObserved) break
      if (!hasBit(source.from, at)) continue
      const policy = this.policies[at]
      if (policy === undefined || this.#hasExpired(policy, now)) continue
      verdict = policy.verdict
      break
    }
    if (this.#firstObserved === this.policies.length) return verdict
    return this.#withObserved(verdict, source, candidates, now)
  }

  #hasExpired(policy: CompiledPolicy, now: number): boolean {
    if (now < policy.expires) return false
    this.#passedExpired = true
    return true
  }

  /** Policies for this destination and port, ascending. Ports that no policy names are as one. */
  #candidates(target: KnownProfile, port: number): Int32Array {
    const named = this.#namedPorts.has(port) ? port : unnamedPort
    const known = target.toByPort.get(named)
    if (known !== undefined) return known
    const concerned = target.to.filter((at) => concerns(this.policies[at], named))
    target.toByPort.set(named, concerned)
    return concerned
  }

  #withObserved(
    verdict: Verdict,
    source: KnownProfile,
    candidates: Int32Array,
    now: number,
  ): Verdict {
    const matching: CompiledPolicy[] = []
    for (const at of candidates) {
      const policy = this.policies[at]
      if (policy === undefined || at < this.#firstObserved || !hasBit(source.from, at)) continue
      if (!this.#hasExpired(policy, now)) matching.push(policy)
    }
    if (matching.length === 0) return verdict
    const deadline = Math.min(
      verdict.deadline ?? Infinity,
      ...matching.map(({ expires }) => expires),
    )
    return {
      ...verdict,
      deadline: deadline === Infinity ? undefined : deadline,
      observed: matching.map(({ document }) => document.name),
    }
  }

  #remember(target: KnownProfile, key: number, verdict: Verdict): void {
    if (this.#verdicts >= this.#limits.verdicts) {
      this.#table.forgetVerdicts()
      this.#verdicts = 0
    }
    // A verdict past its deadline is replaced and counted twice: the count errs to the safe side.
    target.verdicts.set(key, verdict)
    this.#verdicts += 1
  }

  #forgetProfiles(): void {
    this.#table.forgetProfiles()
    this.#verdicts = 0
  }
}

function isPort(port: number): boolean {
  return (port & allPorts) === port && port !== 0
}

function concerns(policy: CompiledPolicy | undefined, port: number): boolean {
  return policy !== undefined && (policy.ports === undefined || policy.ports.has(port))
}
