import type { DecisionDocument } from '../../policy/compiled-policy.ts'
import type { ExternalService } from '../../policy/external-service.ts'

/** All that the content of a snapshot depends on. */
export interface SnapshotParts {
  readonly version: number
  readonly bundle: Buffer
  readonly schemaVersion: number
  readonly policies: readonly DecisionDocument[]
  readonly services: readonly ExternalService[]
  readonly meshAddresses: readonly Buffer[]
}

/** Of one version: of a fleet most are told one of few things. */
const mostKept = 8

/** Makes a snapshot once for all who are told the same at about the same time. */
export function createSharedSnapshots<Made>(
  make: (parts: SnapshotParts) => Made,
): (parts: SnapshotParts) => Made {
  const kept: { readonly parts: SnapshotParts; readonly made: Made }[] = []
  return (parts) => {
    const known = kept.findLast((one) => isSame(one.parts, parts))
    if (known !== undefined) return known.made
    if (kept[0]?.parts.version !== parts.version) kept.length = 0
    const made = make(parts)
    kept.push({ parts, made })
    if (kept.length > mostKept) kept.shift()
    return made
  }
}

function isSame(one: SnapshotParts, other: SnapshotParts): boolean {
  return (
    one.version === other.version &&
    one.bundle === other.bundle &&
    one.schemaVersion === other.schemaVersion &&
    areSame(one.policies, other.policies) &&
    areSame(one.services, other.services) &&
    areSame(one.meshAddresses, other.meshAddresses)
  )
}

function areSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, at) => one === others[at])
}
