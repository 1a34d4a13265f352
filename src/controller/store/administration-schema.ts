import type { Kysely } from 'kysely'
import { createTables, type ColumnTypes, type TableSet } from './create-table.ts'

/** The audit log, labels of single workloads, and who signed an administrator's certificate. */
export async function administrationSchema(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createTables(db, types, tables)
  await db.schema
    .alterTable('administrator_certificates')
    .addColumn('issuer_key_sha256', 'text', (column) => column.notNull().defaultTo(''))
    .execute()
}

const tables: TableSet = {
  audit_entries: {
    columns: {
      sequence: 'bigint',
      time_ms: 'bigint',
      caller: 'text',
      method: 'text',
      request_json: 'text',
      outcome: 'text',
      previous_hash: 'bytes',
      hash: 'bytes',
    },
    key: ['sequence'],
  },
  workload_labels: {
    columns: {
      workload_id: 'text',
      key: 'text',
      value: 'text',
      author: 'text',
      set_at_ms: 'bigint',
    },
    key: ['workload_id', 'key'],
  },
}
