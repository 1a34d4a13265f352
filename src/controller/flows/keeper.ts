import { setImmediate as turn } from 'node:timers/promises'
import { ControllerError } from '../controller-error.ts'
import { assemble, hasVerdict, type Flow } from './flow.ts'
import type { FlowFile } from './flow-file.ts'
import { bucketMs } from './half.ts'
import type { FlowList, FlowRange, Pruned, ReportedFlows } from './messages.ts'
import { createPendingFlows } from './pending.ts'
import { createRecentFlows } from './recent.ts'
import { createReporterLedger } from './reporter-ledger.ts'
import { createStitcher } from './stitcher.ts'

/** Merges what is reported, writes it in batches, and answers questions about it. */
export interface FlowKeeper {
  /** Fulfils once the report is on disk; `isNew` is false for one that was counted before. */
  report(reported: ReportedFlows): Promise<{ readonly isNew: boolean }>
  list(range: FlowRange): FlowList
  /** Forgets what is older than `beforeMs`, and the oldest beyond what may be kept; some at a time. */
  prune(beforeMs: number): Promise<Pruned>
  /** Writes what waits; throws `StoreError` where the disk refuses. */
  flush(): void
}

/** The longest that a report waits for others to be written with. */
const batchMs = 250
const defaultMostPending = 100_000
/** Halves looked at for one list. */
const mostListed = 10_000
/** Steps of one pruning; the next one goes on. */
const pruneSteps = 500

export function createFlowKeeper(deps: {
  readonly file: FlowFile
  /** Told of flows that have changed, counted as of now, once they are on disk and somebody follows. */
  readonly onChanged: (flows: readonly Flow[]) => void
  /** Halves that wait to be written, because the disk refuses; beyond it reports are refused. */
  readonly mostPending?: number
}): FlowKeeper {
  const { file, onChanged, mostPending = defaultMostPending } = deps
  const ledger = createReporterLedger(file.reporters())
  const stitcher = createStitcher()
  const recent = createRecentFlows()
  let pending = createPendingFlows()
  let isFollowed = false
  let batch:
    | { readonly written: PromiseWithResolvers<undefined>; readonly timer: NodeJS.Timeout }
    | undefined

  const write = (): void => {
    if (pending.isEmpty) return
    // What cannot be written goes into the next batch: its reports will be repeated.
    const { halves, ...rest } = pending.toBatch()
    file.add({ halves, ...rest })
    pending = createPendingFlows()
    if (isFollowed) onChanged(recent.around(halves.map(({ id }) => id)))
    isFollowed = false
  }
  const flush = (): void => {
    const { written, timer } = batch ?? {}
    batch = undefined
    clearTimeout(timer)
    try {
      write()
      written?.resolve(undefined)
    } catch (error: unknown) {
      written?.reject(error)
      throw error
    }
  }
  const startBatch = (): NonNullable<typeof batch> => {
    const written = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => {
      try {
        flush()
      } catch {
        // Those whose reports are in the batch have been told.
      }
    }, batchMs)
    return { written, timer }
  }

  const count = ({ workloadId, report, nowMs }: ReportedFlows): void => {
    const { runId, sequence, lost, records } = report
    ledger.advance(workloadId, runId, sequence)
    pending.addReporter({ workloadId, runId, sequence, reportedAtMs: nowMs })
    for (const { half, flowIds } of records) {
      pending.addHalf(half)
      const links = stitcher.add(half, flowIds, nowMs)
      for (const link of links) pending.addLink(link)
      recent.add(half, links)
    }
    if (lost > 0) {
      pending.addLoss({ workloadId, bucketStartMs: nowMs - (nowMs % bucketMs), lost })
    }
    stitcher.prune(nowMs)
    recent.prune(nowMs)
  }

  return {
    report: async (reported) => {
      const { workloadId, report } = reported
      const verdict = ledger.check(workloadId, report.runId, report.sequence)
      if (verdict.kind === 'gap') {
        throw new ControllerError(
          'ERR_PRECONDITION',
          `expected report ${String(verdict.expected)} of this run, got ${String(report.sequence)}`,
        )
      }
      const isNew = verdict.kind === 'new'
      if (isNew) {
        if (pending.size + report.records.length > mostPending) {
          throw new ControllerError(
            'ERR_LIMIT',
            'too many flows wait to be written; send them again',
          )
        }
        count(reported)
      }
      isFollowed ||= reported.isFollowed
      // A repeated report may still wait for the disk: then it is not acknowledged before either.
      if (!pending.isEmpty) await (batch ??= startBatch()).written.promise
      return { isNew }
    },
    list: (range) => {
      const stored = file.read({ ...range, limit: mostListed })
      const flows = assemble(stored.halves, stored.links)
        .filter((flow) => hasVerdict(flow, range.verdict))
        .sort((a, b) => b.bucketStartMs - a.bucketStartMs)
      return { flows: flows.slice(0, range.limit), lost: file.lost(range.sinceMs, range.untilMs) }
    },
    prune: async (beforeMs) => {
      file.pruneReporters(beforeMs)
      const aged = await inSteps(() => file.pruneAged(beforeMs))
      const crowded = await inSteps(() => file.pruneCrowded())
      return { aged, crowded }
    },
    flush,
  }
}

/** Goes on until there is nothing left to forget; reports and questions come in between. */
async function inSteps(prune: () => number): Promise<number> {
  let pruned = 0
  for (let step = 0; step < pruneSteps; step++) {
    const some = prune()
    if (some === 0) break
    pruned += some
    await turn()
  }
  return pruned
}
