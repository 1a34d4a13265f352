import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { openAuthority, type Authority } from '../ca/authority.ts'
import { readOrCreateKeyFile } from '../ca/key-file.ts'
import { createKeyProtector } from '../ca/key-protector.ts'
import { openAccountBook, type AccountBook } from './accounts.ts'
import { openAdministrators, type Administrators } from './administrators.ts'
import { openAuditLog, type AuditLog } from './audit/audit-log.ts'
import type { Trust } from './caller.ts'
import {
  defaultLimits,
  defaultTimings,
  type ControllerConfig,
  type ControllerLimits,
  type ControllerTimings,
} from './config.ts'
import { loadDocumentBook, type DocumentBook, type DocumentChange } from './document-book.ts'
import { createDocumentReader, type DocumentReader } from './documents/document-reader.ts'
import { createChallenges } from './enrolment/challenges.ts'
import { createNodeBinder, type NodeBinder } from './enrolment/node-binder.ts'
import type { ChallengeTables } from './enrolment/nonce.ts'
import { createFlowRecorder, type FlowRecorder } from './flows/recorder.ts'
import { openIncidents, type Incidents } from './incidents.ts'
import { createMeshAddresses } from './mesh/mesh-addresses.ts'
import { createDistributor, type Distributor } from './mesh/distributor.ts'
import { tooOld } from './mesh/late-report.ts'
import { createControllerMetrics, type ControllerMetrics } from './metrics.ts'
import { createSerialQueue, type SerialQueue } from './serial-queue.ts'
import { createAuthorityStore } from './store/authorities.ts'
import { isDiskTrouble } from './store/store-error.ts'
import { openStore, type Store } from './store/store.ts'
import { createDeferredWrites, type DeferredWrites } from './workloads/deferred-writes.ts'
import { createEvaluator, type Evaluator } from './workloads/evaluation.ts'
import { createExpiryWatch, type ExpiryWatch } from './workloads/expiry.ts'
import { createFloorCatchUp, type FloorCatchUp } from './workloads/floor-catch-up.ts'
import { createFloorKeeper, type FloorKeeper } from './workloads/floor-keeper.ts'
import { createIssuance, type Issuance } from './workloads/issuance.ts'
import { createNodeStandings, type NodeStandings } from './workloads/node-standing.ts'
import { createRecheck, type Recheck } from './workloads/recheck.ts'
import { loadRegistry, type Registry } from './workloads/registry.ts'
import { createStandingKeeper, type StandingKeeper } from './workloads/standing.ts'
import { openWorkloadLabels, type WorkloadLabels } from './workloads/workload-labels.ts'

/** Everything of a controller that has no socket: its state, and what changes it. */
export interface Core extends AsyncDisposable {
  readonly version: string
  readonly startedAtMs: number
  readonly timings: ControllerTimings
  readonly limits: ControllerLimits
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ControllerMetrics
  readonly store: Store
  readonly changes: SerialQueue
  readonly authority: Authority
  readonly trust: Trust
  readonly book: DocumentBook
  readonly reader: DocumentReader
  readonly registry: Registry
  readonly floors: FloorKeeper
  readonly catchUp: FloorCatchUp
  readonly deferred: DeferredWrites
  readonly evaluator: Evaluator
  readonly issuance: Issuance
  readonly standing: StandingKeeper
  readonly recheck: Recheck
  readonly expiry: ExpiryWatch
  readonly workloadLabels: WorkloadLabels
  readonly audit: AuditLog
  readonly administrators: Administrators
  readonly accounts: AccountBook
  readonly incidents: Incidents
  readonly nodeStandings: NodeStandings
  readonly binder: NodeBinder
  readonly challenges: ChallengeTables
  readonly distributor: Distributor
  readonly flows: FlowRecorder
  readonly onDocumentsChanged: (changes: readonly DocumentChange[]) => void
}

/** Opens the store and builds everything on it. Who opens it disposes of it. */
export async function openCore(
  config: ControllerConfig,
  deps: {
    readonly log: Logger
    readonly clock: Clock
    readonly version: string
    readonly withProcessMetrics?: boolean
    readonly openStore?: (file: string) => Promise<Store>
  },
): Promise<Core> {
  const { log, clock, openStore: open = (file: string) => openStore(file, log) } = deps
  await using opened = new AsyncDisposableStack()
  const store = opened.use(await open(join(config.dataDirectory, 'controller.db')))
  const timings = { ...defaultTimings, ...config.timings }
  const limits = { ...defaultLimits, ...config.limits }
  const metrics = createControllerMetrics({ withProcess: deps.withProcessMetrics ?? false })
  const changes = createSerialQueue()
  opened.defer(() => changes.idle())
  const authority = await openControllerAuthority(config, timings, store, deps)
  const book = await loadDocumentBook(store.tables)
  const reader = opened.use(createDocumentReader(log))
  await countStart(store, book, log)
  const floors: FloorKeeper = await createFloorKeeper({
    tables: store.tables,
    longestLifeMs: config.svidTtlMs,
    onChange: () => {
      distributor.floorsChanged().catch(logFailure(log, 'floors not pushed'))
    },
  })
  const trust: Trust = {
    bundle: () => authority.bundle(),
    floors: () => floors.floors(),
    now: () => clock.now(),
  }
  const addresses = createMeshAddresses((address) => {
    distributor.meshAddressAdded(address)
  })
  const distributor: Distributor = createDistributor({
    book,
    trust,
    addresses,
    clock,
    metrics,
    log,
    onShortfall: (watcher, shortfall) => {
      const workload = watcher.caller.facts.workloadId
      log.warn({ workload, shortfall }, 'a sidecar is too old for the policy')
      changes
        .run(() => incidents.report(tooOld(watcher, shortfall)))
        .catch(logFailure(log, 'incident not reported'))
    },
  })
  const registry = await loadRegistry(store.tables, clock.now(), ({ lastNotAfterMs }, profile) => {
    addresses.note(profile, lastNotAfterMs)
  })
  const catchUp = createFloorCatchUp()
  const deferred = createDeferredWrites({
    store,
    log,
    onSize: (size) => {
      metrics.deferredWrites.set(size)
    },
  })
  const evaluator = createEvaluator({
    trustDomain: config.trustDomain,
    book,
    ttlMs: config.svidTtlMs,
    minTtlMs: config.minSvidTtlMs,
    clock,
  })
  const accounts = await openAccountBook({ store, clock, log })
  const incidents = await openIncidents({ store, clock, metrics, log })
  const nodeStandings = createNodeStandings({ registry, floors, clock })
  const trusted = { accounts, incidents, nodeStandings }
  const kept = { store, deferred, registry, floors, catchUp, authority, clock, metrics, log }
  const shared = { ...kept, ...trusted }
  const workloadLabels = await openWorkloadLabels(store.tables)
  const recheck = createRecheck({
    ...shared,
    evaluator,
    workloadLabels,
    graceMs: timings.graceMs,
    renewNow: (workloadId, reason) => {
      distributor.renewNow(workloadId, reason)
    },
  })
  const flows = opened.use(
    createFlowRecorder(
      { file: join(config.dataDirectory, 'flows.db'), maxBytes: limits.flowsBytes },
      { clock, metrics, log },
    ),
  )
  const administrators = await openAdministrators({
    ...shared,
    changes,
    ttlMs: timings.administratorMs,
  })
  const audit = await openAuditLog(shared)
  planMissedFloors(registry, floors, catchUp, clock.now() + timings.graceMs)
  const expiry = createExpiryWatch({ book, recheck, clock })
  await recheck.all()
  const running = opened.move()
  return {
    ...shared,
    version: deps.version,
    startedAtMs: clock.now(),
    timings,
    limits,
    changes,
    trust,
    book,
    reader,
    evaluator,
    issuance: createIssuance(shared),
    standing: createStandingKeeper({ ...shared, reauthenticateMs: timings.reauthenticateMs }),
    recheck,
    expiry,
    workloadLabels,
    audit,
    administrators,
    binder: createNodeBinder({
      ...shared,
      isWatching: (workloadId) => distributor.watcher(workloadId) !== undefined,
    }),
    challenges: {
      strangers: createChallenges({
        total: limits.challenges,
        perSource: limits.challengesPerSource,
      }),
      known: createChallenges({ total: 200_000, perSource: 16 }),
    },
    distributor,
    flows,
    onDocumentsChanged: (changed) => {
      distributor.documentsChanged(changed).catch(logFailure(log, 'policy not pushed'))
      if (changed.some(concernsIdentity))
        recheck.all().catch(logFailure(log, 'labels not rechecked'))
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function openControllerAuthority(
  config: ControllerConfig,
  timings: ControllerTimings,
  store: Store,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<Authority> {
  const keyFile = config.keyFile ?? join(config.dataDirectory, 'key-encryption.key')
  return readOrCreateKeyFile(keyFile).then((key) =>
    openAuthority({
      store: createAuthorityStore(store),
      protector: createKeyProtector({ key, purpose: 'authority' }),
      clock,
      trustDomain: config.trustDomain,
      lifetimes: {
        issuerMs: timings.issuerMs,
        minTtlMs: Math.min(config.minSvidTtlMs, timings.ownCertificateMs, timings.administratorMs),
        maxTtlMs: Math.max(config.svidTtlMs, timings.ownCertificateMs, timings.administratorMs),
      },
      log,
    }),
  )
}

/**
 * A start counts the version up: the bundle that goes with the documents may have changed while
 * nothing was running. On a full disk it goes without: sidecars take the same version again.
 */
async function countStart(store: Store, book: DocumentBook, log: Logger): Promise<void> {
  try {
    const apply = await store.change((tables) => book.bump(tables))
    apply()
  } catch (error: unknown) {
    if (!isDiskTrouble(error)) throw error
    log.error({ error }, 'version not counted up')
  }
}

/** Whether a change can make something else of workloads, and not only of what they may do. */
function concernsIdentity({ before, after }: DocumentChange): boolean {
  const kinds = [before?.document.kind, after?.document.kind]
  return kinds.includes('EnrolmentRule') || kinds.includes('LabelAssignment')
}

/** Floors that were to be raised when the controller was stopped. */
function planMissedFloors(
  registry: Registry,
  floors: FloorKeeper,
  catchUp: FloorCatchUp,
  dueMs: number,
): void {
  for (const { stored, certificates } of registry.workloads()) {
    const { workloadId, generation } = stored
    const isBehind = floors.floors().lowestGood(workloadId) < generation
    const hasOlder = [...certificates.values()].some((one) => one.generation < generation)
    if (isBehind && hasOlder) catchUp.plan(workloadId, generation, dueMs)
  }
}

function logFailure(log: Logger, message: string): (error: unknown) => void {
  return (error) => {
    log.error({ error }, message)
  }
}
