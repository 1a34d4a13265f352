import type { DocumentForm } from '../../policy/enrolment-rule.ts'
import { readJson, type StoredAttribute } from './json.ts'
import type { WorkloadsTable } from './schema.ts'
import { statement } from './statement.ts'
import type { Tables } from './store.ts'

export type Standing = WorkloadsTable['standing']

/** A workload: what it is called, what it last said of itself, and what it was last issued. */
export interface StoredWorkload {
  readonly workloadId: string
  readonly name: string
  readonly namespace: string
  readonly spiffeId: string
  readonly nodeKeySha256: string
  readonly generation: number
  /** Canonical DER of the full profile. */
  readonly profile: Buffer
  /** What evidence proved when it last attested. */
  readonly attested: readonly StoredAttribute[]
  /** What the sidecar last reported, before any rule. */
  readonly reported: readonly StoredAttribute[]
  readonly schemaVersion: number
  /** The form of the instance identity document it attested with; empty for other evidence. */
  readonly documentForm: DocumentForm | ''
  /** `revoked` and `frozen` workloads get no SVID until an administrator reinstates them. */
  readonly standing: Standing
  readonly standingReason: string
  readonly createdAtMs: number
  /** When the last certificate that it was ever issued ends. */
  readonly lastNotAfterMs: number
}

export async function loadWorkloads(tables: Tables): Promise<StoredWorkload[]> {
  const rows = await tables.selectFrom('workloads').selectAll().execute()
  return rows.map((row) => ({
    workloadId: row.workload_id,
    name: row.name,
    namespace: row.namespace,
    spiffeId: row.spiffe_id,
    nodeKeySha256: row.node_key_sha256,
    generation: row.generation,
    profile: Buffer.from(row.profile),
    attested: readJson(row.attested) as readonly StoredAttribute[],
    reported: readJson(row.reported) as readonly StoredAttribute[],
    schemaVersion: row.schema_version,
    documentForm: row.document_form,
    standing: row.standing,
    standingReason: row.standing_reason,
    createdAtMs: row.created_at_ms,
    lastNotAfterMs: row.last_not_after_ms,
  }))
}

export async function putWorkload(tables: Tables, workload: StoredWorkload): Promise<void> {
  const attested = JSON.stringify(workload.attested)
  const reported = JSON.stringify(workload.reported)
  await upsertWorkload(tables, { ...workload, attested, reported })
}

export async function removeWorkload(tables: Tables, workloadId: string): Promise<void> {
  await deleteWorkload(tables, { workloadId })
}

const deleteWorkload = statement((tables, { workloadId }: Pick<StoredWorkload, 'workloadId'>) =>
  tables.deleteFrom('workloads').where('workload_id', '=', workloadId),
)

interface WorkloadValues extends Omit<StoredWorkload, 'attested' | 'reported'> {
  readonly attested: string
  readonly reported: string
}

const upsertWorkload = statement((tables, workload: WorkloadValues) => {
  const changed = {
    spiffe_id: workload.spiffeId,
    generation: workload.generation,
    profile: workload.profile,
    attested: workload.attested,
    reported: workload.reported,
    schema_version: workload.schemaVersion,
    document_form: workload.documentForm,
    standing: workload.standing,
    standing_reason: workload.standingReason,
    last_not_after_ms: workload.lastNotAfterMs,
  }
  return tables
    .insertInto('workloads')
    .values({
      workload_id: workload.workloadId,
      name: workload.name,
      namespace: workload.namespace,
      node_key_sha256: workload.nodeKeySha256,
      created_at_ms: workload.createdAtMs,
      ...changed,
    })
    .onConflict((conflict) => conflict.column('workload_id').doUpdateSet(changed))
})
