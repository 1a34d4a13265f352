import type { Tables } from './store.ts'

/** A machine that has been attested, known by its node key. */
export interface StoredNode {
  readonly nodeKeySha256: string
  readonly nodeKey: Buffer
  /** What its last evidence calls it, such as `join-token:<id>`. */
  readonly nodeId: string
  readonly method: string
  readonly firstSeenMs: number
  readonly lastAttestedMs: number
}

export async function loadNodes(tables: Tables): Promise<StoredNode[]> {
  const rows = await tables.selectFrom('nodes').selectAll().execute()
  return rows.map((row) => ({
    nodeKeySha256: row.node_key_sha256,
    nodeKey: Buffer.from(row.node_key),
    nodeId: row.node_id,
    method: row.method,
    firstSeenMs: row.first_seen_ms,
    lastAttestedMs: row.last_attested_ms,
  }))
}

export async function putNode(tables: Tables, node: StoredNode): Promise<void> {
  const changed = {
    node_id: node.nodeId,
    method: node.method,
    last_attested_ms: node.lastAttestedMs,
  }
  await tables
    .insertInto('nodes')
    .values({
      node_key_sha256: node.nodeKeySha256,
      node_key: node.nodeKey,
      first_seen_ms: node.firstSeenMs,
      ...changed,
    })
    .onConflict((conflict) => conflict.column('node_key_sha256').doUpdateSet(changed))
    .execute()
}

/** The node keys that a piece of evidence is bound to. */
export async function boundKeys(tables: Tables, nodeId: string): Promise<string[]> {
  const rows = await tables
    .selectFrom('node_bindings')
    .select('node_key_sha256')
    .where('node_id', '=', nodeId)
    .execute()
  return rows.map((row) => row.node_key_sha256)
}

export async function bindKey(
  tables: Tables,
  nodeId: string,
  nodeKeySha256: string,
  now: number,
): Promise<void> {
  await tables
    .insertInto('node_bindings')
    .values({ node_id: nodeId, node_key_sha256: nodeKeySha256, bound_at_ms: now })
    .execute()
}
