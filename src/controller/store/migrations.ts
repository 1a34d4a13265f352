import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Logger } from '../../base/logger.ts'
import { administrationSchema } from './administration-schema.ts'
import { createTables, type Columns, type ColumnTypes, type TableSet } from './create-table.ts'
import { trustSchema } from './trust-schema.ts'
import { workloadCertificates } from './workload-certificates-schema.ts'

/** Every step of the schema, in order. A step that has shipped is never edited: add the next one. */
export function createMigrations(
  columns: ColumnTypes,
  log: Logger,
): Readonly<Record<string, Migration>> {
  return {
    '0001-first-schema': { up: (db) => firstSchema(db, columns) },
    '0002-trust': { up: (db) => trustSchema(db, columns) },
    '0003-administration': { up: (db) => administrationSchema(db, columns) },
    '0004-flows-apart': { up: (db) => dropFlows(db, log) },
    '0005-workload-certificates': { up: (db) => workloadCertificates(db, columns) },
    '0006-join-token-count': { up: countJoinTokenUses },
  }
}

async function firstSchema(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createTables(db, types, firstTables)
  for (const [name, table, columns, unique] of firstIndexes) {
    const index = db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns])
    await (unique ? index.unique() : index).execute()
  }
}

/** Flows have a file of their own. Those of before are few days of history, and are not moved there. */
async function dropFlows(db: Kysely<unknown>, log: Logger): Promise<void> {
  const { rows } = await sql<{
    halves: number
  }>`select count(*) as halves from flow_halves`.execute(db)
  const halves = rows[0]?.halves ?? 0
  for (const table of ['flow_links', 'flow_halves', 'flow_reporters', 'flow_losses'])
    await db.schema.dropTable(table).execute()
  if (halves > 0) log.warn({ halves }, 'flows that a former version had stored are dropped')
}

/** To count its uses anew for each enrolment takes the longer the more there are. */
async function countJoinTokenUses(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('join_tokens')
    .addColumn('used', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
  await sql`update join_tokens set used =
    (select count(*) from join_token_uses where join_token_uses.token_id = join_tokens.token_id)`.execute(
    db,
  )
}

const document: Columns = {
  kind: 'text',
  name: 'text',
  namespace: 'text',
  revision: 'bigint',
  spec_json: 'text',
  author: 'text',
  changed_at_ms: 'bigint',
}

const firstTables: TableSet = {
  counters: { columns: { name: 'text', value: 'bigint' }, key: ['name'] },
  documents: { columns: document, key: ['kind', 'name'] },
  document_history: {
    columns: { ...document, action: 'text' },
    key: ['kind', 'name', 'revision'],
  },
  authorities: {
    columns: {
      id: 'text',
      kind: 'text',
      state: 'text',
      certificate: 'bytes?',
      sealed_key: 'bytes',
      not_before_ms: 'bigint',
      not_after_ms: 'bigint',
      last_leaf_not_after_ms: 'bigint',
      bundle_version: 'bigint',
    },
    key: ['id'],
  },
  nodes: {
    columns: {
      node_key_sha256: 'text',
      node_key: 'bytes',
      node_id: 'text',
      method: 'text',
      first_seen_ms: 'bigint',
      last_attested_ms: 'bigint',
    },
    key: ['node_key_sha256'],
  },
  node_bindings: {
    columns: { node_id: 'text', node_key_sha256: 'text', bound_at_ms: 'bigint' },
    key: ['node_id', 'node_key_sha256'],
  },
  workloads: {
    columns: {
      workload_id: 'text',
      name: 'text',
      namespace: 'text',
      spiffe_id: 'text',
      node_key_sha256: 'text',
      generation: 'bigint',
      profile: 'bytes',
      attested: 'text',
      reported: 'text',
      schema_version: 'integer',
      standing: 'text',
      standing_reason: 'text',
      created_at_ms: 'bigint',
      last_not_after_ms: 'bigint',
    },
    key: ['workload_id'],
  },
  certificates: {
    columns: {
      serial: 'text',
      workload_id: 'text',
      issue: 'bigint',
      generation: 'bigint',
      state: 'text',
      csr_sha256: 'text',
      leaf: 'bytes',
      issuer: 'bytes',
      not_before_ms: 'bigint',
      not_after_ms: 'bigint',
    },
    key: ['serial'],
  },
  seen_keys: { columns: { key_sha256: 'text', seen_at_ms: 'bigint' }, key: ['key_sha256'] },
  floors: {
    columns: {
      workload_id: 'text',
      lowest_good_generation: 'bigint',
      until_ms: 'bigint',
      raised_at_ms: 'bigint',
      reason: 'text',
    },
    key: ['workload_id'],
  },
  join_tokens: {
    columns: {
      token_id: 'text',
      uses: 'integer',
      labels: 'text',
      description: 'text',
      author: 'text',
      created_at_ms: 'bigint',
      expires_at_ms: 'bigint',
    },
    key: ['token_id'],
  },
  join_token_uses: {
    columns: { token_id: 'text', node_key_sha256: 'text', workload: 'text', used_at_ms: 'bigint' },
    key: ['token_id', 'node_key_sha256', 'workload'],
  },
  administrators: {
    columns: { administrator_id: 'text', name: 'text', role: 'text', created_at_ms: 'bigint' },
    key: ['administrator_id'],
  },
  administrator_certificates: {
    columns: { serial: 'text', administrator_id: 'text', not_after_ms: 'bigint' },
    key: ['serial'],
  },
  flow_halves: {
    columns: {
      half_id: 'text',
      bucket_start_ms: 'bigint',
      direction: 'text',
      reporter_id: 'text',
      reporter_spiffe_id: 'text',
      peer_id: 'text',
      peer_spiffe_id: 'text',
      destination_address: 'text',
      destination_port: 'integer',
      verdict: 'text',
      reason: 'text',
      policy: 'text',
      encryption: 'text',
      opened: 'bigint',
      closed: 'bigint',
      bytes_sent: 'bigint',
      bytes_received: 'bigint',
    },
    key: ['half_id'],
  },
  flow_links: {
    columns: { egress_half_id: 'text', ingress_half_id: 'text' },
    key: ['egress_half_id', 'ingress_half_id'],
  },
  flow_reporters: {
    columns: { workload_id: 'text', run_id: 'text', sequence: 'bigint', reported_at_ms: 'bigint' },
    key: ['workload_id', 'run_id'],
  },
  flow_losses: {
    columns: { workload_id: 'text', bucket_start_ms: 'bigint', lost: 'bigint' },
    key: ['workload_id', 'bucket_start_ms'],
  },
}

const firstIndexes: readonly (readonly [string, string, readonly string[], boolean])[] = [
  ['workloads_of_node', 'workloads', ['node_key_sha256', 'name'], true],
  ['certificates_of_workload', 'certificates', ['workload_id', 'issue'], true],
  ['certificates_by_end', 'certificates', ['not_after_ms'], false],
  ['seen_keys_by_age', 'seen_keys', ['seen_at_ms'], false],
  ['flow_halves_by_time', 'flow_halves', ['bucket_start_ms'], false],
  ['flow_links_by_ingress', 'flow_links', ['ingress_half_id'], false],
]
