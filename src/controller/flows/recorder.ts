import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { ControllerError } from '../controller-error.ts'
import type { ControllerMetrics } from '../metrics.ts'
import {
  addFlows,
  loadReporters,
  lostFlows,
  readFlows,
  type FlowBatch,
  type FlowHalf,
} from '../store/flows.ts'
import type { Store } from '../store/store.ts'
import { assemble, type Flow } from './flow.ts'
import { createPendingFlows } from './pending.ts'
import { createRecentFlows } from './recent.ts'
import type { CheckedReport } from './report.ts'
import { createReporterLedger } from './reporter-ledger.ts'
import { bucketMs, createStitcher } from './stitcher.ts'

/** Takes flows in, writes them in batches, and gives them out. */
export interface FlowRecorder extends AsyncDisposable {
  /** Fulfils once the report is on disk; one that was counted before is not counted again. */
  report(workloadId: string, report: CheckedReport): Promise<void>
  /** Newest first; `lost` counts what sidecars had to drop in the range. */
  list(range: FlowRange): Promise<{ readonly flows: readonly Flow[]; readonly lost: number }>
  /** Calls back with flows that have changed, counted as of now; ends with what it returns. */
  follow(listener: (flows: readonly Flow[]) => void): () => void
}

export interface FlowRange {
  readonly sinceMs: number
  readonly untilMs: number
  readonly workloadIds: readonly string[] | undefined
  readonly limit: number
}

/** The longest that a report waits for others to be written with. */
const batchMs = 250
/** Halves that wait to be written; beyond it reports are refused, and sidecars keep them. */
const mostPending = 100_000

export async function createFlowRecorder(deps: {
  readonly store: Store
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
}): Promise<FlowRecorder> {
  const { store, clock, metrics, log } = deps
  const ledger = createReporterLedger(await loadReporters(store.tables))
  const stitcher = createStitcher()
  const recent = createRecentFlows()
  const listeners = new Set<(flows: readonly Flow[]) => void>()
  let pending = createPendingFlows()
  /** Gathers reports for the next batch, and is done when that batch is on disk. */
  let gathering: Promise<void> | undefined
  /** The batch that is being written. */
  let writing: Promise<void> | undefined

  const writeBatch = async (batch: FlowBatch): Promise<void> => {
    try {
      await store.change((tables) => addFlows(tables, batch))
    } catch (error: unknown) {
      putBack(batch)
      log.error({ error, halves: batch.halves.length }, 'flows not written')
      throw error
    } finally {
      writing = undefined
    }
    publish(batch.halves)
  }
  const gather = async (): Promise<void> => {
    await delay(batchMs)
    // The one before may have failed; its reports have heard of it, and are in this batch again.
    await writing?.catch(() => undefined)
    gathering = undefined
    const batch = pending.toBatch()
    pending = createPendingFlows()
    writing = writeBatch(batch)
    await writing
  }
  const flush = (): Promise<void> => (gathering ??= gather())

  const putBack = (batch: FlowBatch): void => {
    const newer = pending.toBatch()
    pending = createPendingFlows()
    for (const part of [batch, newer]) {
      for (const half of part.halves) pending.addHalf(half)
      for (const link of part.links) pending.addLink(link)
      for (const reporter of part.reporters) pending.addReporter(reporter)
      for (const loss of part.losses) pending.addLoss(loss)
    }
  }
  const publish = (halves: readonly FlowHalf[]): void => {
    if (listeners.size === 0) return
    const flows = recent.around(halves.map(({ id }) => id))
    for (const listener of listeners) listener(flows)
  }

  const count = (workloadId: string, { runId, sequence, lost, records }: CheckedReport): void => {
    const now = clock.now()
    ledger.advance(workloadId, runId, sequence)
    pending.addReporter({ workloadId, runId, sequence, reportedAtMs: now })
    for (const { half, flowIds } of records) {
      pending.addHalf(half)
      const links = stitcher.add(half, flowIds, now)
      for (const link of links) pending.addLink(link)
      recent.add(half, links)
    }
    if (lost > 0) {
      pending.addLoss({ workloadId, bucketStartMs: now - (now % bucketMs), lost })
      metrics.flowsLost.inc(lost)
    }
    metrics.flowRecords.inc(records.length)
    stitcher.prune(now)
    recent.prune(now)
  }

  return {
    report: async (workloadId, report) => {
      const verdict = ledger.check(workloadId, report.runId, report.sequence)
      if (verdict.kind === 'gap') {
        throw new ControllerError(
          'ERR_PRECONDITION',
          `expected report ${String(verdict.expected)} of this run, got ${String(report.sequence)}`,
        )
      }
      if (verdict.kind === 'new') {
        if (pending.size + report.records.length > mostPending) {
          throw new ControllerError(
            'ERR_LIMIT',
            'too many flows wait to be written; send them again',
          )
        }
        count(workloadId, report)
      }
      // A repeated report may still wait for the disk: then it is not acknowledged before either.
      await (pending.isEmpty ? writing : flush())
    },
    list: async (range) => {
      const stored = await readFlows(store.tables, range)
      const flows = assemble(stored.halves, stored.links).sort(
        (a, b) => b.bucketStartMs - a.bucketStartMs,
      )
      const lost = await lostFlows(store.tables, range.sinceMs, range.untilMs)
      return { flows: flows.slice(0, range.limit), lost }
    },
    follow: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    [Symbol.asyncDispose]: async () => {
      listeners.clear()
      // What cannot be written was not acknowledged either.
      await (pending.isEmpty ? writing : flush())?.catch(() => undefined)
    },
  }
}
