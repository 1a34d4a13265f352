import type { CreateTableBuilder, Kysely } from 'kysely'

/** A column type that differs between databases; everything else in the migrations is portable. */
export interface ColumnTypes {
  readonly bytes: 'blob' | 'bytea'
}

export const sqliteColumns: ColumnTypes = { bytes: 'blob' }

/** Columns by name; `?` may be null, the others may not. */
export type Columns = Readonly<Record<string, 'text' | 'bigint' | 'integer' | 'bytes' | 'bytes?'>>

/** Tables by name, as a migration adds them. */
export type TableSet = Readonly<
  Record<string, { readonly columns: Columns; readonly key: readonly string[] }>
>

export async function createTables(
  db: Kysely<unknown>,
  types: ColumnTypes,
  tables: TableSet,
): Promise<void> {
  for (const [name, { columns, key }] of Object.entries(tables)) {
    await createTable(db, types, name, columns, key)
  }
}

async function createTable(
  db: Kysely<unknown>,
  types: ColumnTypes,
  name: string,
  columns: Columns,
  key: readonly string[],
): Promise<void> {
  let table: CreateTableBuilder<string> = db.schema.createTable(name)
  for (const [column, type] of Object.entries(columns)) {
    const kind = type === 'bytes' || type === 'bytes?' ? types.bytes : type
    table = table.addColumn(column, kind, (definition) =>
      type === 'bytes?' ? definition : definition.notNull(),
    )
  }
  await table.addPrimaryKeyConstraint(`${name}_key`, [...key] as never).execute()
}
