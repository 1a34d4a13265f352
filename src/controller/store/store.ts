import { Kysely, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { silentLogger, type Logger } from '../../base/logger.ts'
import { sqliteColumns } from './create-table.ts'
import { createMigrations } from './migrations.ts'
import type { Schema } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import { StoreError } from './store-error.ts'

/** Where a table function reads and writes: the store itself, or one transaction of it. */
export type Tables = Kysely<Schema>

/** The controller's durable state. What `change` returned for is on disk. */
export interface Store extends AsyncDisposable {
  readonly tables: Tables
  /** Runs one transaction: all of it or none. Throws `StoreError` when the disk refuses. */
  change<T>(work: (tables: Tables) => Promise<T>): Promise<T>
}

/** Opens the store in `file` (`:memory:` for tests) and brings its schema up to date. */
export async function openStore(file: string, log: Logger = silentLogger): Promise<Store> {
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: openSqlite(file) }) })
  try {
    await migrate(db, log)
  } catch (error: unknown) {
    await db.destroy()
    throw error
  }
  return {
    tables: db,
    change: (work) => db.transaction().execute(work),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}

async function migrate(db: Kysely<Schema>, log: Logger): Promise<void> {
  const migrations = createMigrations(sqliteColumns, log)
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  if (error instanceof StoreError) throw error
  const failed = results?.find((result) => result.status === 'Error')?.migrationName
  throw new StoreError(
    'ERR_STORE_MIGRATION',
    failed === undefined
      ? 'the store was written by a version of the controller that this one does not know'
      : `migration ${failed} of the store failed`,
    { cause: error },
  )
}
