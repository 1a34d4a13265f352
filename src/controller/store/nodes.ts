import type { NodeBindingsTable, NodesTable } from './schema.ts'
import { statement } from './statement.ts'
import type { Tables } from './store.ts'

export type NodeStanding = NodesTable['standing']

/** A machine that has been attested, known by its node key. */
export interface StoredNode {
  readonly nodeKeySha256: string
  readonly nodeKey: Buffer
  /** What its last evidence calls it, such as `join-token:<id>`. */
  readonly nodeId: string
  readonly method: string
  readonly firstSeenMs: number
  readonly lastAttestedMs: number
  /** When the key last signed for an SVID. */
  readonly lastUsedMs: number
  readonly standing: NodeStanding
  readonly standingReason: string
}

/** A node key that evidence was ever bound to, or that claimed it. */
export interface NodeBinding {
  readonly nodeId: string
  readonly nodeKeySha256: string
  readonly boundBy: NodeBindingsTable['bound_by']
  readonly boundAtMs: number
  /** Pending times of an instance, at the binding and the newest since; 0 for other nodes. */
  readonly boundPendingTimeMs: number
  readonly pendingTimeMs: number
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
    lastUsedMs: Math.max(row.last_used_ms, row.last_attested_ms),
    standing: row.standing,
    standingReason: row.standing_reason,
  }))
}

export async function putNode(tables: Tables, node: StoredNode): Promise<void> {
  await upsertNode(tables, node)
}

const upsertNode = statement((tables, node: StoredNode) => {
  const changed = {
    node_id: node.nodeId,
    method: node.method,
    last_attested_ms: node.lastAttestedMs,
    last_used_ms: node.lastUsedMs,
    standing: node.standing,
    standing_reason: node.standingReason,
  }
  return tables
    .insertInto('nodes')
    .values({
      node_key_sha256: node.nodeKeySha256,
      node_key: node.nodeKey,
      first_seen_ms: node.firstSeenMs,
      ...changed,
    })
    .onConflict((conflict) => conflict.column('node_key_sha256').doUpdateSet(changed))
})

/** Notes that a node's key has signed for an SVID. */
export async function touchNode(
  tables: Tables,
  nodeKeySha256: string,
  lastUsedMs: number,
): Promise<void> {
  await updateLastUsed(tables, { nodeKeySha256, lastUsedMs })
}

const updateLastUsed = statement(
  (tables, { nodeKeySha256, lastUsedMs }: Pick<StoredNode, 'nodeKeySha256' | 'lastUsedMs'>) =>
    tables
      .updateTable('nodes')
      .set({ last_used_ms: lastUsedMs })
      .where('node_key_sha256', '=', nodeKeySha256),
)

/** The node keys that a piece of evidence is bound to, or was claimed by. */
export async function bindingsOf(tables: Tables, nodeId: string): Promise<NodeBinding[]> {
  const rows = await selectBindings(tables, { nodeId })
  return rows.map(fromRow)
}

const selectBindings = statement((tables, { nodeId }: Pick<NodeBinding, 'nodeId'>) =>
  tables.selectFrom('node_bindings').selectAll().where('node_id', '=', nodeId),
)

/** Whether a piece of evidence is bound to a node key, or was claimed by it. */
export async function isBound(
  tables: Tables,
  nodeId: string,
  nodeKeySha256: string,
): Promise<boolean> {
  const rows = await selectBinding(tables, { nodeId, nodeKeySha256 })
  return rows.length > 0
}

const selectBinding = statement(
  (tables, { nodeId, nodeKeySha256 }: Pick<NodeBinding, 'nodeId' | 'nodeKeySha256'>) =>
    tables
      .selectFrom('node_bindings')
      .select('node_id')
      .where('node_id', '=', nodeId)
      .where('node_key_sha256', '=', nodeKeySha256),
)

export async function countBindings(tables: Tables, nodeId: string): Promise<number> {
  const [row] = await selectCount(tables, { nodeId })
  return row?.count ?? 0
}

const selectCount = statement((tables, { nodeId }: Pick<NodeBinding, 'nodeId'>) =>
  tables
    .selectFrom('node_bindings')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('node_id', '=', nodeId),
)

/** What a node key is bound to. */
export async function bindingsOfKey(tables: Tables, nodeKeySha256: string): Promise<NodeBinding[]> {
  const rows = await tables
    .selectFrom('node_bindings')
    .selectAll()
    .where('node_key_sha256', '=', nodeKeySha256)
    .execute()
  return rows.map(fromRow)
}

export async function loadBindings(tables: Tables): Promise<NodeBinding[]> {
  const rows = await tables.selectFrom('node_bindings').selectAll().execute()
  return rows.map(fromRow)
}

export async function putBinding(tables: Tables, binding: NodeBinding): Promise<void> {
  await upsertBinding(tables, binding)
}

const upsertBinding = statement((tables, binding: NodeBinding) => {
  const changed = { pending_time_ms: binding.pendingTimeMs }
  return tables
    .insertInto('node_bindings')
    .values({
      node_id: binding.nodeId,
      node_key_sha256: binding.nodeKeySha256,
      bound_at_ms: binding.boundAtMs,
      bound_by: binding.boundBy,
      bound_pending_time_ms: binding.boundPendingTimeMs,
      ...changed,
    })
    .onConflict((conflict) => conflict.columns(['node_id', 'node_key_sha256']).doUpdateSet(changed))
})

function fromRow(row: NodeBindingsTable): NodeBinding {
  return {
    nodeId: row.node_id,
    nodeKeySha256: row.node_key_sha256,
    boundBy: row.bound_by,
    boundAtMs: row.bound_at_ms,
    boundPendingTimeMs: row.bound_pending_time_ms,
    pendingTimeMs: row.pending_time_ms,
  }
}
