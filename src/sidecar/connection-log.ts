import type { Clock } from '../base/clock.ts'
import { formatHostPort } from '../base/env.ts'
import type { Logger } from '../base/logger.ts'
import type { HttpRequest } from '../policy/index.ts'
import type { FlowFacts, FlowRecorder } from './flow-recorder.ts'
import type { RequestFault } from './http/request-check.ts'
import type { Metrics } from './metrics.ts'

/** How a connection ended, where that is another verdict than it was opened with. */
export type CutBy = Pick<FlowFacts, 'verdict' | 'reason' | 'policy'>

/** An allowed connection, from the verdict to its end. */
export interface LoggedConnection {
  /** Totals so far; "sent" is what the connecting side sent. */
  progress(bytesSent: number, bytesReceived: number): void
  end(cutBy?: CutBy): void
}

/**
 * Counts, reports and logs each connection once: the flow record, the metric and the access record.
 * Of requests within one, those that are denied, refused or relayed are flows of their own; others are counted.
 */
export interface ConnectionLog {
  refused(facts: FlowFacts, flowId: Buffer, startedAt: number): void
  opened(facts: FlowFacts, flowId: Buffer, startedAt: number): LoggedConnection
  /** A request was decided on; `facts` say how. */
  request(facts: FlowFacts, flowId: Buffer, request: HttpRequest): void
  /** A request was refused before policy was asked. */
  requestRefused(facts: FlowFacts, flowId: Buffer, fault: RequestFault): void
}

const longestLoggedPath = 256

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
        ...fieldsOf(facts, flowId),
        bytes_sent: sent,
        bytes_received: received,
        duration_ms: Math.round(clock.monotonic() - startedAt),
      },
      'connection',
    )
  }
  return {
    refused: (facts, flowId, startedAt) => {
      recorder.once(facts, flowId)
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
          if (nowSent === sent && nowReceived === received) return
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
    request: (facts, flowId, request) => {
      metrics.request(facts.verdict, facts.reason)
      const fields = { ...fieldsOf(facts, flowId), ...requestFields(request) }
      // Of a relayed request the flow of the connection says nothing: that is the balancer's.
      const isOfItsOwn = facts.verdict === 'deny' || facts.encryption === 'relayed'
      if (isOfItsOwn) recorder.once(facts, flowId)
      if (facts.verdict === 'deny') log.info(fields, 'request')
      else log.debug(fields, 'request')
    },
    requestRefused: (facts, flowId, fault) => {
      metrics.requestRefused(fault)
      recorder.once(facts, flowId)
      log.info({ ...fieldsOf(facts, flowId), fault }, 'request refused')
    },
  }
}

function fieldsOf(facts: FlowFacts, flowId: Buffer): Readonly<Record<string, unknown>> {
  return {
    direction: facts.direction,
    peer: facts.peerSpiffeId,
    destination: formatHostPort(facts.destination),
    verdict: facts.verdict,
    reason: facts.reason,
    policy: facts.policy,
    flow: flowId.toString('hex'),
  }
}

/** What policy went by, but for headers and without the query: both may hold secrets. */
function requestFields({ method, host, path }: HttpRequest): Readonly<Record<string, unknown>> {
  return { method, host, path: `/${path.join('/')}`.slice(0, longestLoggedPath) }
}
