import { conditionOf, type Condition } from './condition.ts'
import { strictnessRank } from './encryption.ts'
import { everyOutsider, withoutOutsiders } from './external-words.ts'
import type { Guardrail } from './guardrail.ts'
import { compileHttp, type CompiledHttp } from './http-request.ts'
import type { NetworkPolicy } from './network-policy.ts'
import type { Observe } from './observe.ts'
import { verdictRelayed } from './relay.ts'
import type { Selector } from './selector.ts'
import type { Verdict } from './verdict.ts'

/** The documents that take part in decisions. */
export type DecisionDocument = NetworkPolicy | Guardrail | Observe

/** What role a document plays, in the order in which they are asked. */
export const stages = { guardrail: 0, policy: 1, recorded: 2, observe: 3 } as const
export type Stage = (typeof stages)[keyof typeof stages]

/** A policy, guardrail or observe as the engine holds it. */
export interface CompiledPolicy {
  readonly document: DecisionDocument
  readonly stage: Stage
  readonly from: Selector
  readonly to: Selector
  /** Undefined: every port, unless `isAboutPort` says otherwise. */
  readonly ports: ReadonlySet<number> | undefined
  /** `Infinity` where it never expires. */
  readonly expires: number
  readonly condition: Condition | undefined
  /** Undefined: it is about connections. */
  readonly http: CompiledHttp | undefined
  /** What it decides where it is the first that matches; see `stage` for when it is asked. */
  readonly verdict: Verdict
  /** The same for a request that a balancer has passed on. */
  readonly whenRelayed: Verdict
  /** The same where it matches because its condition is unknown; undefined: then it does not match. */
  readonly whenUnknown: Verdict | undefined
  /** Lowest first. */
  readonly precedence: number
}

type Head = Omit<CompiledPolicy, 'from' | 'to' | 'ports' | 'expires' | 'condition' | 'http'>

export function compilePolicy(document: DecisionDocument): CompiledPolicy {
  switch (document.kind) {
    case 'NetworkPolicy':
      return compileMatch(document, networkPolicyHead(document))
    case 'Guardrail':
      return compileMatch(document, guardrailHead(document))
    case 'Observe':
      return compileObserve(document)
    default:
      return document satisfies never
  }
}

function compileMatch(document: NetworkPolicy | Guardrail, head: Head): CompiledPolicy {
  const { ports, expires, when } = document.spec
  return {
    ...head,
    ...endsOf(document),
    ports: ports === undefined ? undefined : new Set(ports),
    expires: expires ?? Infinity,
    condition: when === undefined ? undefined : conditionOf(when),
    http: httpOf(document),
  }
}

function httpOf(document: NetworkPolicy | Guardrail): CompiledHttp | undefined {
  if (document.kind !== 'NetworkPolicy' || document.spec.http === undefined) return undefined
  return compileHttp(document.spec.http, document.spec.action === 'deny')
}

/** Whether a document can only take away from what others allow. */
export function isRestricting(document: DecisionDocument): boolean {
  if (document.kind === 'NetworkPolicy') return document.spec.action === 'deny'
  return document.kind === 'Guardrail'
}

/** Whom a document means at each end. */
export function endsOf(document: DecisionDocument): {
  readonly from: Selector
  readonly to: Selector
} {
  if (document.kind === 'Observe') {
    const { scope, external } = document.spec
    const ends = [...withoutOutsiders(scope), ...(external ? everyOutsider : [])]
    return { from: ends, to: ends }
  }
  const { from, to } = document.spec
  const isPolicy = document.kind === 'NetworkPolicy'
  const isAllow = isPolicy && document.spec.action === 'allow'
  // Nobody reads the requests to a peer outside, so a deny with http rules is not about those either.
  const isInside = isAllow || (isPolicy && document.spec.http !== undefined)
  return { from: isAllow ? withoutOutsiders(from) : from, to: isInside ? withoutOutsiders(to) : to }
}

function networkPolicyHead(document: NetworkPolicy): Head {
  const { action, encryption, relay, mode } = document.spec
  const isAllow = action === 'allow'
  const verdict = freeze({
    action,
    reason: isAllow ? 'allowed-by-policy' : 'denied-by-policy',
    policy: document.name,
    encryption: isAllow ? encryption : 'required',
    deadline: document.spec.expires,
  })
  return {
    document,
    stage: mode === 'observe' ? stages.recorded : stages.policy,
    verdict,
    whenRelayed: verdictRelayed(verdict, relay),
    whenUnknown: isAllow ? undefined : freeze({ ...verdict, reason: 'condition-unknown' }),
    precedence: isAllow ? precedenceOfAllow(document.spec) : 0,
  }
}

/** One that trusts balancers is less strict than one that does not, and else the same. */
function precedenceOfAllow({ encryption, relay }: NetworkPolicy['spec']): number {
  return 1 + 2 * strictnessRank(encryption) + (relay === 'trusted' ? 1 : 0)
}

/** The verdict of a guardrail that does not deny only says what it adds to that of policies. */
function guardrailHead(document: Guardrail): Head {
  const { action, maxStale, expires } = document.spec
  const verdict = freeze({
    action: action === 'deny' ? 'deny' : 'allow',
    reason: 'guardrail',
    policy: document.name,
    encryption: 'required',
    deadline: expires,
    alerts: action === 'alert' ? [document.name] : [],
    maxStale,
  })
  const whenUnknown = freeze({ ...verdict, reason: 'condition-unknown' })
  const head = { document, stage: stages.guardrail, verdict, whenUnknown, precedence: 0 }
  // What it thinks of balancers counts with what else guardrails ask for: see `Guarding`.
  return { ...head, whenRelayed: verdict }
}

function compileObserve(document: Observe): CompiledPolicy {
  const { external, expires } = document.spec
  const verdict = freeze({
    action: 'allow',
    reason: 'allowed-by-observe',
    policy: document.name,
    encryption: external ? 'optional' : 'required',
    deadline: expires,
  })
  return {
    document,
    stage: stages.observe,
    ...endsOf(document),
    ports: undefined,
    expires,
    condition: undefined,
    http: undefined,
    verdict,
    whenRelayed: verdictRelayed(verdict),
    whenUnknown: undefined,
    precedence: 0,
  }
}

function freeze(
  verdict: Omit<Verdict, 'observed' | 'alerts' | 'maxStale'> &
    Partial<Pick<Verdict, 'alerts' | 'maxStale'>>,
): Verdict {
  return Object.freeze({ alerts: [], maxStale: undefined, ...verdict, observed: [] })
}

/**
 * The order in which documents decide, so that the first that matches is the answer (POLICY,
 * "Decision"): guardrails, then any deny, then the allow with the strictest encryption; behind them
 * policies in `mode: observe`, which decide nothing, and then Observe documents. Among equals the
 * name, so that the order of documents never matters.
 */
export function byPrecedence(a: CompiledPolicy, b: CompiledPolicy): number {
  const byPlace = a.stage - b.stage || placeInStage(a) - placeInStage(b)
  return byPlace || compareText(a.document.name, b.document.name)
}

/** What only records is listed by name alone. */
function placeInStage({ stage, precedence }: CompiledPolicy): number {
  return stage === stages.policy ? precedence : 0
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
