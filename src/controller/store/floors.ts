import type { Tables } from './store.ts'

/** A revocation: certificates of the workload below the generation are refused until `untilMs`. */
export interface StoredFloor {
  readonly workloadId: string
  readonly lowestGoodGeneration: number
  readonly untilMs: number
  readonly raisedAtMs: number
  readonly reason: string
}

export async function loadFloors(tables: Tables): Promise<StoredFloor[]> {
  const rows = await tables.selectFrom('floors').selectAll().execute()
  return rows.map((row) => ({
    workloadId: row.workload_id,
    lowestGoodGeneration: row.lowest_good_generation,
    untilMs: row.until_ms,
    raisedAtMs: row.raised_at_ms,
    reason: row.reason,
  }))
}

export async function putFloor(tables: Tables, floor: StoredFloor): Promise<void> {
  const changed = {
    lowest_good_generation: floor.lowestGoodGeneration,
    until_ms: floor.untilMs,
    raised_at_ms: floor.raisedAtMs,
    reason: floor.reason,
  }
  await tables
    .insertInto('floors')
    .values({ workload_id: floor.workloadId, ...changed })
    .onConflict((conflict) => conflict.column('workload_id').doUpdateSet(changed))
    .execute()
}

/** Forgets floors below which no certificate is alive any more. */
export async function pruneFloors(tables: Tables, now: number): Promise<void> {
  await tables.deleteFrom('floors').where('until_ms', '<=', now).execute()
}
