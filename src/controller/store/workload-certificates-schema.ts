import { sql, type Kysely } from 'kysely'
import { createTables, type ColumnTypes } from './create-table.ts'

/**
 * Certificates of workloads, by what each was issued as. By serials, which are random, each would have
 * a page of an index to itself, and nobody looks for one.
 */
export async function workloadCertificates(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createTables(db, types, { workload_certificates: { columns, key } })
  const names = sql.join(Object.keys(columns).map((name) => sql.ref(name)))
  const kept = sql`select ${names} from certificates order by ${sql.ref('workload_id')}`
  await sql`insert into workload_certificates (${names}) ${kept}`.execute(db)
  await db.schema.dropTable('certificates').execute()
  await db.schema
    .createIndex('workload_certificates_by_end')
    .on('workload_certificates')
    .columns(['not_after_ms'])
    .execute()
}

const key = ['workload_id', 'issue']

const columns = {
  workload_id: 'text',
  issue: 'bigint',
  serial: 'text',
  generation: 'bigint',
  state: 'text',
  csr_sha256: 'text',
  leaf: 'bytes',
  issuer: 'bytes',
  not_before_ms: 'bigint',
  not_after_ms: 'bigint',
} as const
