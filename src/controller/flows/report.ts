import { isIP } from 'node:net'
import { quote } from '../../base/errors.ts'
import { parseSpiffeId } from '../../identity/index.ts'
import { isDatagramPort, isTcpPort } from '../../policy/port.ts'
import { isReason } from '../../policy/reason.ts'
import type { FlowRecord__Output } from '../../rpc/generated/blazon/v1/FlowRecord.ts'
import type { FlowReport__Output } from '../../rpc/generated/blazon/v1/FlowReport.ts'
import { ControllerError } from '../controller-error.ts'
import { bucketMs, halfIdOf, type FlowEncryption, type FlowHalf, type FlowParty } from './half.ts'

/** A report that has been checked. */
export interface CheckedReport {
  readonly runId: string
  readonly sequence: number
  readonly lost: number
  readonly records: readonly CheckedRecord[]
}

export interface CheckedRecord {
  readonly half: FlowHalf
  /** Hex. */
  readonly flowIds: readonly string[]
}

const mostRecords = 10_000
const mostFlowIds = 16
const flowIdBytes = 16
const longestPolicyName = 256
/** Buckets a sidecar may deliver late, while the controller was away, and ahead of our clock. */
const oldestMs = 24 * 3_600_000
const newestMs = 5 * 60_000

const directions = { EGRESS: 'egress', INGRESS: 'ingress' } as const
const verdicts = { ALLOW: 'allow', DENY: 'deny' } as const
const encryptionNames: Readonly<Record<string, FlowEncryption>> = {
  ENCRYPTION_UNSPECIFIED: 'unknown',
  REQUIRED: 'required',
  OPTIONAL: 'optional',
  NONE: 'none',
  RELAYED: 'relayed',
}

/**
 * Checks a report and makes its halves. One end of each is the reporter itself, by its certificate;
 * the other is what it says. Throws `ControllerError`: a report is taken whole or not at all.
 */
export function checkReport(
  report: FlowReport__Output,
  reporter: FlowParty,
  now: number,
): CheckedReport {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(report.runId)) {
    throw refuse('run_id', '1 to 64 characters out of A-Z a-z 0-9 _ -', quote(report.runId))
  }
  if (report.sequence < 1) throw refuse('sequence', '1 or more', String(report.sequence))
  if (report.records.length > mostRecords) {
    throw refuse('records', `at most ${String(mostRecords)}`, String(report.records.length))
  }
  return {
    runId: report.runId,
    sequence: report.sequence,
    lost: report.lost,
    records: report.records.map((record) => checkRecord(record, reporter, now)),
  }
}

function checkRecord(record: FlowRecord__Output, reporter: FlowParty, now: number): CheckedRecord {
  const { bucketStartMs, destinationPort, destinationAddress } = record
  const isInTime = bucketStartMs > now - oldestMs && bucketStartMs < now + newestMs
  if (bucketStartMs % bucketMs !== 0 || !isInTime) {
    throw refuse('bucket_start_ms', 'a recent multiple of 10 s', String(bucketStartMs))
  }
  if (isIP(destinationAddress) === 0) {
    throw refuse('destination_address', 'an IP address', quote(destinationAddress))
  }
  if (!isTcpPort(destinationPort) && !isDatagramPort(destinationPort)) {
    throw refuse('destination_port', '1 to 65535, or one of UDP or ICMP', String(destinationPort))
  }
  if (!isReason(record.reason)) throw refuse('reason', 'a known reason', quote(record.reason))
  if (record.policy.length > longestPolicyName) {
    throw refuse('policy', 'the name of a policy', quote(record.policy))
  }
  const key = {
    bucketStartMs,
    direction: nameIn(directions, 'direction', record.direction),
    reporter,
    peer: checkPeer(record),
    destinationAddress,
    destinationPort,
    verdict: nameIn(verdicts, 'verdict', record.verdict),
    reason: record.reason,
    policy: record.policy,
    encryption: nameIn(encryptionNames, 'encryption', record.encryption),
  }
  const { opened, closed, bytesSent, bytesReceived } = record
  const half = { ...key, id: halfIdOf(key), opened, closed, bytesSent, bytesReceived }
  return { half, flowIds: checkFlowIds(record.flowIds) }
}

/** An external service by its name, or a peer that no document names. */
const externalPeer = /^external:(?:[a-z0-9._-]{1,128}|\(unlisted\))$/

function checkPeer({ peerWorkloadId, peerSpiffeId }: FlowRecord__Output): FlowParty {
  if (peerWorkloadId !== '' && !/^[0-9a-f]{32}$/.test(peerWorkloadId)) {
    throw refuse('peer_workload_id', 'a workload id of 32 hex characters', quote(peerWorkloadId))
  }
  if (peerWorkloadId === '' && externalPeer.test(peerSpiffeId)) {
    return { workloadId: '', spiffeId: peerSpiffeId }
  }
  if ((peerWorkloadId === '') !== (peerSpiffeId === '')) {
    throw refuse('peer_spiffe_id', 'a SPIFFE ID together with a workload id', quote(peerSpiffeId))
  }
  return {
    workloadId: peerWorkloadId,
    spiffeId: peerSpiffeId === '' ? '' : parseSpiffeId(peerSpiffeId),
  }
}

function checkFlowIds(flowIds: readonly Buffer[]): string[] {
  if (flowIds.length > mostFlowIds) {
    throw refuse('flow_ids', `at most ${String(mostFlowIds)}`, String(flowIds.length))
  }
  return flowIds.map((flowId) => {
    if (flowId.length !== flowIdBytes) {
      throw refuse('flow_ids', `${String(flowIdBytes)} bytes each`, String(flowId.length))
    }
    return flowId.toString('hex')
  })
}

function nameIn<Value>(
  names: Readonly<Record<string, Value>>,
  field: string,
  name: string | number,
): Value {
  const value = names[name]
  if (value === undefined) {
    throw refuse(field, `one of ${Object.keys(names).join(', ')}`, quote(String(name)))
  }
  return value
}

function refuse(field: string, expected: string, seen: string): ControllerError {
  return new ControllerError('ERR_ARGUMENT', `${field}: expected ${expected}, got ${seen}`)
}
