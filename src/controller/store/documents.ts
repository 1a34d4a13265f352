import type { DocumentHistoryTable, DocumentsTable } from './schema.ts'
import { statement } from './statement.ts'
import type { Tables } from './store.ts'

/** A document as it is kept: its specification in canonical JSON, and who put it there when. */
export interface StoredDocument {
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly revision: number
  readonly specJson: string
  readonly author: string
  readonly changedAtMs: number
}

export async function loadDocuments(tables: Tables): Promise<StoredDocument[]> {
  const rows = await tables
    .selectFrom('documents')
    .selectAll()
    .orderBy('kind')
    .orderBy('name')
    .execute()
  return rows.map(fromRow)
}

/** Puts a document in place of the one of its kind and name, and into the history. */
export async function putDocument(
  tables: Tables,
  document: StoredDocument,
  action: 'created' | 'updated',
): Promise<void> {
  const row = toRow(document)
  await putInForce(tables, row)
  await putInHistory(tables, { ...row, action })
}

const putInForce = statement((tables, row: DocumentsTable) => {
  const { namespace, revision, spec_json, author, changed_at_ms } = row
  const changed = { namespace, revision, spec_json, author, changed_at_ms }
  return tables
    .insertInto('documents')
    .values(documentColumns(row))
    .onConflict((conflict) => conflict.columns(['kind', 'name']).doUpdateSet(changed))
})

const putInHistory = statement((tables, row: DocumentHistoryTable) =>
  tables.insertInto('document_history').values({ ...documentColumns(row), action: row.action }),
)

/** By name: a statement is built with placeholders, which cannot be enumerated. */
function documentColumns(row: DocumentsTable): DocumentsTable {
  const { kind, name, namespace, revision, spec_json, author, changed_at_ms } = row
  return { kind, name, namespace, revision, spec_json, author, changed_at_ms }
}

/** Takes a document away; `last` is what the history keeps of it, with who removed it when. */
export async function removeDocument(tables: Tables, last: StoredDocument): Promise<void> {
  await tables
    .deleteFrom('documents')
    .where('kind', '=', last.kind)
    .where('name', '=', last.name)
    .execute()
  await tables
    .insertInto('document_history')
    .values({ ...toRow(last), action: 'deleted' })
    .execute()
}

/** Every version a document has had, oldest first. */
export async function documentHistory(
  tables: Tables,
  kind: string,
  name: string,
): Promise<(StoredDocument & { readonly action: DocumentHistoryTable['action'] })[]> {
  const rows = await tables
    .selectFrom('document_history')
    .selectAll()
    .where('kind', '=', kind)
    .where('name', '=', name)
    .orderBy('revision')
    .execute()
  return rows.map((row) => ({ ...fromRow(row), action: row.action }))
}

function fromRow(row: DocumentsTable): StoredDocument {
  return {
    kind: row.kind,
    name: row.name,
    namespace: row.namespace,
    revision: row.revision,
    specJson: row.spec_json,
    author: row.author,
    changedAtMs: row.changed_at_ms,
  }
}

function toRow(document: StoredDocument): DocumentsTable {
  return {
    kind: document.kind,
    name: document.name,
    namespace: document.namespace,
    revision: document.revision,
    spec_json: document.specJson,
    author: document.author,
    changed_at_ms: document.changedAtMs,
  }
}
