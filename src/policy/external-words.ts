import type { TrustProfile } from '../identity/trust-profile.ts'
import type { Alternative, Selector, Term } from './selector.ts'

/** The attribute that every external peer has, and no workload: no source of workloads can set it. */
export const externalNameKey = 'external.name'

const aboutName = { key: externalNameKey, anyOf: [], except: undefined } as const

/** Holds for external services. A peer that no document names has its marker only as claimed. */
export const anyService: Term = { ...aboutName, need: 'assigned', present: true, absent: false }

/** Holds for whoever is outside the mesh, in a document or not. */
const anyOutsider: Term = { ...anyService, need: 'claimed' }

/** Holds for workloads only. */
const noOutsider: Term = { ...anyOutsider, present: false, absent: true }

export const everyOutsider: Selector = [[anyOutsider]]

/** Whether a profile is that of a peer outside the mesh. */
export function isOutsider(profile: TrustProfile): boolean {
  return profile.entries.has(externalNameKey)
}

/** Whether an alternative was written as `external: {...}`. */
export function isExternal(alternative: Alternative): boolean {
  return alternative.some(({ key }) => key === externalNameKey)
}

/**
 * What an allow means by a selector: workloads, except where it says `external`. What restricts (a
 * deny, a guardrail) means everybody whom its words fit.
 */
export function withoutOutsiders(selector: Selector): Selector {
  return selector.map((alternative) =>
    isExternal(alternative) ? alternative : [...alternative, noOutsider],
  )
}
