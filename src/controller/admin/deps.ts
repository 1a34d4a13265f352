import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Authority } from '../../ca/authority.ts'
import type { Administrators } from '../administrators.ts'
import type { DocumentBook, DocumentChange } from '../document-book.ts'
import type { FlowRecorder } from '../flows/recorder.ts'
import type { Distributor } from '../mesh/distributor.ts'
import type { SerialQueue } from '../serial-queue.ts'
import type { Store } from '../store/store.ts'
import type { FloorKeeper } from '../workloads/floor-keeper.ts'
import type { Registry } from '../workloads/registry.ts'
import type { StandingKeeper } from '../workloads/standing.ts'

/** What the handlers of the Admin service work with, all of them together. */
export interface AdminDeps {
  readonly version: string
  readonly startedAtMs: number
  readonly store: Store
  readonly changes: SerialQueue
  readonly book: DocumentBook
  readonly registry: Registry
  readonly standing: StandingKeeper
  readonly floors: FloorKeeper
  readonly distributor: Distributor
  readonly authority: Authority
  readonly administrators: Administrators
  readonly flows: FlowRecorder
  readonly clock: Clock
  readonly log: Logger
  /** Called once changed documents are in force. */
  readonly onDocumentsChanged: (changes: readonly DocumentChange[]) => void
}
