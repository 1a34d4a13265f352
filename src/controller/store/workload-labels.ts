import { statement } from './statement.ts'
import type { Tables } from './store.ts'

/** One label that an administrator set on one workload. */
export interface StoredLabel {
  readonly workloadId: string
  /** Without `label.` before it. */
  readonly key: string
  readonly value: string
  readonly author: string
  readonly setAtMs: number
}

export async function loadWorkloadLabels(tables: Tables): Promise<StoredLabel[]> {
  const rows = await tables
    .selectFrom('workload_labels')
    .selectAll()
    .orderBy('workload_id')
    .orderBy('key')
    .execute()
  return rows.map((row) => ({
    workloadId: row.workload_id,
    key: row.key,
    value: row.value,
    author: row.author,
    setAtMs: row.set_at_ms,
  }))
}

/** Sets a label in place of the one with its key. */
export async function putWorkloadLabel(tables: Tables, label: StoredLabel): Promise<void> {
  const changed = { value: label.value, author: label.author, set_at_ms: label.setAtMs }
  await tables
    .insertInto('workload_labels')
    .values({ workload_id: label.workloadId, key: label.key, ...changed })
    .onConflict((conflict) => conflict.columns(['workload_id', 'key']).doUpdateSet(changed))
    .execute()
}

export async function removeWorkloadLabel(
  tables: Tables,
  workloadId: string,
  key: string,
): Promise<void> {
  await tables
    .deleteFrom('workload_labels')
    .where('workload_id', '=', workloadId)
    .where('key', '=', key)
    .execute()
}

/** All that were set on one workload. */
export async function removeWorkloadLabels(tables: Tables, workloadId: string): Promise<void> {
  await deleteLabels(tables, { workloadId })
}

const deleteLabels = statement((tables, { workloadId }: Pick<StoredLabel, 'workloadId'>) =>
  tables.deleteFrom('workload_labels').where('workload_id', '=', workloadId),
)
