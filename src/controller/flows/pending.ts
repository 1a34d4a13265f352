import type { FlowBatch, FlowHalf, FlowLink, FlowLoss, FlowReporter } from './half.ts'

/** What has been reported and is not on disk yet, merged by key. */
export interface PendingFlows {
  addHalf(half: FlowHalf): void
  addLink(link: FlowLink): void
  addReporter(reporter: FlowReporter): void
  addLoss(loss: FlowLoss): void
  /** What takes memory: halves, and runs, of which a reporter can name as many. */
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
      losses.set(key, { ...loss, lost: sum(loss.lost, losses.get(key)?.lost ?? 0) })
    },
    get size() {
      return halves.size + reporters.size
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
    opened: sum(known.opened, more.opened),
    closed: sum(known.closed, more.closed),
    bytesSent: sum(known.bytesSent, more.bytesSent),
    bytesReceived: sum(known.bytesReceived, more.bytesReceived),
  }
}

/** Stays at the largest number that can be told from the next one: reporters say what they like. */
function sum(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER)
}
