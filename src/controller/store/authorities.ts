import type { AuthorityStore, StoredAuthority } from '../../ca/authority-store.ts'
import type { AuthoritiesTable } from './schema.ts'
import type { Store } from './store.ts'

/** The keys of the certificate authority; their private parts come here sealed. */
export function createAuthorityStore({ tables }: Store): AuthorityStore {
  return {
    load: async () => {
      const rows = await tables.selectFrom('authorities').selectAll().execute()
      return rows.map(fromRow)
    },
    save: async (entry) => {
      const { id, ...changed } = toRow(entry)
      await tables
        .insertInto('authorities')
        .values({ id, ...changed })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(changed))
        .execute()
    },
    remove: async (id) => {
      await tables.deleteFrom('authorities').where('id', '=', id).execute()
    },
  }
}

function fromRow(row: AuthoritiesTable): StoredAuthority {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    certificate: row.certificate === null ? undefined : Buffer.from(row.certificate),
    sealedKey: Buffer.from(row.sealed_key),
    notBefore: row.not_before_ms,
    notAfter: row.not_after_ms,
    lastLeafNotAfter: row.last_leaf_not_after_ms,
    bundleVersion: row.bundle_version,
  }
}

function toRow(entry: StoredAuthority): AuthoritiesTable {
  return {
    id: entry.id,
    kind: entry.kind,
    state: entry.state,
    certificate: entry.certificate ?? null,
    sealed_key: entry.sealedKey,
    not_before_ms: entry.notBefore,
    not_after_ms: entry.notAfter,
    last_leaf_not_after_ms: entry.lastLeafNotAfter,
    bundle_version: entry.bundleVersion,
  }
}
