import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Authority } from '../../ca/authority.ts'
import type { AccountBook } from '../accounts.ts'
import type { Administrators } from '../administrators.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { DocumentBook, DocumentChange } from '../document-book.ts'
import type { DocumentReader } from '../documents/document-reader.ts'
import type { FlowRecorder } from '../flows/recorder.ts'
import type { SignIn } from '../gateway/sign-in.ts'
import type { Incidents } from '../incidents.ts'
import type { Distributor } from '../mesh/distributor.ts'
import type { SerialQueue } from '../serial-queue.ts'
import type { Store } from '../store/store.ts'
import type { DeferredWrites } from '../workloads/deferred-writes.ts'
import type { Evaluator } from '../workloads/evaluation.ts'
import type { FloorKeeper } from '../workloads/floor-keeper.ts'
import type { NodeStandings } from '../workloads/node-standing.ts'
import type { Recheck } from '../workloads/recheck.ts'
import type { Registry } from '../workloads/registry.ts'
import type { StandingKeeper } from '../workloads/standing.ts'
import type { WorkloadLabels } from '../workloads/workload-labels.ts'

/** What the handlers of the Admin service work with, all of them together. */
export interface AdminDeps {
  readonly version: string
  readonly startedAtMs: number
  readonly store: Store
  readonly deferred: Pick<DeferredWrites, 'change'>
  readonly changes: Pick<SerialQueue, 'run'>
  readonly book: DocumentBook
  readonly reader: DocumentReader
  readonly registry: Registry
  readonly standing: StandingKeeper
  readonly floors: FloorKeeper
  readonly distributor: Distributor
  readonly authority: Authority
  readonly administrators: Administrators
  readonly accounts: AccountBook
  readonly incidents: Incidents
  readonly nodeStandings: NodeStandings
  readonly flows: FlowRecorder
  readonly workloadLabels: WorkloadLabels
  readonly evaluator: Evaluator
  readonly recheck: Recheck
  readonly audit: AuditLog
  /** Undefined where there is no HTTP gateway to sign in to. */
  readonly signIn: SignIn | undefined
  /** Tells everybody that issuers have changed, and certifies the controller itself anew. */
  readonly announceAuthority: () => Promise<void>
  readonly clock: Clock
  readonly log: Logger
  /** Called once changed documents are in force. */
  readonly onDocumentsChanged: (changes: readonly DocumentChange[]) => void
}
