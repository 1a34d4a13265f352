import type { Kysely } from 'kysely'
import { createTables, type ColumnTypes, type TableSet } from './create-table.ts'

/** Accounts, grants and incidents, and what is remembered of nodes to tell two claimants apart. */
export async function trustSchema(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createTables(db, types, trustTables)
  for (const [table, columns] of Object.entries(addedColumns)) {
    for (const [name, type, value] of columns) {
      await db.schema
        .alterTable(table)
        .addColumn(name, type, (column) => column.notNull().defaultTo(value))
        .execute()
    }
  }
  await db.schema
    .createIndex('node_bindings_by_key')
    .on('node_bindings')
    .columns(['node_key_sha256'])
    .execute()
}

const trustTables: TableSet = {
  accounts: {
    columns: {
      account_id: 'text',
      name: 'text',
      verified: 'text',
      arn: 'text',
      tags_trusted: 'integer',
      author: 'text',
      changed_at_ms: 'bigint',
    },
    key: ['account_id'],
  },
  grants: {
    columns: {
      node_id: 'text',
      reason: 'text',
      author: 'text',
      granted_at_ms: 'bigint',
      expires_at_ms: 'bigint',
    },
    key: ['node_id'],
  },
  incidents: {
    columns: {
      incident_id: 'text',
      kind: 'text',
      subject: 'text',
      summary: 'text',
      details: 'text',
      opened_at_ms: 'bigint',
      last_seen_ms: 'bigint',
      times: 'bigint',
      resolved_at_ms: 'bigint',
      resolved_by: 'text',
      resolution: 'text',
    },
    key: ['incident_id'],
  },
}

const addedColumns: Readonly<
  Record<string, readonly (readonly [string, 'text' | 'bigint', string | number])[]>
> = {
  nodes: [
    ['standing', 'text', 'good'],
    ['standing_reason', 'text', ''],
    ['last_used_ms', 'bigint', 0],
  ],
  node_bindings: [
    ['bound_by', 'text', 'evidence'],
    ['bound_pending_time_ms', 'bigint', 0],
    ['pending_time_ms', 'bigint', 0],
  ],
  workloads: [['document_form', 'text', '']],
}
