import type { TrustProfile } from '../identity/profile.ts'
import { hasBit } from './bitset.ts'
import {
  isRestricting,
  stages,
  type CompiledPolicy,
  type DecisionDocument,
  type Stage,
} from './compiled-policy.ts'
import { askCondition, conditionDeadline, readsNow } from './condition.ts'
import {
  addGuardrail,
  earlier,
  guardedVerdict,
  nothingGuarded,
  verdictOutside,
  type Guarding,
} from './guarding.ts'
import type { ProfileClass, ProfileTable } from './profile-table.ts'
import { meetsHttp, type HttpRequest } from './http-request.ts'
import { isAboutPort, isDatagramPort, isTcpPort, unnamedPort } from './port.ts'
import { distrusted, type Passage } from './relay.ts'
import { noPolicyMatched, type Question, type Verdict } from './verdict.ts'
import { VerdictCache } from './verdict-cache.ts'

/** Bounds of what a policy set remembers; the least it then costs is to decide once more. */
export interface DecisionLimits {
  /** Profiles; beyond it all are forgotten. At most 32,768, so that cache keys stay small integers. */
  readonly profiles: number
  /** Verdicts over all pairs and ports; beyond it all are forgotten. 0 turns the cache off. */
  readonly verdicts: number
}

const mostProfiles = 32_768

/** One question on its way through the documents. */
interface Asked {
  readonly source: ProfileClass
  readonly target: ProfileClass
  readonly port: number
  readonly now: number
  /** Undefined: it is about the connection. */
  readonly request: HttpRequest | undefined
  readonly passage: Passage
  /** Documents whose `to` and ports concern it, ascending. */
  readonly candidates: Int32Array
}

/**
 * Compiled policies, immutable in meaning: any change of policy is a new set, so nothing that is
 * remembered here can be about another version. Not shared between threads.
 */
export class PolicySet {
  /** In order of precedence: the first that matches decides. Guardrails and Observe are among them. */
  readonly policies: readonly CompiledPolicy[]
  readonly #table: ProfileTable
  readonly #limits: DecisionLimits
  readonly #namedPorts = new Set<number>()
  readonly #hasHttp: boolean
  /** Where each stage ends. */
  readonly #guardrailsEnd: number
  readonly #policiesEnd: number
  readonly #recordedEnd: number
  /**
   * Whether the last evaluation passed over a policy that had expired, or asked for the time. Such a
   * verdict is not kept: it would be wrong for an earlier time. Any other holds from the beginning to
   * its deadline, because policies only ever end.
   */
  #isMomentary = false
  /** When a condition that was asked may answer otherwise. */
  #conditionDeadline = Infinity
  readonly #verdicts: VerdictCache

  /** Use `compilePolicies`; the policies must be in order of precedence, and the table made of them. */
  constructor(policies: readonly CompiledPolicy[], table: ProfileTable, limits: DecisionLimits) {
    this.policies = policies
    this.#table = table
    this.#verdicts = new VerdictCache(limits.verdicts)
    this.#limits = { ...limits, profiles: Math.min(limits.profiles, mostProfiles) }
    for (const { ports } of policies) for (const port of ports ?? []) this.#namedPorts.add(port)
    this.#hasHttp = policies.some(({ http }) => http !== undefined)
    const endOf = (last: Stage): number => {
      const end = policies.findIndex(({ stage }) => stage > last)
      return end === -1 ? policies.length : end
    }
    this.#guardrailsEnd = endOf(stages.guardrail)
    this.#policiesEnd = endOf(stages.policy)
    this.#recordedEnd = endOf(stages.recorded)
  }

  /**
   * Decides whether `from` may open a connection to `to`. A pure function of the question: what it
   * remembers never changes an answer. Costs three look-ups, of a TCP port.
   */
  decide(question: Question): Verdict {
    const { from, to, port, now } = question
    if (!isTcpPort(port)) {
      return isDatagramPort(port) ? this.#decideOnDatagrams(question) : noPolicyMatched
    }
    const source = this.#table.known(from)
    const target = this.#table.known(to)
    if (source === undefined || target === undefined) return this.#decideOnStranger(question)
    const known = this.#verdicts.get(source.id, target.id, port)
    if (known !== undefined && (known.deadline === undefined || now < known.deadline)) return known
    return this.#decideAnew(source, target, port, now)
  }

  /**
   * Decides on one request of a connection that `decide` allows, by the same rules: http rules hold
   * where the request meets one. Nothing is remembered of it. A balancer reads what it passes on, so a
   * relayed request meets `encryption: required` only where that trusts it; one without a token may be
   * anybody's, so an allow of the balancer lets it in only by http rules.
   */
  decideRequest(question: Question, request: HttpRequest, passage: Passage = 'direct'): Verdict {
    const { from, to, port, now } = question
    if (!isTcpPort(port)) return noPolicyMatched
    const [source, target] = this.#ends(from, to)
    return this.#evaluate({ source, target, port, now, request, passage })
  }

  /**
   * Whether requests to a workload on a port are decided one by one, whoever sends them: a policy with
   * http rules is in force there. Such policies only ever end, so a port that is not in HTTP mode
   * never comes to be in it under this set.
   */
  readsRequests(to: TrustProfile, port: number, now: number): boolean {
    if (!this.#hasHttp || !isTcpPort(port)) return false
    const [, target] = this.#ends(to, to)
    return this.#httpCandidates(target, port).some((at) => now < (this.policies[at]?.expires ?? 0))
  }

  /** The documents that can match a workload with this profile at either end, in order of precedence. */
  relevantFor(profile: TrustProfile): readonly DecisionDocument[] {
    if (this.#table.size + 1 > this.#limits.profiles) this.#forgetProfiles()
    return this.#table.know(profile).relevant
  }

  /**
   * Whether an allow or an Observe could let a connection from one to the other through, on some port
   * and at some time. What it says no to, `decide` denies.
   */
  mayAllow(from: TrustProfile, to: TrustProfile): boolean {
    return this.#isAny(from, to, ({ stage, verdict }) => {
      const decides = stage === stages.policy || stage === stages.observe
      return decides && verdict.action === 'allow'
    })
  }

  /** Whether a deny or a guardrail could keep a connection from one to the other back, or cut it. */
  mayRestrict(from: TrustProfile, to: TrustProfile): boolean {
    return this.#isAny(from, to, ({ stage, verdict }) => {
      return stage === stages.guardrail || (stage === stages.policy && verdict.action === 'deny')
    })
  }

  /** Whether some document that fits both ends is such a one. */
  #isAny(
    from: TrustProfile,
    to: TrustProfile,
    isSuch: (policy: CompiledPolicy) => boolean,
  ): boolean {
    const [source, target] = this.#ends(from, to)
    return target.to.some((at) => {
      const policy = this.policies[at]
      return policy !== undefined && hasBit(source.from, at) && isSuch(policy)
    })
  }

  /** Asked once for each change of policy and not for each packet, so nothing is remembered of it. */
  #decideOnDatagrams({ from, to, port, now }: Question): Verdict {
    const [source, target] = this.#ends(from, to)
    return this.#evaluate({ source, target, port, now, request: undefined, passage: 'direct' })
  }

  /** Meets both, in the table as it is after that. */
  #decideOnStranger({ from, to, port, now }: Question): Verdict {
    const [source, target] = this.#ends(from, to)
    return this.#decideAnew(source, target, port, now)
  }

  #ends(from: TrustProfile, to: TrustProfile): [ProfileClass, ProfileClass] {
    const source = this.#table.known(from)
    const target = this.#table.known(to)
    if (source !== undefined && target !== undefined) return [source, target]
    if (this.#table.size + 2 > this.#limits.profiles) this.#forgetProfiles()
    return [this.#table.know(from), this.#table.know(to)]
  }

  #decideAnew(source: ProfileClass, target: ProfileClass, port: number, now: number): Verdict {
    const about = { request: undefined, passage: 'direct' } as const
    const verdict = this.#evaluate({ source, target, port, now, ...about })
    if (!this.#isMomentary) this.#verdicts.set(source.id, target.id, port, verdict)
    return verdict
  }

  #evaluate(about: Omit<Asked, 'candidates'>): Verdict {
    this.#isMomentary = false
    this.#conditionDeadline = Infinity
    const { source, target, port } = about
    const asked: Asked = { ...about, candidates: this.#candidates(target, port) }
    const guarding = this.#guardrailsEnd === 0 ? undefined : this.#askGuardrails(asked)
    let verdict = guarding?.denial ?? this.#askPolicies(asked)
    if (guarding !== undefined) verdict = guardedVerdict(verdict, guarding)
    if (about.passage !== 'direct') verdict = verdictPassedOn(verdict, about.passage, guarding)
    if (source.isOutside || target.isOutside) verdict = verdictOutside(verdict, guarding?.encrypts)
    if (this.#policiesEnd < this.#recordedEnd) verdict = this.#withObserved(verdict, asked)
    if (this.#conditionDeadline === Infinity) return verdict
    return { ...verdict, deadline: earlier(verdict.deadline, this.#conditionDeadline) }
  }

  /** All that match, because their effects add up. Undefined where none does. */
  #askGuardrails(asked: Asked): Guarding | undefined {
    let guarding: Guarding | undefined
    for (const at of asked.candidates) {
      if (at >= this.#guardrailsEnd) break
      const verdict = this.#askOne(at, asked)
      const policy = this.policies[at]
      if (verdict === undefined || policy === undefined) continue
      guarding ??= nothingGuarded()
      addGuardrail(guarding, policy, verdict)
    }
    return guarding
  }

  /** The first policy that matches; where none does, the first Observe. */
  #askPolicies(asked: Asked): Verdict {
    const { from } = asked.source
    for (const at of asked.candidates) {
      // Most candidates end here, so this is asked before anything is called.
      if (at < this.#guardrailsEnd || !hasBit(from, at)) continue
      if (at >= this.#policiesEnd && at < this.#recordedEnd) continue
      const policy = this.policies[at]
      if (asked.passage === 'tokenless' && !namesRequests(policy)) continue
      const verdict = this.#askOne(at, asked)
      if (verdict === undefined) continue
      return asked.passage === 'relayed' && verdict === policy?.verdict
        ? policy.whenRelayed
        : verdict
    }
    return noPolicyMatched
  }

  /** What one of the candidates says; undefined where it does not match. */
  #askOne(at: number, asked: Asked): Verdict | undefined {
    if (!hasBit(asked.source.from, at)) return undefined
    const policy = this.policies[at]
    if (policy === undefined) return undefined
    if (policy.http !== undefined && !meetsHttp(policy.http, asked.request)) return undefined
    if (asked.now >= policy.expires) {
      this.#isMomentary = true
      return undefined
    }
    return policy.condition === undefined ? policy.verdict : this.#askConditional(policy, asked)
  }

  #askConditional(policy: CompiledPolicy, asked: Asked): Verdict | undefined {
    const { condition, verdict, whenUnknown } = policy
    if (condition === undefined) return verdict
    const { source, target, port, now } = asked
    if (readsNow(condition)) {
      this.#isMomentary = true
      const deadline = conditionDeadline(condition, now)
      this.#conditionDeadline = Math.min(this.#conditionDeadline, deadline)
    }
    const truth = askCondition(condition, source.view, target.view, port, now)
    return truth === undefined ? whenUnknown : truth ? verdict : undefined
  }

  /** Policies for this destination and port, ascending. Ports that no policy names are as one. */
  #candidates(target: ProfileClass, port: number): Int32Array {
    const named = this.#nameOf(port)
    const known = target.toByPort.get(named)
    if (known !== undefined) return known
    const concerned = target.to.filter((at) => concerns(this.policies[at], named))
    target.toByPort.set(named, concerned)
    return concerned
  }

  /** Those of them that have http rules: few, and asked for at each connection. */
  #httpCandidates(target: ProfileClass, port: number): Int32Array {
    const named = this.#nameOf(port)
    const known = target.httpByPort.get(named)
    if (known !== undefined) return known
    const reading = this.#candidates(target, port).filter(
      (at) => this.policies[at]?.http !== undefined,
    )
    target.httpByPort.set(named, reading)
    return reading
  }

  #nameOf(port: number): number {
    return this.#namedPorts.has(port) ? port : unnamedPort(port)
  }

  /** The verdict with the names of policies in `mode: observe` that match. */
  #withObserved(verdict: Verdict, asked: Asked): Verdict {
    const matching: CompiledPolicy[] = []
    for (const at of asked.candidates) {
      if (at < this.#policiesEnd || at >= this.#recordedEnd) continue
      const policy = this.policies[at]
      if (policy !== undefined && this.#askOne(at, asked) !== undefined) matching.push(policy)
    }
    if (matching.length === 0) return verdict
    const ends = Math.min(...matching.map(({ expires }) => expires))
    const observed = matching.map(({ document }) => document.name)
    return { ...verdict, deadline: earlier(verdict.deadline, ends), observed }
  }

  #forgetProfiles(): void {
    this.#table.forgetProfiles()
    this.#verdicts.clear()
  }
}

function concerns(policy: CompiledPolicy | undefined, port: number): boolean {
  return policy !== undefined && isAboutPort(policy.ports, isRestricting(policy.document), port)
}

/** Whether a policy says itself which requests it lets in; what it denies it need not. */
function namesRequests(policy: CompiledPolicy | undefined): boolean {
  return policy?.verdict.action === 'deny' || policy?.http !== undefined
}

/** The verdict on a request that a balancer has passed on. */
function verdictPassedOn(
  verdict: Verdict,
  passage: Exclude<Passage, 'direct'>,
  guarding: Guarding | undefined,
): Verdict {
  if (passage === 'tokenless') {
    const isOpen = verdict.reason === 'no-policy-matched'
    return isOpen ? { ...verdict, reason: 'token-missing' } : verdict
  }
  const { distrusts } = guarding ?? {}
  return verdict.action === 'allow' && distrusts !== undefined
    ? distrusted(verdict, distrusts)
    : verdict
}
