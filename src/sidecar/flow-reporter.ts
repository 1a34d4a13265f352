import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createBackoff } from '../base/backoff.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { FlowRecord } from '../rpc/generated/blazon/v1/FlowRecord.ts'
import type { FlowReport } from '../rpc/generated/blazon/v1/FlowReport.ts'
import type { FlowCount, FlowRecorder } from './flow-recorder.ts'

/** Where reports go; rejects while the controller cannot be reached. */
export interface FlowSink {
  reportFlows(report: FlowReport, signal: AbortSignal): Promise<{ readonly sequence: number }>
}

const mostRecordsPerReport = 500

/**
 * The reports that wait, in order. A report keeps its sequence number and its content until it is
 * acknowledged, so that one whose answer was lost is counted once (DESIGN §3, Flows).
 */
export interface FlowReporter {
  /** Takes what the recorder has, and sends until nothing waits; rejects when sending fails. */
  flush(signal: AbortSignal): Promise<void>
  /** Flushes every `intervalMs` until `signal` aborts, with back-off while the sink fails. */
  run(signal: AbortSignal): Promise<void>
  /** Records that wait to be acknowledged. */
  waiting(): number
}

/** `limit` bounds the records that wait for the controller; beyond it the newest are dropped, and counted. */
export function createFlowReporter(options: {
  readonly recorder: FlowRecorder
  readonly sink: FlowSink
  readonly log: Logger
  /** Told of every record that was dropped. */
  readonly onLost?: (count: number) => void
  readonly intervalMs?: number
  readonly limit?: number
}): FlowReporter {
  const { recorder, sink, log } = options
  const intervalMs = options.intervalMs ?? 2_000
  const limit = options.limit ?? 50_000
  const runId = randomUUID()
  const queue: FlowRecord[] = []
  let inFlight: FlowReport | undefined
  let sequence = 0
  let lostUnreported = 0

  const waiting = (): number => queue.length + (inFlight?.records?.length ?? 0)

  const collect = (): void => {
    const counts = recorder.take()
    const room = Math.max(0, limit - waiting())
    for (const count of counts.slice(0, room)) queue.push(toWire(count))
    const lost = recorder.takeLost() + Math.max(0, counts.length - room)
    lostUnreported += lost
    if (lost === 0) return
    options.onLost?.(lost)
    log.warn({ lost, waiting: waiting() }, 'flow records lost')
  }

  const nextReport = (): FlowReport | undefined => {
    if (queue.length === 0 && lostUnreported === 0) return undefined
    const records = queue.splice(0, mostRecordsPerReport)
    const lost = lostUnreported
    lostUnreported = 0
    return { runId, sequence: ++sequence, lost, records }
  }

  const flush = async (signal: AbortSignal): Promise<void> => {
    collect()
    while ((inFlight ??= nextReport()) !== undefined) {
      const sent = inFlight
      const acknowledged = await sink.reportFlows(sent, signal)
      if (acknowledged.sequence !== sent.sequence) {
        throw new Error(
          `expected acknowledgement ${String(sent.sequence)}, got ${String(acknowledged.sequence)}`,
        )
      }
      inFlight = undefined
    }
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    const backoff = createBackoff({ firstMs: intervalMs, longestMs: 30_000 })
    while (!signal.aborted) {
      let pauseMs = intervalMs
      try {
        await flush(signal)
        backoff.reset()
      } catch (error: unknown) {
        pauseMs = backoff.next()
        log.debug({ error: messageOf(error), waiting: waiting() }, 'flow report not delivered')
      }
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  return { flush, run, waiting }
}

const encryptions = {
  required: 'REQUIRED',
  optional: 'OPTIONAL',
  none: 'NONE',
  relayed: 'RELAYED',
} as const

function toWire(count: FlowCount): FlowRecord {
  return {
    bucketStartMs: count.bucketStartMs,
    direction: count.direction === 'egress' ? 'EGRESS' : 'INGRESS',
    peerSpiffeId: count.peerSpiffeId,
    peerWorkloadId: count.peerWorkloadId,
    destinationAddress: count.destination.host,
    destinationPort: count.destination.port,
    verdict: count.verdict === 'allow' ? 'ALLOW' : 'DENY',
    reason: count.reason,
    policy: count.policy,
    encryption: encryptions[count.encryption],
    opened: count.opened,
    closed: count.closed,
    bytesSent: count.bytesSent,
    bytesReceived: count.bytesReceived,
    flowIds: count.flowIds.map((flowId) => Buffer.from(flowId, 'hex')),
  }
}
