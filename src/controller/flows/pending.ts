import type { FlowBatch, FlowHalf, FlowLink, FlowLoss, FlowReporter } from '../store/flows.ts'

/** What has been reported and is not on disk yet, merged by key. */
export interface PendingFlows {
  addHalf(half: FlowHalf): void
  addLink(link: FlowLink): void
  addReporter(reporter: FlowReporter): void
  addLoss(loss: FlowLoss): void
  /** Halves, which are what takes memory. */
  readonly size: number
  readonly isEmpty: boolean
  toBatch(): FlowBatch
}

export function createPendingFlows(): PendingFlows {
  const halves = new Map<string, FlowHalf>()
  const links = new Map<string, FlowLink>()
  const reporters = new Map<string, FlowReporter>()
  const losses = new Map<string, FlowLoss>()
  return {
    addHalf: (half) => {
      const known = halves.get(half.id)
      halves.set(half.id, known === undefined ? half : addCounts(known, half))
    },
    addLink: (link) => links.set(`${link.egressId}${link.ingressId}`, link),
    addReporter: (reporter) => reporters.set(`${reporter.workloadId} ${reporter.runId}`, reporter),
    addLoss: (loss) => {
      const key = `${loss.workloadId} ${String(loss.bucketStartMs)}`
      losses.set(key, { ...loss, lost: loss.lost + (losses.get(key)?.lost ?? 0) })
    },
    get size() {
      return halves.size
    },
    get isEmpty() {
      return reporters.size === 0 && halves.size === 0
    },
    toBatch: () => ({
      halves: [...halves.values()],
      links: [...links.values()],
      reporters: [...reporters.values()],
      losses: [...losses.values()],
    }),
  }
}

/** The same half, counted once more. */
export function addCounts(known: FlowHalf, more: FlowHalf): FlowHalf {
  return {
    ...known,
    opened: known.opened + more.opened,
    closed: known.closed + more.closed,
    bytesSent: known.bytesSent + more.bytesSent,
    bytesReceived: known.bytesReceived + more.bytesReceived,
  }
}
