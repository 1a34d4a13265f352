import { portNumber, portProtocol, type PortProtocol } from '../policy/port.ts'
import { isoTime, shownBytes, shownTime } from './moment.ts'
import { spiffePath } from './spiffe-path.ts'
import type { Cell, Column } from './table.ts'
import type { Flow__Output } from '../rpc/generated/blazon/v1/Flow.ts'
import type { FlowEnd__Output } from '../rpc/generated/blazon/v1/FlowEnd.ts'

interface FlowEndView {
  readonly workloadId: string
  readonly spiffeId: string
  /** Null while this end has not reported. */
  readonly verdict: string | null
  readonly reason: string | null
  readonly policy: string | null
}

/** One flow as programs read it. */
export interface FlowView {
  readonly time: string | null
  readonly from: FlowEndView | null
  readonly to: FlowEndView | null
  readonly destinationAddress: string
  readonly protocol: PortProtocol
  /** 0 for ICMP. */
  readonly destinationPort: number
  readonly encryption: string | null
  readonly opened: number
  readonly closed: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly stitched: boolean
}

export function flowView(flow: Flow__Output): FlowView {
  return {
    time: isoTime(flow.bucketStartMs),
    from: endView(flow.from),
    to: endView(flow.to),
    destinationAddress: flow.destinationAddress,
    protocol: portProtocol(flow.destinationPort),
    destinationPort: portNumber(flow.destinationPort),
    encryption: lowerCase(flow.encryption),
    opened: flow.opened,
    closed: flow.closed,
    bytesSent: flow.bytesSent,
    bytesReceived: flow.bytesReceived,
    stitched: flow.stitched,
  }
}

function endView(end: FlowEnd__Output | null): FlowEndView | null {
  if (end === null) return null
  const { workloadId, spiffeId } = end
  return {
    workloadId,
    spiffeId,
    verdict: lowerCase(end.verdict),
    reason: end.reason === '' ? null : end.reason,
    policy: end.policy === '' ? null : end.policy,
  }
}

/** The name of an enum value as programs read it; null for "unspecified". */
function lowerCase(name: string): string | null {
  return name.endsWith('_UNSPECIFIED') ? null : name.toLowerCase()
}

/** Least widths are for `--follow`, where the header is written before any row is known. */
export const flowColumns: readonly Column[] = [
  { title: 'TIME', least: 20 },
  { title: 'FROM', least: 28 },
  { title: 'TO', least: 28 },
  { title: 'PORT', align: 'right', least: 5 },
  { title: 'EGRESS', least: 20 },
  { title: 'INGRESS', least: 20 },
  { title: 'OPENED', align: 'right' },
  { title: 'SENT', align: 'right', least: 7 },
  { title: 'RECEIVED', align: 'right' },
]

export function flowRow(flow: FlowView): Cell[] {
  return [
    flow.time === null ? '-' : shownTime(Date.parse(flow.time)),
    endName(flow.from) ?? '-',
    endName(flow.to) ?? flow.destinationAddress,
    shownPort(flow),
    endVerdict(flow.from),
    endVerdict(flow.to),
    String(flow.opened),
    shownBytes(flow.bytesSent),
    shownBytes(flow.bytesReceived),
  ]
}

/** `5432`, `udp/53`, `icmp`. */
function shownPort({ protocol, destinationPort }: FlowView): string {
  if (protocol === 'icmp') return protocol
  return protocol === 'tcp' ? String(destinationPort) : `${protocol}/${String(destinationPort)}`
}

function endName(end: FlowEndView | null): string | undefined {
  if (end === null) return undefined
  const name = end.spiffeId === '' ? end.workloadId : spiffePath(end.spiffeId)
  return name === '' ? undefined : name
}

/** The policy that decided, or why none did. */
function endVerdict(end: FlowEndView | null): Cell {
  const verdict = end?.verdict ?? null
  if (end === null || verdict === null) return { text: 'not reported', tone: 'dim' }
  const detail = end.policy ?? end.reason ?? ''
  return {
    text: `${verdict} ${detail}`.trimEnd(),
    tone: verdict === 'allow' ? 'good' : 'bad',
  }
}
