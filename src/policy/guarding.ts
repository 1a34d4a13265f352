import type { CompiledPolicy } from './compiled-policy.ts'
import type { Verdict } from './verdict.ts'

/** What the guardrails that match one question say together. */
export interface Guarding {
  /** The first that denies, by name. */
  denial: Verdict | undefined
  /** The first that asks for encryption, by name. */
  encrypts: string | undefined
  /** The first that asks for encryption and is not content with a balancer, by name. */
  distrusts: string | undefined
  readonly alerts: string[]
  maxStale: number | undefined
  /** From which on they may say something else; `Infinity` if never. */
  deadline: number
}

export function nothingGuarded(): Guarding {
  return {
    denial: undefined,
    encrypts: undefined,
    distrusts: undefined,
    alerts: [],
    maxStale: undefined,
    deadline: Infinity,
  }
}

/** Adds a guardrail that matches, with the verdict that it then gives. */
export function addGuardrail(guarding: Guarding, policy: CompiledPolicy, verdict: Verdict): void {
  const { document, expires } = policy
  if (document.kind !== 'Guardrail') throw new Error('BUG: expected a guardrail')
  const { action, encryption, relay, maxStale } = document.spec
  if (action === 'deny') guarding.denial ??= verdict
  if (action === 'alert') guarding.alerts.push(document.name)
  if (encryption === 'required') guarding.encrypts ??= document.name
  if (encryption === 'required' && relay !== 'trusted') guarding.distrusts ??= document.name
  if (maxStale !== undefined) guarding.maxStale = Math.min(maxStale, guarding.maxStale ?? Infinity)
  guarding.deadline = Math.min(guarding.deadline, expires)
}

/** The verdict of policies as the guardrails leave it: never weaker. */
export function guardedVerdict(verdict: Verdict, guarding: Guarding): Verdict {
  const { denial, encrypts, alerts, maxStale, deadline } = guarding
  const base = denial ?? verdict
  const isAllowed = base.action === 'allow'
  return {
    ...base,
    encryption: isAllowed && encrypts !== undefined ? 'required' : base.encryption,
    deadline: earlier(base.deadline, deadline),
    alerts,
    maxStale,
  }
}

/**
 * The verdict on a peer outside the mesh: nothing encrypts what goes there, so that what has to be
 * encrypted is denied, by the guardrail that asks for it where there is one.
 */
export function verdictOutside(verdict: Verdict, encrypts: string | undefined): Verdict {
  if (verdict.action === 'deny' || verdict.encryption !== 'required') return verdict
  const policy = encrypts ?? verdict.policy
  return { ...verdict, action: 'deny', reason: 'encryption-required', policy }
}

/** The earlier of two deadlines; `Infinity` is none. */
export function earlier(deadline: number | undefined, other: number): number | undefined {
  return other === Infinity ? deadline : Math.min(deadline ?? Infinity, other)
}
