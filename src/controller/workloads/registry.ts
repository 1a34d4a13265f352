import {
  decodeProfile,
  isProvenance,
  type Attribute,
  type TrustProfile,
} from '../../identity/index.ts'
import { loadCertificates, type StoredCertificate } from '../store/certificates.ts'
import type { StoredAttribute } from '../store/json.ts'
import { loadNodes, type StoredNode } from '../store/nodes.ts'
import { StoreError } from '../store/store-error.ts'
import type { Tables } from '../store/store.ts'
import { loadWorkloads, type StoredWorkload } from '../store/workloads.ts'

/** A workload in memory, with its profile decoded and the certificates of it that have not ended. */
export interface RegisteredWorkload {
  readonly stored: StoredWorkload
  readonly profile: TrustProfile
  /** By serial. */
  readonly certificates: ReadonlyMap<string, StoredCertificate>
}

/** What the store knows of nodes and workloads, in memory: reads and renewals need no disk. */
export interface Registry {
  workload(workloadId: string): RegisteredWorkload | undefined
  /** The workload of that name on the node with that key. */
  onNode(nodeKeySha256: string, name: string): RegisteredWorkload | undefined
  /** Workloads by id, SPIFFE ID or name; a name may belong to several. */
  find(text: string): readonly RegisteredWorkload[]
  workloads(): IteratorObject<RegisteredWorkload>
  readonly workloadCount: number
  node(nodeKeySha256: string): StoredNode | undefined
  nodes(): Iterable<StoredNode>
  /** The workloads on the node with that key. */
  workloadsOf(nodeKeySha256: string): readonly RegisteredWorkload[]
  /** `profile` is what `stored` holds encoded, where somebody has it at hand. */
  putWorkload(stored: StoredWorkload, profile?: TrustProfile): void
  /** It is a new one where it comes back. */
  forgetWorkload(workloadId: string): void
  putCertificate(certificate: StoredCertificate): void
  putNode(node: StoredNode): void
  /** Notes that a node's key has signed for an SVID. */
  touchNode(nodeKeySha256: string, now: number): void
  /** Forgets certificates that have ended. */
  prune(now: number): void
}

interface Entry {
  stored: StoredWorkload
  profile: TrustProfile
  readonly certificates: Map<string, StoredCertificate>
}

/** `onWorkload` hears of every workload that is put, with its profile. */
export function createRegistry(
  onWorkload: (stored: StoredWorkload, profile: TrustProfile) => void = () => undefined,
): Registry {
  const workloads = new Map<string, Entry>()
  const byPlace = new Map<string, Entry>()
  const byNode = new Map<string, Entry[]>()
  const nodes = new Map<string, StoredNode>()
  const placeOf = (nodeKeySha256: string, name: string): string => `${nodeKeySha256} ${name}`

  return {
    workload: (workloadId) => workloads.get(workloadId),
    onNode: (nodeKeySha256, name) => byPlace.get(placeOf(nodeKeySha256, name)),
    find: (text) => {
      const exact = workloads.get(text)
      if (exact !== undefined) return [exact]
      return [...workloads.values()].filter(
        ({ stored }) => stored.name === text || stored.spiffeId === text,
      )
    },
    workloads: () => workloads.values(),
    get workloadCount() {
      return workloads.size
    },
    node: (nodeKeySha256) => nodes.get(nodeKeySha256),
    nodes: () => nodes.values(),
    workloadsOf: (nodeKeySha256) => byNode.get(nodeKeySha256) ?? [],
    putWorkload: (stored, given) => {
      const known = workloads.get(stored.workloadId)
      if (known === undefined) {
        const profile = given ?? decodeProfile(stored.profile)
        const entry = { stored, profile, certificates: new Map<string, StoredCertificate>() }
        workloads.set(stored.workloadId, entry)
        byPlace.set(placeOf(stored.nodeKeySha256, stored.name), entry)
        const beside = byNode.get(stored.nodeKeySha256)
        if (beside === undefined) byNode.set(stored.nodeKeySha256, [entry])
        else beside.push(entry)
        onWorkload(stored, profile)
        return
      }
      if (!stored.profile.equals(known.stored.profile))
        known.profile = given ?? decodeProfile(stored.profile)
      known.stored = stored
      onWorkload(stored, known.profile)
    },
    forgetWorkload: (workloadId) => {
      const entry = workloads.get(workloadId)
      if (entry === undefined) return
      const { nodeKeySha256, name } = entry.stored
      workloads.delete(workloadId)
      byPlace.delete(placeOf(nodeKeySha256, name))
      const beside = byNode.get(nodeKeySha256)?.filter((one) => one !== entry) ?? []
      if (beside.length === 0) byNode.delete(nodeKeySha256)
      else byNode.set(nodeKeySha256, beside)
    },
    putCertificate: (certificate) => {
      workloads.get(certificate.workloadId)?.certificates.set(certificate.serial, certificate)
    },
    putNode: (node) => {
      nodes.set(node.nodeKeySha256, node)
    },
    touchNode: (nodeKeySha256, now) => {
      const node = nodes.get(nodeKeySha256)
      if (node !== undefined) nodes.set(nodeKeySha256, { ...node, lastUsedMs: now })
    },
    prune: (now) => {
      for (const { certificates } of workloads.values()) {
        for (const [serial, { notAfterMs }] of certificates) {
          if (notAfterMs <= now) certificates.delete(serial)
        }
      }
    },
  }
}

/** Reads the whole registry from the store. */
export async function loadRegistry(
  tables: Tables,
  now: number,
  onWorkload?: (stored: StoredWorkload, profile: TrustProfile) => void,
): Promise<Registry> {
  const registry = createRegistry(onWorkload)
  for (const node of await loadNodes(tables)) registry.putNode(node)
  for (const workload of await loadWorkloads(tables)) registry.putWorkload(workload)
  for (const certificate of await loadCertificates(tables, now)) {
    registry.putCertificate(certificate)
  }
  return registry
}

/** The one certificate of a workload that is in use, as far as is known. */
export function activeCertificate(entry: RegisteredWorkload): StoredCertificate | undefined {
  return [...entry.certificates.values()].findLast(({ state }) => state === 'active')
}

/** The newest certificate of a workload, in use or not. */
export function newestCertificate(entry: RegisteredWorkload): StoredCertificate | undefined {
  return [...entry.certificates.values()].reduce<StoredCertificate | undefined>(
    (newest, one) => (newest === undefined || one.issue > newest.issue ? one : newest),
    undefined,
  )
}

/** Attributes out of a JSON column. Throws `ERR_STORE_CONTENT` where a provenance is none. */
export function restoreAttributes(stored: readonly StoredAttribute[]): Attribute[] {
  return stored.map(({ key, value, provenance }) => {
    if (isProvenance(provenance)) return { key, value, provenance }
    throw new StoreError('ERR_STORE_CONTENT', `the store holds an attribute without provenance`)
  })
}
