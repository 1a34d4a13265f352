import type { AuthorityStore, StoredAuthority } from '../../src/ca/authority-store.ts'

/** An authority's rows in memory, open to a test that plays an attacker or a crash. */
export interface MemoryAuthorityStore extends AuthorityStore {
  readonly rows: Map<string, StoredAuthority>
  /** Lets this many more writes through, then fails as a full disk does. */
  failAfter(writes: number): void
}

export function createMemoryAuthorityStore(
  initial: Iterable<StoredAuthority> = [],
): MemoryAuthorityStore {
  const rows = new Map<string, StoredAuthority>()
  for (const row of initial) rows.set(row.id, row)
  let writesLeft = Number.POSITIVE_INFINITY
  const write = async (change: () => void): Promise<void> => {
    if (writesLeft-- <= 0) throw new Error('no space left on device')
    change()
  }
  return {
    rows,
    failAfter: (writes) => {
      writesLeft = writes
    },
    load: async () => [...rows.values()],
    save: (entry) => write(() => rows.set(entry.id, entry)),
    remove: (id) => write(() => rows.delete(id)),
  }
}
