import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, quote } from '../base/errors.ts'
import { SidecarError } from './sidecar-error.ts'
import type { StateDirectory } from './state-directory.ts'

const lockFile = 'lock'
const pidFile = 'lock.pid'
/** SQLITE_BUSY, of https://sqlite.org/rescode.html. */
const sqliteBusy = 5

/**
 * Makes the state directory this sidecar's own until the lock is disposed of, or the process ends,
 * however it ends. Two sidecars on one directory would renew with one key, and the controller would
 * freeze both. Throws `ERR_STATE_LOCKED`.
 *
 * Node has no flock. An open transaction of SQLite, on a file that never holds anything, holds a lock
 * of the kernel's: it is not left behind by a dead process, needs no guess whether a process id is
 * still the same process, and two that start at once cannot both have it. Nothing else may open the
 * file: closing it would drop the lock.
 */
export async function lockStateDirectory(
  path: string,
  directory: StateDirectory,
): Promise<Disposable> {
  const file = join(path, lockFile)
  const database = await openLocked(path, file, directory)
  try {
    await chmod(file, 0o600)
    await directory.write(pidFile, Buffer.from(String(process.pid)))
  } catch (error: unknown) {
    database.close()
    throw error
  }
  return {
    [Symbol.dispose]: () => {
      if (database.isOpen) database.close()
    },
  }
}

async function openLocked(
  path: string,
  file: string,
  directory: StateDirectory,
): Promise<DatabaseSync> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (cause: unknown) {
    database?.close()
    if (!isBusy(cause)) {
      const message = `cannot lock the state directory ${quote(path)}: ${messageOf(cause)}`
      throw new SidecarError('ERR_STATE_DIRECTORY', message, { cause })
    }
    throw new SidecarError(
      'ERR_STATE_LOCKED',
      `the state directory ${quote(path)} is in use by another sidecar (pid ${await holder(directory)}): each needs one of its own`,
      { cause },
    )
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}

/** Who has the lock, for the message alone: nothing is decided by it. */
async function holder(directory: StateDirectory): Promise<string> {
  const pid = (await directory.read(pidFile))?.toString('latin1') ?? ''
  return /^[0-9]{1,10}$/.test(pid) ? pid : 'unknown'
}
