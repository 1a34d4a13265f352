import type { FlowEncryption, FlowHalf, FlowLink, FlowParty } from './half.ts'

/** One kind of connection between two workloads, as far as its two ends have told of it. */
export interface Flow {
  readonly bucketStartMs: number
  readonly from: FlowEnd
  readonly to: FlowEnd
  readonly destinationAddress: string
  readonly destinationPort: number
  readonly encryption: FlowEncryption
  readonly opened: number
  readonly closed: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Both ends reported the same flow id; otherwise the end without a verdict is alleged. */
  readonly stitched: boolean
}

export interface FlowEnd extends FlowParty {
  /** Undefined where this end has not reported. */
  readonly verdict: 'allow' | 'deny' | undefined
  readonly reason: string
  readonly policy: string
}

/** A flow counts as denied when either end denies it, and as allowed when no end does. */
export function hasVerdict({ from, to }: Flow, verdict: 'allow' | 'deny' | undefined): boolean {
  const isDenied = from.verdict === 'deny' || to.verdict === 'deny'
  return verdict === undefined || isDenied === (verdict === 'deny')
}

/**
 * Makes flows out of halves: a half that no other end confirms stands alone. The ingress is the end
 * that saw a stitched connection last, so its counts are the flow's; what an egress that is stitched
 * to several ingress halves says is shown with each of them and counted with none.
 */
export function assemble(halves: Iterable<FlowHalf>, links: Iterable<FlowLink>): Flow[] {
  const byId = new Map(Array.from(halves, (half) => [half.id, half]))
  const partners = linkedPairs(byId, links)
  const flows: Flow[] = []
  for (const half of byId.values()) {
    const linked = partners.get(half.id) ?? []
    if (linked.length === 0) flows.push(alone(half))
    else if (half.direction === 'ingress')
      flows.push(together(nearest(half, linked), half, partners))
  }
  return flows
}

function linkedPairs(
  byId: ReadonlyMap<string, FlowHalf>,
  links: Iterable<FlowLink>,
): Map<string, FlowHalf[]> {
  const partners = new Map<string, FlowHalf[]>()
  const add = (id: string, partner: FlowHalf): void => {
    const known = partners.get(id)
    if (known === undefined) partners.set(id, [partner])
    // A link may be found at both of its ends.
    else if (!known.includes(partner)) known.push(partner)
  }
  for (const { egressId, ingressId } of links) {
    const egress = byId.get(egressId)
    const ingress = byId.get(ingressId)
    if (egress === undefined || ingress === undefined) continue
    add(egressId, ingress)
    add(ingressId, egress)
  }
  return partners
}

/** The two clocks may put one connection into neighbouring buckets. */
function nearest(half: FlowHalf, linked: readonly FlowHalf[]): FlowHalf {
  return linked.reduce((best, one) =>
    Math.abs(one.bucketStartMs - half.bucketStartMs) <
    Math.abs(best.bucketStartMs - half.bucketStartMs)
      ? one
      : best,
  )
}

function endOf(half: FlowHalf): FlowEnd {
  return { ...half.reporter, verdict: half.verdict, reason: half.reason, policy: half.policy }
}

function allegedEnd(half: FlowHalf): FlowEnd {
  return { ...half.peer, verdict: undefined, reason: '', policy: '' }
}

function alone(half: FlowHalf): Flow {
  const isEgress = half.direction === 'egress'
  return {
    ...countsOf(half, half),
    bucketStartMs: half.bucketStartMs,
    from: isEgress ? endOf(half) : allegedEnd(half),
    to: isEgress ? allegedEnd(half) : endOf(half),
    destinationAddress: half.destinationAddress,
    destinationPort: half.destinationPort,
    encryption: half.encryption,
    stitched: false,
  }
}

function together(
  egress: FlowHalf,
  ingress: FlowHalf,
  partners: ReadonlyMap<string, readonly FlowHalf[]>,
): Flow {
  const isPair = partners.get(egress.id)?.length === 1 && partners.get(ingress.id)?.length === 1
  return {
    ...countsOf(ingress, isPair ? egress : ingress),
    bucketStartMs: ingress.bucketStartMs,
    from: endOf(egress),
    to: endOf(ingress),
    destinationAddress: egress.destinationAddress,
    destinationPort: egress.destinationPort,
    encryption: ingress.encryption,
    stitched: true,
  }
}

/** Two counts of the same connections: one end may have missed some, neither invents any. */
function countsOf(
  a: FlowHalf,
  b: FlowHalf,
): Pick<Flow, 'opened' | 'closed' | 'bytesSent' | 'bytesReceived'> {
  return {
    opened: Math.max(a.opened, b.opened),
    closed: Math.max(a.closed, b.closed),
    bytesSent: Math.max(a.bytesSent, b.bytesSent),
    bytesReceived: Math.max(a.bytesReceived, b.bytesReceived),
  }
}
