import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import { guard } from './sqlite-errors.ts'

const preparedStatements = 256

/** Waiting longer than this for the file means that another controller has it open. */
const lockTimeoutMs = 2_000

/** The one connection to the file, in the shape that kysely takes. */
export interface OpenSqlite extends SqliteDatabase {
  readonly isTransaction: boolean
}

/** The open ones, by the adapter that kysely has for each. */
export const embedded: WeakMap<object, OpenSqlite> = new WeakMap<object, OpenSqlite>()

/**
 * Opens the SQLite file in the shape that kysely's dialect takes. The file is locked for this process
 * alone, so that a second controller on the same directory refuses to start instead of issuing beside
 * the first. A commit that returned is in the write-ahead log, and whoever answers for it waits until
 * that is on disk (`write-ahead-log.ts`): SQLite would have the whole controller wait (`FULL`).
 */
export function openSqlite(file: string): OpenSqlite {
  const database = openFile(file)
  const prepared = new Map<string, SqliteStatement>()
  return {
    get isTransaction() {
      return database.isTransaction
    },
    close: () => {
      prepared.clear()
      database.close()
    },
    prepare: (sql) => {
      // SQLite has rolled back by itself when the disk is full; a second rollback would hide why.
      if (sql === 'rollback' && !database.isTransaction) return nothingToDo
      const known = prepared.get(sql)
      if (known !== undefined) return known
      const statement = guard(() => wrap(database.prepare(sql)))
      if (prepared.size >= preparedStatements) prepared.clear()
      prepared.set(sql, statement)
      return statement
    },
  }
}

function openFile(file: string): DatabaseSync {
  return guard(() => {
    if (file !== ':memory:') createPrivate(file)
    const database = new DatabaseSync(file, { timeout: lockTimeoutMs })
    try {
      database.exec('pragma locking_mode = exclusive')
      database.exec('pragma journal_mode = wal')
      database.exec('pragma synchronous = normal')
      database.exec('pragma foreign_keys = on')
      // Keys are random, so each enrolment touches a page of every index: with the defaults of 2 MB
      // and 4 MB most of them would be read again, and the file itself written every 50 enrolments.
      database.exec('pragma cache_size = -32768')
      database.exec('pragma wal_autocheckpoint = 4000')
      database.exec('begin immediate; commit')
      return database
    } catch (error: unknown) {
      database.close()
      throw error
    }
  })
}

/** SQLite would make the file as readable as the umask allows; its WAL takes the mode of the file. */
export function createPrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
}

const nothingToDo: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
}

function wrap(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => guard(() => statement.all(...(parameters as SQLInputValue[]))),
    run: (parameters) => guard(() => statement.run(...(parameters as SQLInputValue[]))),
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
  }
}
