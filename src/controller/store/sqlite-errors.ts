import { codeOf } from '../../base/errors.ts'
import { StoreError } from './store-error.ts'

/** Primary result codes of https://sqlite.org/rescode.html that an operator can do something about. */
const sqliteBusy = 5
const sqliteLocked = 6
const sqliteReadOnly = 8
const sqliteIoError = 10
const sqliteFull = 13
const sqliteCannotOpen = 14
const sqliteConstraint = 19

/** Runs what calls SQLite, and throws `StoreError` for what an operator can do something about. */
export function guard<T>(run: () => T): T {
  try {
    return run()
  } catch (cause: unknown) {
    throw translate(cause)
  }
}

function translate(cause: unknown): unknown {
  if (codeOf(cause) !== 'ERR_SQLITE_ERROR') return cause
  const extended = (cause as { readonly errcode?: number }).errcode ?? 0
  switch (extended & 0xff) {
    case sqliteFull:
      return new StoreError('ERR_STORE_FULL', 'the disk of the store is full', { cause })
    case sqliteConstraint:
      return new StoreError('ERR_STORE_CONFLICT', 'a record like this exists already', { cause })
    case sqliteBusy:
    case sqliteLocked:
      return new StoreError(
        'ERR_STORE_LOCKED',
        'another process has the store open: is a second controller running on this directory?',
        { cause },
      )
    case sqliteReadOnly:
    case sqliteIoError:
    case sqliteCannotOpen:
      return new StoreError('ERR_STORE_UNAVAILABLE', 'the store cannot be written', { cause })
    default:
      return cause
  }
}
