import { readJson } from './json.ts'
import { statement } from './statement.ts'
import type { Tables } from './store.ts'

/** A join token that was handed out; the token itself is not kept. */
export interface StoredJoinToken {
  readonly tokenId: string
  /** How many workloads may enrol with it. */
  readonly uses: number
  readonly labels: Readonly<Record<string, string>>
  readonly description: string
  readonly author: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

export async function putJoinToken(tables: Tables, token: StoredJoinToken): Promise<void> {
  await tables
    .insertInto('join_tokens')
    .values({
      token_id: token.tokenId,
      uses: token.uses,
      used: 0,
      labels: JSON.stringify(token.labels),
      description: token.description,
      author: token.author,
      created_at_ms: token.createdAtMs,
      expires_at_ms: token.expiresAtMs,
    })
    .execute()
}

export async function findJoinToken(
  tables: Tables,
  tokenId: string,
): Promise<StoredJoinToken | undefined> {
  const [row] = await selectToken(tables, { tokenId })
  if (row === undefined) return undefined
  return {
    tokenId: row.token_id,
    uses: row.uses,
    labels: readJson(row.labels) as Readonly<Record<string, string>>,
    description: row.description,
    author: row.author,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
  }
}

const selectToken = statement((tables, { tokenId }: Pick<StoredJoinToken, 'tokenId'>) =>
  tables.selectFrom('join_tokens').selectAll().where('token_id', '=', tokenId),
)

/** Forgets tokens that expired before, with their uses. */
export async function pruneJoinTokens(tables: Tables, expiredBefore: number): Promise<void> {
  await tables
    .deleteFrom('join_token_uses')
    .where('token_id', 'in', (eb) =>
      eb.selectFrom('join_tokens').select('token_id').where('expires_at_ms', '<', expiredBefore),
    )
    .execute()
  await tables.deleteFrom('join_tokens').where('expires_at_ms', '<', expiredBefore).execute()
}

/** A workload on a node that enrols with a token. */
export interface JoinTokenUse {
  readonly tokenId: string
  readonly nodeKeySha256: string
  readonly workload: string
  readonly now: number
}

/**
 * Counts one use of a token: a workload on a node counts once, so that a restart which has lost its
 * SVID but kept its node key can come back. False when no use is left, or there is no such token.
 */
export async function useJoinToken(tables: Tables, use: JoinTokenUse): Promise<boolean> {
  const own = await selectUse(tables, use)
  if (own.length > 0) return true
  const counted = await countUse(tables, use)
  if (counted.length === 0) return false
  await insertUse(tables, use)
  return true
}

const selectUse = statement((tables, use: JoinTokenUse) =>
  tables
    .selectFrom('join_token_uses')
    .select('token_id')
    .where('token_id', '=', use.tokenId)
    .where('node_key_sha256', '=', use.nodeKeySha256)
    .where('workload', '=', use.workload),
)

const countUse = statement((tables, { tokenId }: JoinTokenUse) =>
  tables
    .updateTable('join_tokens')
    .set((eb) => ({ used: eb('used', '+', 1) }))
    .where('token_id', '=', tokenId)
    .whereRef('used', '<', 'uses')
    .returning('used'),
)

const insertUse = statement((tables, use: JoinTokenUse) =>
  tables.insertInto('join_token_uses').values({
    token_id: use.tokenId,
    node_key_sha256: use.nodeKeySha256,
    workload: use.workload,
    used_at_ms: use.now,
  }),
)
