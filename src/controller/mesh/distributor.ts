import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Steps } from '../../base/steps.ts'
import type { TrustBundle } from '../../identity/index.ts'
import { compileInSteps } from '../../policy/compile.ts'
import type { DecisionDocument } from '../../policy/compiled-policy.ts'
import type { ExternalReach } from '../../policy/external-reach.ts'
import { profileOfService, type ExternalService } from '../../policy/external-service.ts'
import type { PolicyDocument } from '../../policy/document.ts'
import { unauthenticated, whyNotGood, type Trust } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { DocumentBook, DocumentChange } from '../document-book.ts'
import type { ControllerMetrics } from '../metrics.ts'
import { inTurns } from '../turns.ts'
import {
  encodeBundleField,
  encodeFloorsUpdate,
  encodeHeartbeat,
  encodeRenewNow,
  encodeSnapshot,
} from './snapshot.ts'
import type { MeshAddresses } from './mesh-addresses.ts'
import { sendableServices, sendableTo } from './enforceable.ts'
import { createSharedSnapshots, type SnapshotParts } from './shared-snapshots.ts'
import type { WatchContent, Watcher } from './watcher.ts'

/** Holds the open Watch streams and decides who has to hear of a change. */
export interface Distributor {
  readonly content: WatchContent
  /** Takes a stream in, in place of an older one of the same workload, and sends it everything. */
  add(watcher: Watcher): void
  remove(watcher: Watcher): void
  watcher(workloadId: string): Watcher | undefined
  readonly watching: number
  /** Sends a new snapshot to those that one of the changed policies can concern. */
  documentsChanged(changes: readonly DocumentChange[]): Promise<number>
  /** Sends a new snapshot to those that could take this address for one outside the mesh. */
  meshAddressAdded(address: Buffer): void
  bundleChanged(): Promise<number>
  /** Sends the floor list to all, and ends the streams of those that are below it. Counts the told. */
  floorsChanged(): Promise<number>
  renewNow(workloadId: string, reason: string): void
  heartbeat(): Promise<number>
  /** Sidecars that do not run all of the newest version: see DESIGN, "Watch". */
  lagging(): Watcher[]
  endAll(error: unknown): void
}

/** After so many writes the event loop gets its turn: a push to 10,000 must not hold up a call. */
const writesPerTurn = 200

/** How long a sidecar may take to acknowledge. */
export const acknowledgeMs = 60_000

export function createDistributor(deps: {
  readonly book: DocumentBook
  readonly trust: Trust
  readonly addresses: Pick<MeshAddresses, 'list'>
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
  /** Called when a sidecar turns out to be too old for something that concerns it. */
  readonly onShortfall: (watcher: Watcher, shortfall: string) => void
}): Distributor {
  const { book, trust, clock, metrics, log } = deps
  const watchers = new Map<string, Watcher>()
  const bundleField = remembered(() => trust.bundle(), encodeBundleField)
  const floorsUpdate = remembered(() => trust.floors(), encodeFloorsUpdate)

  const shared = createSharedSnapshots((parts) => {
    const { documents, services, shortfall } = sendable(parts)
    if (documents === undefined || services === undefined) return { message: undefined, shortfall }
    const encoded = [...documents, ...services].map((document) => book.known(document).encoded)
    const { version, bundle, meshAddresses } = parts
    return { message: encodeSnapshot(version, bundle, encoded, meshAddresses), shortfall }
  })

  const content: WatchContent = {
    snapshot: (watcher) => {
      const { profile, open, status } = watcher
      const { version } = book
      // Which policies concern a profile that is not known any more cannot be told: all may.
      const policies =
        profile === undefined
          ? book.policies.policies.map(({ document }) => document)
          : book.policies.relevantFor(profile)
      // Whoever is too old for services at all is sent no allow that names them either.
      const reach = open.schemaVersion < firstExternalSchema ? undefined : reachOf(watcher)
      const { message, shortfall } = shared({
        version,
        bundle: bundleField(),
        schemaVersion: open.schemaVersion,
        policies,
        services: reach?.services ?? [],
        meshAddresses: reach === undefined ? [] : meshAddressesWithin(reach),
      })
      if (shortfall !== '' && shortfall !== status.shortfall) deps.onShortfall(watcher, shortfall)
      if (message !== undefined) metrics.pushes.inc({ kind: 'snapshot' })
      return { version, message, shortfall }
    },
    floors: () => {
      metrics.pushes.inc({ kind: 'floors' })
      return { version: trust.floors().version, message: floorsUpdate() }
    },
    heartbeat: () => encodeHeartbeat(clock.now()),
    renewNow: (reason) => {
      metrics.pushes.inc({ kind: 'renew-now' })
      return encodeRenewNow(reason)
    },
  }

  const reachOf = ({ profile }: Watcher): ExternalReach =>
    profile === undefined ? book.external.whole : book.external.of(profile)
  const meshAddressesWithin = (reach: ExternalReach): readonly Buffer[] =>
    reach.isNone ? [] : deps.addresses.list(clock.now()).filter((address) => reach.covers(address))

  /** Addresses that are to be told of, while others are still being told. */
  const added: Buffer[] = []
  let telling: Promise<void> | undefined
  const tellAdded = async (): Promise<void> => {
    await nextTurn()
    while (added.length > 0) {
      const batch = added.splice(0)
      await tell((watcher) => {
        const reach = reachOf(watcher)
        if (!batch.some((address) => reach.covers(address))) return false
        watcher.needSnapshot()
        return true
      })
    }
  }

  const tell = async (mark: (watcher: Watcher) => boolean): Promise<number> => {
    let told = 0
    for (const watcher of [...watchers.values()]) {
      if (watchers.get(watcher.caller.facts.workloadId) !== watcher || !mark(watcher)) continue
      watcher.flush(clock.now())
      told += 1
      if (told % writesPerTurn === 0) await nextTurn()
    }
    return told
  }

  const remove = (watcher: Watcher): void => {
    const { workloadId } = watcher.caller.facts
    if (watchers.get(workloadId) === watcher) watchers.delete(workloadId)
    metrics.watching.set(watchers.size)
  }

  const endIfNotGood = (watcher: Watcher, withBundle = false): boolean => {
    const reason = whyNotGood(watcher.caller, trust)
    if (reason === undefined) return false
    remove(watcher)
    // An honest sidecar that is revoked has to know it: it cuts its own connections by the floors.
    watcher.needFloors()
    // Whoever lost its own issuer is to know that it lost its peers' as well.
    if (withBundle) watcher.needSnapshot()
    watcher.flush(clock.now())
    watcher.end(unauthenticated(reason))
    return true
  }

  return {
    content,
    add: (watcher) => {
      const { workloadId } = watcher.caller.facts
      const older = watchers.get(workloadId)
      watchers.set(workloadId, watcher)
      metrics.watching.set(watchers.size)
      older?.end(
        new ControllerError('ERR_PRECONDITION', 'a newer stream of this workload took over'),
      )
      watcher.needFloors()
      watcher.needSnapshot()
      watcher.needHeartbeat()
      watcher.flush(clock.now())
    },
    remove,
    watcher: (workloadId) => watchers.get(workloadId),
    get watching() {
      return watchers.size
    },
    documentsChanged: async (changes) => {
      metrics.policyVersion.set(book.version)
      const isConcerned = await inTurns(concernedBy(changes, book))
      const told = await tell((watcher) => {
        if (!isConcerned(watcher)) return false
        watcher.needSnapshot()
        return true
      })
      log.info({ version: book.version, sidecars: told }, 'policy pushed')
      return told
    },
    meshAddressAdded: (address) => {
      added.push(address)
      telling ??= tellAdded()
        .catch((error: unknown) => {
          log.error({ error }, 'mesh addresses not pushed')
        })
        .finally(() => {
          telling = undefined
        })
    },
    bundleChanged: async () => {
      metrics.policyVersion.set(book.version)
      const told = await tell((watcher) => {
        if (endIfNotGood(watcher, true)) return false
        watcher.needSnapshot()
        // Who is sent no snapshots gets the bundle with its next SVID.
        if (watcher.status.isWithheld) watcher.needRenewal('the trust bundle has changed')
        return true
      })
      log.info({ version: book.version, sidecars: told }, 'bundle pushed')
      return told
    },
    floorsChanged: async () =>
      tell((watcher) => {
        if (endIfNotGood(watcher)) return false
        watcher.needFloors()
        return true
      }),
    renewNow: (workloadId, reason) => {
      const watcher = watchers.get(workloadId)
      watcher?.needRenewal(reason)
      watcher?.flush(clock.now())
    },
    heartbeat: async () =>
      tell((watcher) => {
        watcher.needHeartbeat()
        return true
      }),
    lagging: () =>
      [...watchers.values()].filter(({ status }) => {
        const { rejected, waitingSinceMs } = status
        const isLate = waitingSinceMs !== undefined && clock.now() - waitingSinceMs > acknowledgeMs
        return rejected !== '' || isLate
      }),
    endAll: (error) => {
      for (const watcher of watchers.values()) watcher.end(error)
      watchers.clear()
    },
  }
}

/** Encodes what an unchanging value says once, however many it is sent to. */
function remembered<T extends TrustBundle | object>(
  current: () => T,
  encode: (value: T) => Buffer,
): () => Buffer {
  let last: { readonly value: T; readonly encoded: Buffer } | undefined
  return () => {
    const value = current()
    if (last?.value !== value) last = { value, encoded: encode(value) }
    return last.encoded
  }
}

/** What of policies, and of the services within reach, a sidecar can be sent; undefined: nothing newer. */
function sendable({ schemaVersion, policies, services }: SnapshotParts): {
  readonly documents: readonly DecisionDocument[] | undefined
  readonly services: readonly ExternalService[] | undefined
  readonly shortfall: string
} {
  const { documents, shortfall } = sendableTo(schemaVersion, policies)
  const inReach = sendableServices(schemaVersion, services, policies)
  const shortfalls = [shortfall, inReach.shortfall].filter((words) => words !== '')
  return { documents, services: inReach.services, shortfall: shortfalls.join('; ') }
}

/** The oldest schema version that knows of peers outside the mesh. */
const firstExternalSchema = 3

function* concernedBy(
  changes: readonly DocumentChange[],
  book: DocumentBook,
): Steps<(watcher: Watcher) => boolean> {
  const documentsOf = (side: 'before' | 'after'): PolicyDocument[] =>
    changes.flatMap((change) => change[side]?.document ?? [])
  const before = yield* compileInSteps(documentsOf('before'))
  const after = yield* compileInSteps(documentsOf('after'))
  const services = [...documentsOf('before'), ...documentsOf('after')].flatMap((document) =>
    document.kind === 'ExternalService' ? profileOfService(document) : [],
  )
  if (before.policies.length + after.policies.length + services.length === 0) return () => false
  return ({ profile }) =>
    profile === undefined ||
    before.relevantFor(profile).length > 0 ||
    after.relevantFor(profile).length > 0 ||
    services.some((service) => book.external.includes(profile, service))
}
