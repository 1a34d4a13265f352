import type { Clock } from '../../base/clock.ts'
import type { DocumentBook } from '../document-book.ts'
import type { Recheck } from './recheck.ts'

/** Has workloads looked at again when the time of a rule or of labels is over. */
export interface ExpiryWatch {
  /** To be called often: whether something expired since the last time, and all were looked at. */
  look(): Promise<boolean>
}

/** Starts from now: whoever makes it has looked at all workloads. */
export function createExpiryWatch(deps: {
  readonly book: Pick<DocumentBook, 'rules' | 'assignments'>
  readonly recheck: Pick<Recheck, 'all'>
  readonly clock: Clock
}): ExpiryWatch {
  const { book, recheck, clock } = deps
  let lookedAt = clock.now()
  return {
    look: async () => {
      const now = clock.now()
      // A clock that is set back puts documents in force again.
      const [from, to] = [Math.min(lookedAt, now), Math.max(lookedAt, now)]
      const isChanged = [...book.rules, ...book.assignments].some(
        ({ spec: { expires = Infinity } }) => expires > from && expires <= to,
      )
      if (isChanged) await recheck.all()
      // Only now: where looking has failed it is tried again.
      lookedAt = now
      return isChanged
    },
  }
}
