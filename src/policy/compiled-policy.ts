import { strictnessRank } from './encryption.ts'
import type { NetworkPolicy } from './network-policy.ts'
import type { Verdict } from './verdict.ts'

/** A policy as the engine holds it. */
export interface CompiledPolicy {
  readonly document: NetworkPolicy
  /** Undefined: every port. */
  readonly ports: ReadonlySet<number> | undefined
  /** `Infinity` where it never expires. */
  readonly expires: number
  /** What it decides where it is the first that matches; without effect in `mode: observe`. */
  readonly verdict: Verdict
}

export function compilePolicy(document: NetworkPolicy): CompiledPolicy {
  const { ports, expires, action, encryption } = document.spec
  const isAllow = action === 'allow'
  return {
    document,
    ports: ports === undefined ? undefined : new Set(ports),
    expires: expires ?? Infinity,
    verdict: Object.freeze({
      action,
      reason: isAllow ? 'allowed-by-policy' : 'denied-by-policy',
      policy: document.name,
      encryption: isAllow ? encryption : 'required',
      deadline: expires,
      observed: [],
    }),
  }
}

/**
 * The order in which policies decide, so that the first that matches is the answer (POLICY,
 * "Decision"): any deny, then the allow with the strictest encryption, then the name, so that the
 * order of documents never matters. Those in `mode: observe` come last and decide nothing.
 */
export function byPrecedence(a: NetworkPolicy, b: NetworkPolicy): number {
  return precedence(a) - precedence(b) || compareText(a.name, b.name)
}

function precedence({ spec: { mode, action, encryption } }: NetworkPolicy): number {
  if (mode === 'observe') return 100
  return action === 'deny' ? 0 : 1 + strictnessRank(encryption)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
