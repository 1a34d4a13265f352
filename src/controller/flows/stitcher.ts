import { bucketMs, type FlowHalf, type FlowLink } from './half.ts'

/** Finds the halves of one connection by the flow id that its two sidecars exchanged. */
export interface Stitcher {
  /** Takes note of a half and the ids it gives as examples; answers with the links that follow. */
  add(half: FlowHalf, flowIds: readonly string[], now: number): FlowLink[]
  /** Forgets ids that nobody has mentioned for a while. */
  prune(now: number): void
  readonly size: number
}

interface Sightings {
  readonly egress: FlowHalf[]
  readonly ingress: FlowHalf[]
  lastSeenMs: number
}

const keptMs = 60_000
/** Buckets of one long connection that are remembered for each end. */
const halvesPerEnd = 8

export function createStitcher(maxFlowIds = 200_000): Stitcher {
  // Map order is insertion order and every sighting re-inserts, so the oldest come first.
  const sightings = new Map<string, Sightings>()

  const sightingOf = (flowId: string, now: number): Sightings => {
    const known = sightings.get(flowId) ?? { egress: [], ingress: [], lastSeenMs: now }
    known.lastSeenMs = now
    sightings.delete(flowId)
    sightings.set(flowId, known)
    if (sightings.size > maxFlowIds) {
      const [oldest = flowId] = sightings.keys()
      sightings.delete(oldest)
    }
    return known
  }

  return {
    add: (half, flowIds, now) => {
      const links: FlowLink[] = []
      for (const flowId of flowIds) {
        const seen = sightingOf(flowId, now)
        remember(seen[half.direction], half)
        for (const other of counterparts(half, seen)) links.push(linkOf(half, other))
      }
      return links
    },
    prune: (now) => {
      for (const [flowId, { lastSeenMs }] of sightings) {
        if (lastSeenMs > now - keptMs) return
        sightings.delete(flowId)
      }
    },
    get size() {
      return sightings.size
    },
  }
}

function remember(list: FlowHalf[], half: FlowHalf): void {
  if (list.some((one) => one.id === half.id)) return
  if (list.length === halvesPerEnd) list.shift()
  list.push(half)
}

/**
 * The other end's halves that tell of the same connection at the same time. Knowing a flow id is
 * not enough: each end must name the other, or a third workload could confirm what it never saw.
 */
function counterparts(half: FlowHalf, seen: Sightings): FlowHalf[] {
  const others = (half.direction === 'egress' ? seen.ingress : seen.egress).filter(
    (other) =>
      other.peer.workloadId === half.reporter.workloadId &&
      half.peer.workloadId === other.reporter.workloadId &&
      Math.abs(other.bucketStartMs - half.bucketStartMs) <= bucketMs,
  )
  const sameBucket = others.filter((other) => other.bucketStartMs === half.bucketStartMs)
  return sameBucket.length > 0 ? sameBucket : others
}

function linkOf(half: FlowHalf, other: FlowHalf): FlowLink {
  return half.direction === 'egress'
    ? { egressId: half.id, ingressId: other.id }
    : { egressId: other.id, ingressId: half.id }
}
