import { createFloors, type Floors } from '../../identity/index.ts'
import { lastValue, nextValue } from '../store/counters.ts'
import { loadFloors, pruneFloors, putFloor } from '../store/floors.ts'
import type { Tables } from '../store/store.ts'

/** The floor list: which generations of which workloads are revoked. */
export interface FloorKeeper {
  /** The list of now; another object after each change. */
  floors(): Floors
  /**
   * Revokes the generations of a workload below `lowestGoodGeneration`, as part of a transaction.
   * Nothing holds until what it returns is called, once the transaction is durable.
   */
  raise(tables: Tables, floor: RaisedFloor): Promise<() => void>
  /** Forgets what no living certificate can be below. */
  prune(tables: Tables, now: number): Promise<void>
}

export interface RaisedFloor {
  readonly workloadId: string
  readonly lowestGoodGeneration: number
  /** The last `notAfter` of any certificate of the workload that the store knows of. */
  readonly lastNotAfterMs: number
  readonly reason: string
  readonly now: number
}

/** Kept for so much longer than the certificates live, for peers whose clock is behind. */
const slackMs = 5 * 60_000

export async function createFloorKeeper(options: {
  readonly tables: Tables
  /** The longest life of a certificate: one issued while the disk refused may be unknown after a restart. */
  readonly longestLifeMs: number
  /** Called after each change. */
  readonly onChange: () => void
}): Promise<FloorKeeper> {
  const stored = await loadFloors(options.tables)
  let current = createFloors(await lastValue(options.tables, 'floors-version'), stored)
  return {
    floors: () => current,
    raise: async (tables, { workloadId, lowestGoodGeneration, lastNotAfterMs, reason, now }) => {
      const untilMs = Math.max(lastNotAfterMs, now + options.longestLifeMs) + slackMs
      const version = await nextValue(tables, 'floors-version')
      const floor = { workloadId, lowestGoodGeneration, untilMs }
      await putFloor(tables, { ...floor, raisedAtMs: now, reason })
      return () => {
        const others = [...current.entries.values()].filter(
          (other) => other.workloadId !== workloadId,
        )
        current = createFloors(version, [...others, floor])
        options.onChange()
      }
    },
    prune: async (tables, now) => {
      const pruned = current.prune(now)
      if (pruned === current) return
      await pruneFloors(tables, now)
      // Nobody has to be told: a floor that no living certificate is below refuses nobody.
      current = pruned
    },
  }
}
