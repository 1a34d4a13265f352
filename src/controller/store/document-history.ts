import type { DocumentHistoryTable } from './schema.ts'
import type { Tables } from './store.ts'

/** One version that a document has had; of a deleted one, what was deleted. */
export interface DocumentVersion {
  readonly revision: number
  readonly namespace: string
  readonly specJson: string
  readonly author: string
  readonly changedAtMs: number
  readonly action: DocumentHistoryTable['action']
}

/** The newest versions of a document, newest first. */
export async function newestVersions(
  tables: Tables,
  kind: string,
  name: string,
  limit: number,
): Promise<DocumentVersion[]> {
  const rows = await tables
    .selectFrom('document_history')
    .selectAll()
    .where('kind', '=', kind)
    .where('name', '=', name)
    .orderBy('revision', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    revision: row.revision,
    namespace: row.namespace,
    specJson: row.spec_json,
    author: row.author,
    changedAtMs: row.changed_at_ms,
    action: row.action,
  }))
}
