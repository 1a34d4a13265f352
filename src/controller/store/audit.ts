import type { AuditEntry, AuditLink } from '../../audit/index.ts'
import type { AuditEntriesTable } from './schema.ts'
import type { Tables } from './store.ts'

/** Adds entries to the audit log; `ERR_STORE_CONFLICT` where one of that number is there. */
export async function appendAudit(tables: Tables, entries: readonly AuditEntry[]): Promise<void> {
  for (const entry of entries) {
    await tables
      .insertInto('audit_entries')
      .values({
        sequence: entry.sequence,
        time_ms: entry.timeMs,
        caller: entry.caller,
        method: entry.method,
        request_json: entry.requestJson,
        outcome: entry.outcome,
        previous_hash: entry.previousHash,
        hash: entry.hash,
      })
      .execute()
  }
}

/** The last entry; undefined in an empty log. */
export async function lastAuditLink(tables: Tables): Promise<AuditLink | undefined> {
  const row = await tables
    .selectFrom('audit_entries')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : { sequence: row.sequence, hash: Buffer.from(row.hash) }
}

/** Up to `limit` entries from a sequence number on, in order. */
export async function readAuditEntries(
  tables: Tables,
  fromSequence: number,
  limit: number,
): Promise<AuditEntry[]> {
  const rows = await tables
    .selectFrom('audit_entries')
    .selectAll()
    .where('sequence', '>=', fromSequence)
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

function fromRow(row: AuditEntriesTable): AuditEntry {
  return {
    sequence: row.sequence,
    timeMs: row.time_ms,
    caller: row.caller,
    method: row.method,
    requestJson: row.request_json,
    outcome: row.outcome,
    previousHash: Buffer.from(row.previous_hash),
    hash: Buffer.from(row.hash),
  }
}
