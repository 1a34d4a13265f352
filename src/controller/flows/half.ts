import { hash } from 'node:crypto'

/** Length of one bucket of flows. */
export const bucketMs = 10_000

/** One end's count of one kind of connection in one bucket. */
export interface FlowHalf {
  /** Made of everything but the counts; see `halfIdOf`. */
  readonly id: string
  readonly bucketStartMs: number
  readonly direction: 'egress' | 'ingress'
  readonly reporter: FlowParty
  /** What the reporter says of the other end; the id is empty where no peer was proven to it. */
  readonly peer: FlowParty
  readonly destinationAddress: string
  readonly destinationPort: number
  readonly verdict: 'allow' | 'deny'
  readonly reason: string
  readonly policy: string
  readonly encryption: FlowEncryption
  readonly opened: number
  readonly closed: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

export type FlowEncryption = 'unknown' | 'required' | 'optional' | 'none' | 'relayed'

export interface FlowParty {
  readonly workloadId: string
  readonly spiffeId: string
}

/** Two halves that share a flow id: what each says of the other is no longer alleged. */
export interface FlowLink {
  readonly egressId: string
  readonly ingressId: string
}

/** How far one sidecar process has reported. */
export interface FlowReporter {
  readonly workloadId: string
  readonly runId: string
  readonly sequence: number
  readonly reportedAtMs: number
}

export interface FlowLoss {
  readonly workloadId: string
  readonly bucketStartMs: number
  readonly lost: number
}

/** What one batch adds: counts are added to what is there, sequences replace it. */
export interface FlowBatch {
  readonly halves: readonly FlowHalf[]
  readonly links: readonly FlowLink[]
  readonly reporters: readonly FlowReporter[]
  readonly losses: readonly FlowLoss[]
}

/** A half without what is counted. */
export type HalfKey = Omit<FlowHalf, 'id' | 'opened' | 'closed' | 'bytesSent' | 'bytesReceived'>

/**
 * The same kind of connection in the same bucket has the same id, in whatever report it comes. Ids
 * begin with their time, so that a table in their order is written at its end and pruned at its
 * beginning.
 */
export function halfIdOf(key: HalfKey): string {
  const parts = [
    key.bucketStartMs,
    key.direction,
    key.reporter.workloadId,
    key.peer.workloadId,
    key.peer.spiffeId,
    key.destinationAddress,
    key.destinationPort,
    key.verdict,
    key.reason,
    key.policy,
    key.encryption,
  ]
  return firstIdAt(key.bucketStartMs) + hash('sha256', JSON.stringify(parts)).slice(0, 32)
}

/** What sorts before every id of that time and later, and after all that are older. */
export function firstIdAt(ms: number): string {
  return Math.min(Math.max(Math.floor(ms), 0), 0xffff_ffff_ffff)
    .toString(16)
    .padStart(12, '0')
}
