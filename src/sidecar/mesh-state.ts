import { messageOf } from '../base/errors.ts'
import type { TrustBundle } from '../identity/bundle.ts'
import { createFloors, noFloors, type Floor, type Floors } from '../identity/floors.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import { fromWireBundle, fromWireFloors, toWireBundle, toWireFloors } from '../identity/wire.ts'
import { compilePolicies, decodeDocument, onRejectOf, type PolicySet } from '../policy/index.ts'
import { bundleCodec, floorsCodec, snapshotCodec } from '../rpc/index.ts'
import type { Bundle__Output } from '../rpc/generated/blazon/v1/Bundle.ts'
import type { Floors__Output } from '../rpc/generated/blazon/v1/Floors.ts'
import type { Snapshot__Output } from '../rpc/generated/blazon/v1/Snapshot.ts'
import { createChange, type Change } from './change.ts'
import { createOutsideWorld, nothingOutside, type OutsideWorld } from './outside-world.ts'
import { SidecarError } from './sidecar-error.ts'
import type { StoredState } from './stored-state.ts'

/** What the controller has told, as decisions use it. */
export interface MeshState {
  readonly changed: Change
  /** `undefined` = no version was ever applied: deny all. */
  readonly policy: PolicySet | undefined
  /** Who is outside the mesh, by the same version. */
  readonly outside: OutsideWorld
  readonly version: number
  readonly highestVersion: number
  /** The last version was rejected, and it or the one in force says `onReject: deny-new`. */
  readonly deniesNew: boolean
  readonly bundle: TrustBundle | undefined
  readonly floors: Floors
  /** What is in force, in the form in which it is kept. */
  readonly stored: Pick<StoredState, 'snapshot' | 'bundle' | 'floors'>
  /** Takes a version whole, or throws `ERR_SNAPSHOT` and keeps the former. */
  applySnapshot(snapshot: Snapshot__Output): Partial<StoredState>
  /** Takes floors; none that is still of use is ever lowered. Throws `ERR_SNAPSHOT`. */
  applyFloors(floors: Floors__Output): Partial<StoredState>
  /** Takes the bundle of an enrolment or renewal, unless a later one is known. */
  applyBundle(bundle: TrustBundle): Partial<StoredState>
}

export function createMeshState(options: {
  readonly trustDomain: TrustDomain
  readonly clock: { now(): number }
  readonly highestVersion?: number
}): MeshState {
  const { trustDomain, clock } = options
  const changed = createChange()
  let policy: PolicySet | undefined
  let outside = nothingOutside
  let version = 0
  let highestVersion = options.highestVersion ?? 0
  let deniesNew = false
  let documents: Snapshot__Output['documents'] = []
  let bundle: TrustBundle | undefined
  let floors: Floors = noFloors
  let stored: MeshState['stored'] = { snapshot: undefined, bundle: undefined, floors: undefined }

  const checkedBundle = (wire: Bundle__Output | null): TrustBundle => {
    const read = fromWireBundle(wire)
    if (read.trustDomain !== trustDomain) {
      throw new Error(`expected a bundle of ${trustDomain}, got one of ${read.trustDomain}`)
    }
    // An older bundle could bring back an issuer that was withdrawn since.
    if (bundle !== undefined && read.version < bundle.version) {
      throw new Error(
        `expected bundle version ${String(bundle.version)} or later, got ${String(read.version)}`,
      )
    }
    return read
  }

  return {
    changed,
    get policy() {
      return policy
    },
    get outside() {
      return outside
    },
    get version() {
      return version
    },
    get highestVersion() {
      return highestVersion
    },
    get deniesNew() {
      return deniesNew
    },
    get bundle() {
      return bundle
    },
    get floors() {
      return floors
    },
    get stored() {
      return stored
    },
    applySnapshot: (snapshot) => {
      try {
        if (snapshot.version < highestVersion) {
          throw new Error(
            `expected version ${String(highestVersion)} or later, got ${String(snapshot.version)}`,
          )
        }
        const nextBundle = checkedBundle(snapshot.bundle)
        const decoded = snapshot.documents.map(decodeDocument)
        const nextPolicy = compilePolicies(decoded)
        const nextOutside = createOutsideWorld(decoded, snapshot.meshAddresses)
        policy = nextPolicy
        outside = nextOutside
        bundle = nextBundle
        version = highestVersion = snapshot.version
        documents = snapshot.documents
        deniesNew = false
      } catch (cause: unknown) {
        const formerly = deniesNew
        deniesNew = onRejectOf([...snapshot.documents, ...documents]) === 'deny-new'
        if (deniesNew !== formerly) changed.announce()
        throw new SidecarError('ERR_SNAPSHOT', `version refused: ${messageOf(cause)}`, { cause })
      }
      const kept = {
        snapshot: snapshotCodec.encode(snapshot),
        bundle: bundleCodec.encode(snapshot.bundle ?? {}),
      }
      stored = { ...stored, ...kept }
      changed.announce()
      return { highestVersion, ...kept }
    },
    applyFloors: (wire) => {
      try {
        floors = mergeFloors(floors, fromWireFloors(wire), clock.now())
      } catch (cause: unknown) {
        throw new SidecarError('ERR_SNAPSHOT', `floors refused: ${messageOf(cause)}`, { cause })
      }
      const kept = { floors: floorsCodec.encode(toWireFloors(floors)) }
      stored = { ...stored, ...kept }
      changed.announce()
      return kept
    },
    applyBundle: (next) => {
      if (bundle !== undefined && next.version < bundle.version) return {}
      bundle = next
      const kept = { bundle: bundleCodec.encode(toWireBundle(next)) }
      stored = { ...stored, ...kept }
      changed.announce()
      return kept
    },
  }
}

/**
 * The higher floor of both lists for each workload, without those that no living certificate can be
 * below: a list that comes late, or from a controller that was set back, revokes nothing less.
 */
export function mergeFloors(former: Floors, next: Floors, now: number): Floors {
  const entries = new Map<string, Floor>(former.prune(now).entries)
  for (const [workloadId, floor] of next.prune(now).entries) {
    const known = entries.get(workloadId)
    if (known === undefined || known.lowestGoodGeneration <= floor.lowestGoodGeneration) {
      entries.set(workloadId, floor)
    }
  }
  return createFloors(Math.max(former.version, next.version), entries.values())
}
