import type { TrustProfile } from '../identity/profile.ts'
import { endsOf, isRestricting, type DecisionDocument } from './compiled-policy.ts'
import type { Clause, Miss } from './clause-words.ts'
import { conditionClause, meetsCondition } from './condition-clause.ts'
import { isOutsider } from './external-words.ts'
import { httpClause, opensByHttp } from './http-clause.ts'
import { formatPort, isAboutPort, type Port } from './port.ts'
import { relayClause, saysOfRelays } from './relay-clause.ts'
import { holds, type Alternative, type Selector, type Term } from './selector.ts'
import type { Question } from './verdict.ts'
import { describeEntry, describePorts, describeTerm } from './words.ts'

export type { Clause, Miss } from './clause-words.ts'

/** All clauses of a document against a question, in the order in which a person reads it. */
export function clausesOf(document: DecisionDocument, question: Question): Clause[] {
  const { from, to, ports, expires } = partsOf(document, question)
  return [
    sideClause('from', from, question.from),
    sideClause('to', to, question.to),
    ...portsClause(ports, isRestricting(document), question.port),
    ...(document.kind === 'NetworkPolicy' ? httpClause(document.spec) : []),
    ...relayClause(document),
    ...conditionClause(document, question),
    ...expiresClause(expires, question.now),
  ]
}

interface Parts {
  readonly from: Selector
  readonly to: Selector
  readonly ports: readonly Port[] | undefined
  readonly expires: number | undefined
}

/** That an allow means workloads only is worth words only where the other end is none. */
function partsOf(document: DecisionDocument, { from, to }: Question): Parts {
  const isOutside = isOutsider(from) || isOutsider(to)
  if (document.kind !== 'Observe') {
    return isOutside ? { ...document.spec, ...endsOf(document) } : document.spec
  }
  const { scope, expires } = document.spec
  const ends = isOutside ? endsOf(document) : { from: scope, to: scope }
  return { ...ends, ports: undefined, expires }
}

/** How far a question is from matching a policy, without the words. */
export interface Nearness {
  /** Conditions that do not hold; 0 for a match. */
  readonly missed: number
  /** Conditions that hold. */
  readonly met: number
}

/** Agrees with `clausesOf` in number, at a tenth of its cost. */
export function nearnessOf(document: DecisionDocument, question: Question): Nearness {
  const parts = partsOf(document, question)
  const from = nearestAlternative(parts.from, question.from)
  const to = nearestAlternative(parts.to, question.to)
  const asked = from.alternative.length + to.alternative.length
  const failing = from.failing.length + to.failing.length
  const others: boolean[] = []
  const isMeant = meansPort(parts.ports, isRestricting(document), question.port)
  if (isMeant !== undefined) others.push(isMeant)
  if (parts.expires !== undefined) others.push(question.now < parts.expires)
  const isOpened = document.kind === 'NetworkPolicy' ? opensByHttp(document.spec) : undefined
  if (isOpened !== undefined) others.push(isOpened)
  if (saysOfRelays(document)) others.push(true)
  const isMet = meetsCondition(document, question)
  if (isMet !== undefined) others.push(isMet)
  const held = others.filter((holds) => holds).length
  return { missed: failing + others.length - held, met: asked - failing + held }
}

function sideClause(field: 'from' | 'to', selector: Selector, profile: TrustProfile): Clause {
  const { alternative, failing } = nearestAlternative(selector, profile)
  if (failing.length === 0) {
    const has = alternative.map(describeTerm).join(' and ')
    return {
      field,
      matched: true,
      words: `${field} ${has === '' ? 'is any workload' : `has ${has}`}`,
      misses: [],
    }
  }
  const compared = failing.map((term) => {
    const fact = `it has ${describeEntry(term, profile.entries.get(term.key))}`
    return { wish: describeTerm(term), fact }
  })
  return {
    field,
    matched: false,
    words: compared.map(({ wish, fact }) => `${field} needs ${wish}; ${fact}`).join('; '),
    misses: compared.map(({ wish, fact }) => ({ wish: `${field} had ${wish}`, fact })),
  }
}

/** The alternative that the profile comes nearest to, and its terms that do not hold. */
function nearestAlternative(
  selector: Selector,
  profile: TrustProfile,
): { readonly alternative: Alternative; readonly failing: readonly Term[] } {
  const tried = selector.map((alternative) => ({
    alternative,
    failing: alternative.filter((term) => !holds(term, profile.entries.get(term.key))),
  }))
  return tried.reduce((best, next) => (next.failing.length < best.failing.length ? next : best))
}

/** Undefined where a document says nothing of ports, and none is needed. */
function meansPort(
  ports: readonly Port[] | undefined,
  isRestricting: boolean,
  port: Port,
): boolean | undefined {
  const isAbout = isAboutPort(ports && new Set(ports), isRestricting, port)
  return ports === undefined && isAbout ? undefined : isAbout
}

function portsClause(
  ports: readonly Port[] | undefined,
  isRestricting: boolean,
  port: Port,
): Clause[] {
  const isMeant = meansPort(ports, isRestricting, port)
  if (isMeant === undefined) return []
  const asked = formatPort(port)
  if (isMeant) return [metClause('ports', `the port is ${asked}`)]
  if (ports === undefined) {
    const fact = 'without ports it allows TCP only'
    return [missedClause('ports', fact, { wish: `it named ${asked}`, fact })]
  }
  const wanted = describePorts(ports)
  const miss = { wish: `the port were ${wanted}`, fact: `it is ${asked}` }
  return [missedClause('ports', `the port must be ${wanted}; ${miss.fact}`, miss)]
}

function expiresClause(expires: number | undefined, now: number): Clause[] {
  if (expires === undefined) return []
  const end = new Date(expires).toISOString()
  if (now < expires) return [metClause('expires', `it holds until ${end}`)]
  const fact = `it expired at ${end}`
  return [missedClause('expires', fact, { wish: 'it had not expired', fact })]
}

function metClause(field: Clause['field'], words: string): Clause {
  return { field, matched: true, words, misses: [] }
}

function missedClause(field: Clause['field'], words: string, miss: Miss): Clause {
  return { field, matched: false, words, misses: [miss] }
}
