/** A floor to be raised later. */
export interface PlannedFloor {
  readonly workloadId: string
  readonly generation: number
}

/**
 * Remembers which floors are to be raised once a workload has had the time to move to its newer
 * certificate: raised at once, its open connections would be cut by its own renewal.
 */
export interface FloorCatchUp {
  /** Keeps the earlier time where one is planned for this generation already. */
  plan(workloadId: string, generation: number, dueMs: number): void
  /** Takes back a plan for a generation that was not issued after all. */
  cancel(workloadId: string, generation: number): void
  /** Takes out what is due. */
  due(now: number): readonly PlannedFloor[]
  readonly size: number
}

export function createFloorCatchUp(): FloorCatchUp {
  const plans = new Map<string, PlannedFloor & { readonly dueMs: number }>()
  const keyOf = (workloadId: string, generation: number): string =>
    `${workloadId} ${String(generation)}`
  return {
    plan: (workloadId, generation, dueMs) => {
      const key = keyOf(workloadId, generation)
      const known = plans.get(key)
      if (known !== undefined && known.dueMs <= dueMs) return
      plans.set(key, { workloadId, generation, dueMs })
    },
    cancel: (workloadId, generation) => {
      plans.delete(keyOf(workloadId, generation))
    },
    due: (now) => {
      const found = [...plans.entries()].filter(([, { dueMs }]) => dueMs <= now)
      for (const [key] of found) plans.delete(key)
      return found.map(([, { workloadId, generation }]) => ({ workloadId, generation }))
    },
    get size() {
      return plans.size
    },
  }
}
