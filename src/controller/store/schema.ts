import type { StoredAuthority } from '../../ca/authority-store.ts'
import type { NodesTrust, NodeBindingsTrust, TrustTables, WorkloadsTrust } from './trust-tables.ts'

/**
 * The tables, as kysely sees them. Times are milliseconds since the epoch, hashes, serials and ids
 * lower-case hex, lists and maps JSON text, DER blobs bytes. Nothing here is special to SQLite.
 */
export interface Schema extends TrustTables {
  counters: CountersTable
  documents: DocumentsTable
  document_history: DocumentHistoryTable
  authorities: AuthoritiesTable
  nodes: NodesTable
  node_bindings: NodeBindingsTable
  workloads: WorkloadsTable
  workload_certificates: WorkloadCertificatesTable
  seen_keys: SeenKeysTable
  floors: FloorsTable
  join_tokens: JoinTokensTable
  join_token_uses: JoinTokenUsesTable
  administrators: AdministratorsTable
  administrator_certificates: AdministratorCertificatesTable
  audit_entries: AuditEntriesTable
  workload_labels: WorkloadLabelsTable
}

export interface CountersTable {
  name: string
  value: number
}

export interface DocumentsTable {
  kind: string
  name: string
  namespace: string
  revision: number
  spec_json: string
  author: string
  changed_at_ms: number
}

export interface DocumentHistoryTable extends DocumentsTable {
  action: 'created' | 'updated' | 'deleted'
}

export interface AuthoritiesTable {
  id: string
  kind: StoredAuthority['kind']
  state: StoredAuthority['state']
  certificate: Uint8Array | null
  sealed_key: Uint8Array
  not_before_ms: number
  not_after_ms: number
  last_leaf_not_after_ms: number
  bundle_version: number
}

export interface NodesTable extends NodesTrust {
  node_key_sha256: string
  node_key: Uint8Array
  node_id: string
  method: string
  first_seen_ms: number
  last_attested_ms: number
}

/** Which node keys a piece of evidence (a join token, later an instance) is bound to. */
export interface NodeBindingsTable extends NodeBindingsTrust {
  node_id: string
  node_key_sha256: string
  bound_at_ms: number
}

export interface WorkloadsTable extends WorkloadsTrust {
  workload_id: string
  name: string
  namespace: string
  spiffe_id: string
  node_key_sha256: string
  generation: number
  profile: Uint8Array
  attested: string
  reported: string
  schema_version: number
  standing: 'good' | 'revoked' | 'frozen'
  standing_reason: string
  created_at_ms: number
  last_not_after_ms: number
}

export interface WorkloadCertificatesTable {
  serial: string
  workload_id: string
  issue: number
  generation: number
  state: 'pending' | 'active' | 'superseded'
  csr_sha256: string
  leaf: Uint8Array
  issuer: Uint8Array
  not_before_ms: number
  not_after_ms: number
}

export interface SeenKeysTable {
  key_sha256: string
  seen_at_ms: number
}

export interface FloorsTable {
  workload_id: string
  lowest_good_generation: number
  until_ms: number
  raised_at_ms: number
  reason: string
}

export interface JoinTokensTable {
  token_id: string
  uses: number
  /** How many of the uses are gone. */
  used: number
  labels: string
  description: string
  author: string
  created_at_ms: number
  expires_at_ms: number
}

export interface JoinTokenUsesTable {
  token_id: string
  node_key_sha256: string
  workload: string
  used_at_ms: number
}

export interface AdministratorsTable {
  administrator_id: string
  name: string
  role: string
  created_at_ms: number
}

export interface AdministratorCertificatesTable {
  serial: string
  administrator_id: string
  not_after_ms: number
  issuer_key_sha256: string
}

/** One administrator's call; the hash covers the rest, and the hash of the entry before. */
export interface AuditEntriesTable {
  sequence: number
  time_ms: number
  caller: string
  method: string
  request_json: string
  outcome: string
  previous_hash: Uint8Array
  hash: Uint8Array
}

/** Labels that administrators set on one workload, beside those of documents and rules. */
export interface WorkloadLabelsTable {
  workload_id: string
  key: string
  value: string
  author: string
  set_at_ms: number
}
