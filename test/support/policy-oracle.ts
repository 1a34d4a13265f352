import type { ProfileEntry, TrustProfile } from '../../src/identity/profile.ts'
import { provenances, type Provenance } from '../../src/identity/provenance.ts'
import type {
  DecisionDocument,
  Guardrail,
  HttpRequest,
  HttpRule,
  NetworkPolicy,
  Observe,
  Question,
  Selector,
  Term,
} from '../../src/policy/index.ts'
import { meaningOf } from './policy-conditions.ts'

/** Without a request it is about the connection. */
export type Asked = Question & { readonly request?: HttpRequest }

export interface OracleVerdict {
  readonly action: string
  readonly reason: string
  readonly policy: string | undefined
  readonly encryption: string
  readonly observed: readonly string[]
  readonly alerts: readonly string[]
  readonly maxStale: number | undefined
}

/**
 * What the reference (POLICY, "Selectors", "Three-valued conditions", "Decision", "Observe",
 * "Guardrail") says, written as naively as it reads: every document is asked every time, nothing is
 * indexed, ordered beforehand or remembered. It shares no code with the engine.
 */
export function oracle(documents: readonly DecisionDocument[], question: Asked): OracleVerdict {
  const verdict = policiesSay(documents, question)
  const isOutside = isOutsider(question.from) || isOutsider(question.to)
  if (!isOutside || verdict.action === 'deny' || verdict.encryption !== 'required') return verdict
  const encrypting = documents.filter(
    (each) =>
      each.kind === 'Guardrail' && each.spec.encryption === 'required' && matches(each, question),
  )
  const policy = first(encrypting)?.name ?? verdict.policy
  return { ...verdict, action: 'deny', reason: 'encryption-required', policy }
}

function policiesSay(documents: readonly DecisionDocument[], question: Asked): OracleVerdict {
  const guardrails = documents.filter((each) => each.kind === 'Guardrail')
  const policies = documents.filter((each) => each.kind === 'NetworkPolicy')
  const guarding = guardrails.filter((each) => matches(each, question))
  const matching = policies.filter((each) => matches(each, question))
  const enforced = matching.filter(({ spec }) => spec.mode === 'enforce')
  const stale = guarding.flatMap(({ spec }) => spec.maxStale ?? [])
  const noted = {
    observed: names(matching.filter(({ spec }) => spec.mode === 'observe')),
    alerts: names(guarding.filter(({ spec }) => spec.action === 'alert')),
    maxStale: stale.length === 0 ? undefined : Math.min(...stale),
  }
  const deny = (by: Matchable, reason: string): OracleVerdict => {
    const unknown = answerOf(by, question) === 'unknown'
    const why = unknown ? 'condition-unknown' : reason
    return { action: 'deny', reason: why, policy: by.name, encryption: 'required', ...noted }
  }
  const forbidding = first(guarding.filter(({ spec }) => spec.action === 'deny'))
  if (forbidding !== undefined) return deny(forbidding, 'guardrail')
  const denying = first(enforced.filter(({ spec }) => spec.action === 'deny'))
  if (denying !== undefined) return deny(denying, 'denied-by-policy')

  const mustEncrypt = guarding.some(({ spec }) => spec.encryption === 'required')
  for (const encryption of ['required', 'optional', 'none']) {
    const allowing = first(enforced.filter(({ spec }) => spec.encryption === encryption))
    if (allowing === undefined) continue
    const strictest = mustEncrypt ? 'required' : encryption
    const reason = 'allowed-by-policy'
    return { action: 'allow', reason, policy: allowing.name, encryption: strictest, ...noted }
  }
  const letting = first(
    documents.filter(
      (each) =>
        each.kind === 'Observe' &&
        question.port < 65_536 &&
        lets(each, question.from) &&
        lets(each, question.to) &&
        question.now < each.spec.expires,
    ),
  )
  const isOpen = letting?.kind === 'Observe' && letting.spec.external
  const encryption = isOpen && !mustEncrypt ? 'optional' : 'required'
  if (letting === undefined) {
    return { action: 'deny', reason: 'no-policy-matched', policy: undefined, encryption, ...noted }
  }
  const reason = 'allowed-by-observe'
  return { action: 'allow', reason, policy: letting.name, encryption, ...noted }
}

function isOutsider({ entries }: TrustProfile): boolean {
  return entries.has('external.name')
}

/** Whether an Observe has an end in its scope. */
function lets({ spec }: Observe, end: TrustProfile): boolean {
  return isOutsider(end) ? spec.external : selects(spec.scope, end)
}

type Matchable = NetworkPolicy | Guardrail

function answerOf({ spec }: Matchable, question: Question): string {
  return spec.when === undefined ? 'yes' : meaningOf(spec.when).answer(question)
}

/** Whether a document matches; *unknown* falls on the strict side. */
export function matches(document: Matchable, question: Asked): boolean {
  const { spec } = document
  const { from, to, port, now } = question
  const answer = answerOf(document, question)
  const isStrict = document.kind === 'Guardrail' || document.spec.action === 'deny'
  return (
    means(document, spec.from, from) &&
    means(document, spec.to, to) &&
    !(hasHttp(document) && isOutsider(to)) &&
    (spec.ports === undefined ? isStrict || port < 65_536 : spec.ports.includes(port)) &&
    (spec.expires === undefined || spec.expires > now) &&
    concernsRequest(document, question.request) &&
    (answer === 'yes' || (answer === 'unknown' && isStrict))
  )
}

function hasHttp(document: Matchable): boolean {
  return document.kind === 'NetworkPolicy' && document.spec.http !== undefined
}

/** A connection may open if an allow could match some request on it; a deny waits for the request. */
function concernsRequest(document: Matchable, request: HttpRequest | undefined): boolean {
  if (document.kind !== 'NetworkPolicy' || document.spec.http === undefined) return true
  const isAllow = document.spec.action === 'allow'
  if (request === undefined) return isAllow
  return document.spec.http.some((rule) => meets(rule, request, isAllow))
}

function meets(rule: HttpRule, request: HttpRequest, isAllow: boolean): boolean {
  const { method, host, path, headers } = request
  const isHost = (name: string): boolean =>
    name.startsWith('*') ? host.endsWith(name.slice(1)) : host === name
  return (
    (rule.methods?.some((each) => each === method) ?? true) &&
    (rule.hosts?.some(isHost) ?? true) &&
    (rule.paths?.some((glob) => pathPattern(glob).test(`/${path.join('/')}`)) ?? true) &&
    Array.from(rule.headers ?? []).every(([name, values]) => {
      const lines = headers.get(name) ?? []
      const isOne = (text: string): boolean => values.includes(text)
      if (isAllow) return lines.length > 0 && lines.every(isOne)
      return lines.some((line) => [line, ...line.split(',').map((part) => part.trim())].some(isOne))
    })
  )
}

/** The pattern as a regular expression: `/**` is any number of segments, `*` text within one. */
export function pathPattern(glob: string): RegExp {
  const source = glob
    .split('/')
    .slice(1)
    .map((segment) =>
      segment === '**'
        ? '(?:/[^/]*)*'
        : `/${segment
            .split('*')
            .map((text) => text.replace(/[^\w]/gu, '\\$&'))
            .join('[^/]*')}`,
    )
  return new RegExp(`^${source.join('')}$`, 's')
}

/** An allow means workloads unless it says `external`; what restricts means everybody it fits. */
function means(document: Matchable, selector: Selector, end: TrustProfile): boolean {
  const isAllow = document.kind === 'NetworkPolicy' && document.spec.action === 'allow'
  if (!isAllow || !isOutsider(end)) return selects(selector, end)
  return selects(
    selector.filter((terms) => terms.some(({ key }) => key === 'external.name')),
    end,
  )
}

function names(list: readonly DecisionDocument[]): string[] {
  return list.map(({ name }) => name).sort()
}

function first<T extends DecisionDocument>(list: readonly T[]): T | undefined {
  const [name] = names(list)
  return list.find((each) => each.name === name)
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
