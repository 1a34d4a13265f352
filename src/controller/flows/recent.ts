import type { FlowHalf, FlowLink } from './half.ts'
import { assemble, type Flow } from './flow.ts'
import { addCounts } from './pending.ts'

/** The flows of the last moments, counted since this controller started: what followers are shown. */
export interface RecentFlows {
  add(half: FlowHalf, links: readonly FlowLink[]): void
  /** The flows that these halves are part of. */
  around(halfIds: readonly string[]): Flow[]
  prune(now: number): void
  readonly size: number
}

const keptMs = 120_000
const mostHalves = 100_000

interface Kept {
  half: FlowHalf
  readonly partners: Map<string, FlowLink>
}

export function createRecentFlows(): RecentFlows {
  const halves = new Map<string, Kept>()

  const remember = (link: FlowLink): void => {
    halves.get(link.egressId)?.partners.set(link.ingressId, link)
    halves.get(link.ingressId)?.partners.set(link.egressId, link)
  }

  return {
    add: (half, links) => {
      const known = halves.get(half.id)
      if (known === undefined) halves.set(half.id, { half, partners: new Map() })
      else known.half = addCounts(known.half, half)
      links.forEach(remember)
      const [oldest] = halves.keys()
      if (halves.size > mostHalves && oldest !== undefined) halves.delete(oldest)
    },
    around: (halfIds) => {
      const wanted = new Map<string, Kept>()
      const want = (id: string): Kept | undefined => {
        const kept = halves.get(id)
        if (kept !== undefined) wanted.set(id, kept)
        return kept
      }
      for (const id of halfIds) {
        // A partner's own partners decide how the two are counted.
        for (const partner of want(id)?.partners.keys() ?? []) {
          for (const next of want(partner)?.partners.keys() ?? []) want(next)
        }
      }
      const found = [...wanted.values()]
      return assemble(
        found.map(({ half }) => half),
        found.flatMap(({ partners }) => [...partners.values()]),
      )
    },
    prune: (now) => {
      for (const [id, { half }] of halves) {
        if (half.bucketStartMs <= now - keptMs) halves.delete(id)
      }
    },
    get size() {
      return halves.size
    },
  }
}
