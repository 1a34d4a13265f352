import type { SQLInputValue } from 'node:sqlite'
import type { FlowHalf } from './half.ts'

/** One row of the table of halves. */
export interface HalfRow {
  half_id: string
  bucket_start_ms: number
  direction: FlowHalf['direction']
  reporter_id: string
  reporter_spiffe_id: string
  peer_id: string
  peer_spiffe_id: string
  destination_address: string
  destination_port: number
  verdict: FlowHalf['verdict']
  reason: string
  policy: string
  encryption: FlowHalf['encryption']
  opened: number
  closed: number
  bytes_sent: number
  bytes_received: number
}

/** The columns of a half, in the order of the table. */
export function toValues(half: FlowHalf): SQLInputValue[] {
  return [
    half.id,
    half.bucketStartMs,
    half.direction,
    half.reporter.workloadId,
    half.reporter.spiffeId,
    half.peer.workloadId,
    half.peer.spiffeId,
    half.destinationAddress,
    half.destinationPort,
    half.verdict,
    half.reason,
    half.policy,
    half.encryption,
    half.opened,
    half.closed,
    half.bytesSent,
    half.bytesReceived,
  ]
}

export function fromRow(row: HalfRow): FlowHalf {
  return {
    id: row.half_id,
    bucketStartMs: row.bucket_start_ms,
    direction: row.direction,
    reporter: { workloadId: row.reporter_id, spiffeId: row.reporter_spiffe_id },
    peer: { workloadId: row.peer_id, spiffeId: row.peer_spiffe_id },
    destinationAddress: row.destination_address,
    destinationPort: row.destination_port,
    verdict: row.verdict,
    reason: row.reason,
    policy: row.policy,
    encryption: row.encryption,
    opened: row.opened,
    closed: row.closed,
    bytesSent: row.bytes_sent,
    bytesReceived: row.bytes_received,
  }
}
