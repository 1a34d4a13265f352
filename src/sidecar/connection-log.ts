import type { Clock } from '../base/clock.ts'
import { formatHostPort } from '../base/env.ts'
import type { Logger } from '../base/logger.ts'
import type { FlowFacts, FlowRecorder } from './flow-recorder.ts'
import type { Metrics } from './metrics.ts'

/** How a connection ended, where that is another verdict than it was opened with. */
export type CutBy = Pick<FlowFacts, 'verdict' | 'reason' | 'policy'>

/** An allowed connection, from the verdict to its end. */
export interface LoggedConnection {
  /** Totals so far; "sent" is what the connecting side sent. */
  progress(bytesSent: number, bytesReceived: number): void
  end(cutBy?: CutBy): void
}

/** Counts, reports and logs each connection once: the flow record, the metric and the access record. */
export interface ConnectionLog {
  refused(facts: FlowFacts, flowId: Buffer, startedAt: number): void
  opened(facts: FlowFacts, flowId: Buffer, startedAt: number): LoggedConnection
}

/** `startedAt` is on the monotonic clock of `clock`. */
export function createConnectionLog(options: {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly recorder: FlowRecorder
  readonly metrics: Metrics
  readonly log: Logger
}): ConnectionLog {
  const { clock, recorder, metrics, log } = options
  const write = (
    facts: FlowFacts,
    flowId: Buffer,
    startedAt: number,
    sent: number,
    received: number,
  ): void => {
    log.info(
      {
        direction: facts.direction,
        peer: facts.peerSpiffeId,
        destination: formatHostPort(facts.destination),
        verdict: facts.verdict,
        reason: facts.reason,
        policy: facts.policy,
        bytes_sent: sent,
        bytes_received: received,
        duration_ms: Math.round(clock.monotonic() - startedAt),
        flow: flowId.toString('hex'),
      },
      'connection',
    )
  }
  return {
    refused: (facts, flowId, startedAt) => {
      recorder.refuse(facts, flowId)
      metrics.connection(facts.direction, facts.verdict, facts.reason)
      write(facts, flowId, startedAt, 0, 0)
    },
    opened: (facts, flowId, startedAt) => {
      const flow = recorder.open(facts, flowId)
      metrics.connection(facts.direction, facts.verdict, facts.reason)
      let sent = 0
      let received = 0
      return {
        progress: (nowSent, nowReceived) => {
          metrics.relayed(facts.direction, nowSent - sent, nowReceived - received)
          sent = nowSent
          received = nowReceived
          flow.progress(sent, received)
        },
        end: (cutBy) => {
          flow.close(cutBy)
          write(
            cutBy === undefined ? facts : { ...facts, ...cutBy },
            flowId,
            startedAt,
            sent,
            received,
          )
        },
      }
    },
  }
}
