import { Worker } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import { codeOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { ControllerError } from '../controller-error.ts'
import type { ControllerMetrics } from '../metrics.ts'
import type { Flow } from './flow.ts'
import type { FlowList, FlowRange, FlowThreadSettings } from './messages.ts'
import type { CheckedReport } from './report.ts'
import { superviseThread } from './supervised-thread.ts'

/** Takes flows in, and gives them out; a thread of its own keeps them, in a file of its own. */
export interface FlowRecorder extends AsyncDisposable {
  /** Fulfils once the report is on disk; one that was counted before is not counted again. */
  report(workloadId: string, report: CheckedReport): Promise<void>
  list(range: FlowRange): Promise<FlowList>
  /** Calls back with flows that have changed, counted as of now; ends with what it returns. */
  follow(listener: (flows: readonly Flow[]) => void): () => void
  /** Forgets flows of before that time, and the oldest of too many. */
  prune(beforeMs: number): Promise<void>
}

export interface FlowRecorderOptions extends FlowThreadSettings {
  /** Records handed to the thread and not on disk, a quarter of them of one workload; beyond it reports are refused. */
  readonly mostWaiting?: number
  readonly startThread?: (settings: FlowThreadSettings) => Worker
}

/** At some 500 bytes each, twice: here, to be handed over again, and in the thread. */
const defaultMostWaiting = 100_000
/** Followed halves, flow ids and what waits are about 200 MB where their bounds are reached. */
const threadMemory = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64 }

export function createFlowRecorder(
  options: FlowRecorderOptions,
  deps: { readonly clock: Clock; readonly metrics: ControllerMetrics; readonly log: Logger },
): FlowRecorder {
  const {
    file,
    maxBytes,
    mostWaiting = defaultMostWaiting,
    startThread = startFlowThread,
  } = options
  const { clock, metrics, log } = deps
  const listeners = new Set<(flows: readonly Flow[]) => void>()
  const mostOfOne = Math.ceil(mostWaiting / 4)
  const waitingOf = new Map<string, number>()
  let waiting = 0

  const thread = superviseThread({
    start: () => startThread({ file, maxBytes }),
    onNews: (news) => {
      if (news.kind === 'set-aside') {
        const { to, why } = news
        log.error({ file, to, why }, 'flows could not be read, and were set aside')
        return
      }
      metrics.flowsUnshown.inc(news.unshown)
      for (const listener of listeners) listener(news.flows)
    },
    onFailure: () => {
      metrics.flowThreadFailures.inc()
    },
    log,
  })

  const handOver = async (workloadId: string, report: CheckedReport): Promise<void> => {
    const isFollowed = listeners.size > 0
    const reported = { workloadId, report, nowMs: clock.now(), isFollowed }
    const { isNew } = await thread.ask({ kind: 'report', reported })
    if (!isNew) return
    metrics.flowRecords.inc(report.records.length)
    metrics.flowsLost.inc(report.lost)
  }
  const change = (workloadId: string, records: number): void => {
    const own = (waitingOf.get(workloadId) ?? 0) + records
    if (own > 0) waitingOf.set(workloadId, own)
    else waitingOf.delete(workloadId)
    waiting += records
    metrics.flowsWaiting.set(waiting)
  }

  return {
    report: async (workloadId, report) => {
      const records = report.records.length
      try {
        const own = (waitingOf.get(workloadId) ?? 0) + records
        if (waiting + records > mostWaiting || own > mostOfOne) {
          throw new ControllerError(
            'ERR_LIMIT',
            'too many flows wait to be written; send them again',
          )
        }
        change(workloadId, records)
        await handOver(workloadId, report).finally(() => {
          change(workloadId, -records)
        })
      } catch (error: unknown) {
        metrics.flowReportsRefused.inc({ reason: reasonOf(error) })
        throw error
      }
    },
    list: (range) => thread.ask({ kind: 'list', range }),
    follow: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    prune: async (beforeMs) => {
      const { aged, crowded } = await thread.ask({ kind: 'prune', beforeMs })
      metrics.flowsForgotten.inc({ reason: 'age' }, aged)
      metrics.flowsForgotten.inc({ reason: 'size' }, crowded)
      if (crowded > 0) {
        log.warn({ forgotten: crowded, max_bytes: maxBytes }, 'flows forgotten early: too many')
      }
    },
    [Symbol.asyncDispose]: async () => {
      listeners.clear()
      await thread[Symbol.asyncDispose]()
    },
  }
}

function startFlowThread(settings: FlowThreadSettings): Worker {
  return new Worker(new URL('./flow-thread.ts', import.meta.url), {
    name: 'flows',
    env: {},
    execArgv: [],
    workerData: settings,
    resourceLimits: threadMemory,
  })
}

const refusalReasons: Readonly<Record<string, string>> = {
  ERR_LIMIT: 'limit',
  ERR_PRECONDITION: 'sequence',
  ERR_UNAVAILABLE: 'thread',
}

/** A closed set, for a metric. */
function reasonOf(error: unknown): string {
  return refusalReasons[codeOf(error) ?? ''] ?? 'disk'
}
