import { Kysely, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { silentLogger, type Logger } from '../../base/logger.ts'
import { sqliteColumns } from './create-table.ts'
import { createMigrations } from './migrations.ts'
import type { Schema } from './schema.ts'
import { embedded, openSqlite } from './sqlite.ts'
import { StoreError } from './store-error.ts'
import { noWriteAheadLog, openWriteAheadLog } from './write-ahead-log.ts'

/** Where a table function reads and writes: the store itself, or one transaction of it. */
export type Tables = Kysely<Schema>

/** The controller's durable state. What `change` returned for is on disk. */
export interface Store extends AsyncDisposable {
  readonly tables: Tables
  /** Runs one transaction: all of it or none, on disk. Throws `StoreError` when the disk refuses. */
  change<T>(work: (tables: Tables) => Promise<T>): Promise<T>
}

/** Opens the store in `file` (`:memory:` for tests) and brings its schema up to date. */
export async function openStore(
  file: string,
  log: Logger = silentLogger,
  sync?: () => Promise<void>,
): Promise<Store> {
  await using opened = new AsyncDisposableStack()
  const sqlite = openSqlite(file)
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: sqlite }) })
  embedded.set(db.getExecutor().adapter, sqlite)
  opened.defer(() => db.destroy())
  await migrate(db, log)
  const written = opened.use(
    file === ':memory:' ? noWriteAheadLog : await openWriteAheadLog(file, sync),
  )
  const running = opened.move()
  return {
    tables: db,
    change: async (work) => {
      written.check()
      const result = await db.transaction().execute(work)
      await written.flush()
      return result
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
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
