import type { Clock } from '../base/clock.ts'
import type { HostPort } from '../base/env.ts'
import type { Reason } from '../policy/reason.ts'

/** Flows are aggregated over this long (DESIGN §3). */
export const flowBucketMs = 10_000

export type FlowDirection = 'egress' | 'ingress'
/** `relayed`: a balancer has read it, and passed it on with a proof of who sent it. */
export type FlowEncryption = 'required' | 'optional' | 'none' | 'relayed'

/** What makes two connections count in the same record. */
export interface FlowFacts {
  readonly direction: FlowDirection
  readonly peerSpiffeId: string // empty when no peer was proven
  readonly peerWorkloadId: string // hex; empty when no peer was proven
  readonly destination: HostPort
  readonly verdict: 'allow' | 'deny'
  readonly reason: Reason
  readonly policy: string // empty when none decided
  readonly encryption: FlowEncryption
}

/** The connections of one kind in one bucket; a later record of the same bucket adds to it. */
export interface FlowCount extends FlowFacts {
  readonly bucketStartMs: number
  readonly opened: number
  readonly closed: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly flowIds: readonly string[] // hex
}

/** One connection, for as long as it is open. */
export interface RecordedFlow {
  /** Bytes relayed so far, totals; "sent" is what the connecting side sent. */
  progress(bytesSent: number, bytesReceived: number): void
  /** The connection is over; with `ending`, it was cut for another reason than it was opened. */
  close(ending?: Pick<FlowFacts, 'verdict' | 'reason' | 'policy'>): void
}

/** Counts connections by kind; `take()` hands over what has been counted since the last time. */
export interface FlowRecorder {
  open(facts: FlowFacts, flowId: string): RecordedFlow
  /** What has no duration of its own, an attempt that was refused or a request: opened and closed at once. */
  once(facts: FlowFacts, flowId: string): void
  take(): readonly FlowCount[]
  /** Takes over what another recorder has counted, and how many it could keep no record for. */
  add(counts: readonly FlowCount[], lost: number): void
  /** Connections or byte counts that no record could be kept for, since the last call. */
  takeLost(): number
}

const mostFlowIds = 16

interface Aggregate {
  readonly facts: FlowFacts
  readonly bucketStartMs: number
  opened: number
  closed: number
  bytesSent: number
  bytesReceived: number
  readonly flowIds: string[]
  isTaken: boolean
}

/** `limit` bounds the records that wait to be taken; what does not fit is counted as lost. */
export function createFlowRecorder(options: {
  readonly clock: Pick<Clock, 'now'>
  readonly limit?: number
}): FlowRecorder {
  const limit = options.limit ?? 10_000
  let waiting = new Map<string, Aggregate>()
  let lost = 0
  const live = new Set<OpenFlow>()

  /** `last` is where the same facts were counted before: most flows begin and end in one bucket. */
  const presentAggregate = (facts: FlowFacts, last?: Aggregate): Aggregate | undefined => {
    const now = options.clock.now()
    const bucketStartMs = now - (now % flowBucketMs)
    if (last?.bucketStartMs === bucketStartMs && !last.isTaken) return last
    return aggregateOf(facts, bucketStartMs)
  }

  const aggregateOf = (facts: FlowFacts, bucketStartMs: number): Aggregate | undefined => {
    const key = keyOf(facts, bucketStartMs)
    const found = waiting.get(key)
    if (found !== undefined) return found
    if (waiting.size >= limit) {
      lost++
      return undefined
    }
    const made = { facts, bucketStartMs, opened: 0, closed: 0, bytesSent: 0, bytesReceived: 0 }
    const aggregate: Aggregate = { ...made, flowIds: [], isTaken: false }
    waiting.set(key, aggregate)
    return aggregate
  }

  /** With methods of a class: every open connection has one. */
  class OpenFlow implements RecordedFlow {
    readonly #facts: FlowFacts
    readonly #flowId: string
    #last: Aggregate | undefined
    #sent = 0
    #received = 0
    #countedSent = 0
    #countedReceived = 0

    constructor(facts: FlowFacts, flowId: string) {
      this.#facts = facts
      this.#flowId = flowId
      this.#last = presentAggregate(facts)
      addOpened(this.#last, flowId)
      live.add(this)
    }

    progress(sent: number, received: number): void {
      this.#sent = sent
      this.#received = received
    }

    flush(): void {
      const sent = this.#sent - this.#countedSent
      const received = this.#received - this.#countedReceived
      if (sent === 0 && received === 0) return
      const aggregate = (this.#last = presentAggregate(this.#facts, this.#last))
      if (aggregate === undefined) return // the same bytes are tried again at the next flush
      addFlowId(aggregate, this.#flowId)
      aggregate.bytesSent += sent
      aggregate.bytesReceived += received
      this.#countedSent = this.#sent
      this.#countedReceived = this.#received
    }

    close(ending?: Pick<FlowFacts, 'verdict' | 'reason' | 'policy'>): void {
      if (!live.has(this)) return
      this.flush()
      live.delete(this)
      const aggregate =
        ending === undefined
          ? presentAggregate(this.#facts, this.#last)
          : presentAggregate({ ...this.#facts, ...ending })
      addClosed(aggregate, this.#flowId)
    }
  }

  return {
    open: (facts, flowId) => new OpenFlow(facts, flowId),
    once: (facts, flowId) => {
      const aggregate = presentAggregate(facts)
      addOpened(aggregate, flowId)
      addClosed(aggregate, flowId)
    },
    take: () => {
      for (const entry of live) entry.flush()
      const taken = waiting
      waiting = new Map()
      return Array.from(taken.values(), (aggregate) => {
        aggregate.isTaken = true
        return countOf(aggregate)
      })
    },
    add: (counts, alsoLost) => {
      lost += alsoLost
      for (const { bucketStartMs, opened, closed, bytesSent, bytesReceived, ...rest } of counts) {
        const { flowIds, ...facts } = rest
        const aggregate = aggregateOf(facts, bucketStartMs)
        if (aggregate === undefined) continue
        aggregate.opened += opened
        aggregate.closed += closed
        aggregate.bytesSent += bytesSent
        aggregate.bytesReceived += bytesReceived
        for (const flowId of flowIds) addFlowId(aggregate, flowId)
      }
    },
    takeLost: () => {
      const count = lost
      lost = 0
      return count
    },
  }
}

function countOf({ facts, ...counts }: Aggregate): FlowCount {
  const { bucketStartMs, opened, closed, bytesSent, bytesReceived, flowIds } = counts
  return { ...facts, bucketStartMs, opened, closed, bytesSent, bytesReceived, flowIds }
}

function addOpened(aggregate: Aggregate | undefined, flowId: string): void {
  if (aggregate === undefined) return
  aggregate.opened++
  addFlowId(aggregate, flowId)
}

function addClosed(aggregate: Aggregate | undefined, flowId: string): void {
  if (aggregate === undefined) return
  aggregate.closed++
  addFlowId(aggregate, flowId)
}

/** Examples only: enough for the controller to stitch the two ends' reports together. */
function addFlowId(aggregate: Aggregate, flowId: string): void {
  if (aggregate.flowIds.length >= mostFlowIds) return
  if (aggregate.flowIds.includes(flowId)) return
  aggregate.flowIds.push(flowId)
}

function keyOf(facts: FlowFacts, bucketStartMs: number): string {
  return [
    bucketStartMs,
    facts.direction,
    facts.peerSpiffeId,
    facts.peerWorkloadId,
    facts.destination.host,
    facts.destination.port,
    facts.verdict,
    facts.reason,
    facts.policy,
    facts.encryption,
  ].join('\n')
}
