import type { Tables } from './store.ts'

/** An operator's word that an instance is what it says, good for one binding of a node key. */
export interface StoredGrant {
  readonly nodeId: string
  readonly reason: string
  readonly author: string
  readonly grantedAtMs: number
  readonly expiresAtMs: number
}

/** Grants anew: an earlier grant for the instance is replaced. */
export async function putGrant(tables: Tables, grant: StoredGrant): Promise<void> {
  const changed = {
    reason: grant.reason,
    author: grant.author,
    granted_at_ms: grant.grantedAtMs,
    expires_at_ms: grant.expiresAtMs,
  }
  await tables
    .insertInto('grants')
    .values({ node_id: grant.nodeId, ...changed })
    .onConflict((conflict) => conflict.column('node_id').doUpdateSet(changed))
    .execute()
}

export async function hasGrant(tables: Tables, nodeId: string, now: number): Promise<boolean> {
  const row = await tables
    .selectFrom('grants')
    .select('node_id')
    .where('node_id', '=', nodeId)
    .where('expires_at_ms', '>', now)
    .executeTakeFirst()
  return row !== undefined
}

/** A grant is good once, whether the binding needed it or not. */
export async function useGrant(tables: Tables, nodeId: string): Promise<void> {
  await tables.deleteFrom('grants').where('node_id', '=', nodeId).execute()
}

export async function pruneGrants(tables: Tables, now: number): Promise<void> {
  await tables.deleteFrom('grants').where('expires_at_ms', '<=', now).execute()
}
