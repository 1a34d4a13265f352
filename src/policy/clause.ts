import type { TrustProfile } from '../identity/profile.ts'
import type { NetworkPolicySpec } from './network-policy.ts'
import { formatPort } from './port.ts'
import { holds, type Alternative, type Selector, type Term } from './selector.ts'
import type { Question } from './verdict.ts'
import { describeEntry, describePorts, describeTerm } from './words.ts'

/** One condition of a policy, and how a question met it. */
export interface Clause {
  readonly field: 'from' | 'to' | 'ports' | 'expires'
  readonly matched: boolean
  /** `to has label.app=orders-db`, or what was asked for and what was there. */
  readonly words: string
  /** For a clause that did not match: what would have to be otherwise, one entry per condition. */
  readonly misses: readonly Miss[]
}

/** `to had label.app=orders-db`; `it has label.app=orders`. */
export interface Miss {
  readonly wish: string
  readonly fact: string
}

/** All clauses of a policy against a question, in the order in which a person reads the policy. */
export function clausesOf(spec: NetworkPolicySpec, question: Question): Clause[] {
  return [
    sideClause('from', spec.from, question.from),
    sideClause('to', spec.to, question.to),
    ...portsClause(spec, question.port),
    ...expiresClause(spec, question.now),
  ]
}

/** How far a question is from matching a policy, without the words. */
export interface Nearness {
  /** Conditions that do not hold; 0 for a match. */
  readonly missed: number
  /** Conditions that hold. */
  readonly met: number
}

/** Agrees with `clausesOf` in number, at a tenth of its cost. */
export function nearnessOf(spec: NetworkPolicySpec, question: Question): Nearness {
  const from = nearestAlternative(spec.from, question.from)
  const to = nearestAlternative(spec.to, question.to)
  const asked = from.alternative.length + to.alternative.length
  const failing = from.failing.length + to.failing.length
  const others: boolean[] = []
  if (spec.ports !== undefined) others.push(spec.ports.includes(question.port))
  if (spec.expires !== undefined) others.push(question.now < spec.expires)
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

function portsClause({ ports }: NetworkPolicySpec, port: number): Clause[] {
  if (ports === undefined) return []
  const asked = formatPort(port)
  if (ports.includes(port)) return [metClause('ports', `the port is ${asked}`)]
  const wanted = describePorts(ports)
  const miss = { wish: `the port were ${wanted}`, fact: `it is ${asked}` }
  return [missedClause('ports', `the port must be ${wanted}; ${miss.fact}`, miss)]
}

function expiresClause({ expires }: NetworkPolicySpec, now: number): Clause[] {
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
