import { open } from 'node:fs/promises'
import { StoreError } from './store-error.ts'

/** Has the disk take what SQLite wrote to its write-ahead log, without anybody waiting for it who need not. */
export interface WriteAheadLog extends AsyncDisposable {
  /** Throws `StoreError` once the disk has failed to: what is on it is then known only after a restart. */
  check(): void
  /** Fulfils once all that was committed before the call is on disk; throws `StoreError`. */
  flush(): Promise<void>
}

/** Of a store that is in memory alone. */
export const noWriteAheadLog: WriteAheadLog = {
  check: () => undefined,
  flush: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

/** The log beside the database `file`, which is open: SQLite goes on with the same one until it closes. */
export async function openWriteAheadLog(
  file: string,
  sync?: () => Promise<void>,
): Promise<WriteAheadLog> {
  const handle = await open(`${file}-wal`, 'r+')
  const flushed = sync ?? (() => handle.datasync())
  let failure: StoreError | undefined
  const check = (): void => {
    if (failure !== undefined) throw failure
  }
  return {
    check,
    flush: async () => {
      check()
      try {
        await flushed()
      } catch (cause: unknown) {
        // The kernel may have dropped what it could not write, and says so once only.
        failure = new StoreError(
          'ERR_STORE_UNAVAILABLE',
          'the disk has failed to keep what was written to the store; restart the controller once it works',
          { cause },
        )
        throw failure
      }
    },
    [Symbol.asyncDispose]: () => handle.close(),
  }
}
