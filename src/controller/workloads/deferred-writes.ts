import type { Logger } from '../../base/logger.ts'
import { isDiskTrouble, StoreError } from '../store/store-error.ts'
import type { Store, Tables } from '../store/store.ts'

type Write = (tables: Tables) => Promise<void>

/**
 * Writes that a renewal can do without for a while: they change nothing about what a workload is, so
 * that SVIDs keep being renewed while the disk refuses. Its calls must not run side by side.
 */
export interface DeferredWrites {
  /** Writes now or, when the disk refuses, later and in the same order. Throws beyond the bound. */
  writeOrDefer(write: Write): Promise<void>
  /** Runs a transaction after all that waits, which would overwrite it later; throws while that cannot be written. */
  change<T>(work: (tables: Tables) => Promise<T>): Promise<T>
  /** Tries the deferred ones again. */
  retry(): Promise<void>
  readonly size: number
}

/** At two writes a renewal, some hours of a large fleet. */
const mostWaiting = 100_000

export function createDeferredWrites(deps: {
  readonly store: Pick<Store, 'change'>
  readonly log: Logger
  readonly onSize: (size: number) => void
  readonly most?: number
}): DeferredWrites {
  const { store, log, most = mostWaiting } = deps
  const waiting: Write[] = []

  /** False when the disk refuses. */
  const attempt = async (write: Write): Promise<boolean> => {
    try {
      await store.change(write)
      return true
    } catch (error: unknown) {
      if (isDiskTrouble(error)) return false
      throw error
    }
  }

  const retry = async (): Promise<void> => {
    const before = waiting.length
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      try {
        if (!(await attempt(next))) break
      } catch (error: unknown) {
        // It would stand in the way of all the others for ever.
        log.error({ error }, 'deferred write dropped')
      }
      waiting.shift()
    }
    if (before === waiting.length) return
    deps.onSize(waiting.length)
    log.info({ written: before - waiting.length, left: waiting.length }, 'deferred writes tried')
  }

  const full = (): StoreError =>
    new StoreError('ERR_STORE_FULL', 'the disk of the store has been full for too long')

  return {
    change: async (work) => {
      await retry()
      if (waiting.length > 0) throw full()
      return store.change(work)
    },
    writeOrDefer: async (write) => {
      await retry()
      if (waiting.length === 0 && (await attempt(write))) return
      if (waiting.length >= most) throw full()
      waiting.push(write)
      deps.onSize(waiting.length)
      log.error({ deferred: waiting.length }, 'write deferred: the disk of the store refuses')
    },
    retry,
    get size() {
      return waiting.length
    },
  }
}
