/** Who vouches for an attribute, weakest first. */
export const provenances = ['claimed', 'observed', 'assigned', 'described', 'signed'] as const
export type Provenance = (typeof provenances)[number]

/** The number of a provenance in the profile encoding: 1 (claimed) to 5 (signed). */
export const provenanceRank: Readonly<Record<Provenance, number>> = {
  claimed: 1,
  observed: 2,
  assigned: 3,
  described: 4,
  signed: 5,
}

/** Whether `have` is as strong as `need`, or stronger. */
export function isAtLeast(have: Provenance, need: Provenance): boolean {
  return provenanceRank[have] >= provenanceRank[need]
}

/** What a value derived from both may carry: the weaker of the two (PROTOCOL §1). */
export function weakest(a: Provenance, b: Provenance): Provenance {
  return provenanceRank[a] <= provenanceRank[b] ? a : b
}

export function isProvenance(text: string): text is Provenance {
  return Object.hasOwn(provenanceRank, text)
}
