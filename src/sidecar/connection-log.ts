import type { Clock } from '../base/clock.ts'
import { formatHostPort } from '../base/env.ts'
import type { Logger } from '../base/logger.ts'
import type { HttpRequest } from '../policy/index.ts'
import type { FlowFacts, FlowRecorder, RecordedFlow } from './flow-recorder.ts'
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
  refused(facts: FlowFacts, flowId: string, startedAt: number): void
  opened(facts: FlowFacts, flowId: string, startedAt: number): LoggedConnection
  /** A request was decided on; `facts` say how. */
  request(facts: FlowFacts, flowId: string, request: HttpRequest): void
  /** A request was refused before policy was asked. */
  requestRefused(facts: FlowFacts, flowId: string, fault: RequestFault): void
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
    flowId: string,
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
  /** With methods of a class: every open connection has one. */
  class OpenConnection implements LoggedConnection {
    readonly #facts: FlowFacts
    readonly #flowId: string
    readonly #startedAt: number
    readonly #flow: RecordedFlow
    #sent = 0
    #received = 0

    constructor(facts: FlowFacts, flowId: string, startedAt: number) {
      this.#facts = facts
      this.#flowId = flowId
      this.#startedAt = startedAt
      this.#flow = recorder.open(facts, flowId)
    }

    progress(sent: number, received: number): void {
      if (sent === this.#sent && received === this.#received) return
      metrics.relayed(this.#facts.direction, sent - this.#sent, received - this.#received)
      this.#sent = sent
      this.#received = received
      this.#flow.progress(sent, received)
    }

    end(cutBy?: CutBy): void {
      this.#flow.close(cutBy)
      const facts = cutBy === undefined ? this.#facts : { ...this.#facts, ...cutBy }
      write(facts, this.#flowId, this.#startedAt, this.#sent, this.#received)
    }
  }

  return {
    refused: (facts, flowId, startedAt) => {
      recorder.once(facts, flowId)
      metrics.connection(facts.direction, facts.verdict, facts.reason)
      write(facts, flowId, startedAt, 0, 0)
    },
    opened: (facts, flowId, startedAt) => {
      metrics.connection(facts.direction, facts.verdict, facts.reason)
      return new OpenConnection(facts, flowId, startedAt)
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

function fieldsOf(facts: FlowFacts, flowId: string): Readonly<Record<string, unknown>> {
  return {
    direction: facts.direction,
    peer: facts.peerSpiffeId,
    destination: formatHostPort(facts.destination),
    verdict: facts.verdict,
    reason: facts.reason,
    policy: facts.policy,
    flow: flowId,
  }
}

/** What policy went by, but for headers and without the query: both may hold secrets. */
function requestFields({ method, host, path }: HttpRequest): Readonly<Record<string, unknown>> {
  return { method, host, path: `/${path.join('/')}`.slice(0, longestLoggedPath) }
}
