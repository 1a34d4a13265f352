import type { WorkloadCertificatesTable } from './schema.ts'
import { statement } from './statement.ts'
import { StoreError } from './store-error.ts'
import type { Tables } from './store.ts'

/**
 * An SVID that was issued and has not ended. `pending` until it is seen in use, then `active`;
 * `superseded` once a newer one is, or once another was issued in its place.
 */
export interface StoredCertificate {
  readonly serial: string
  readonly workloadId: string
  /** Grows with every issue of this controller. */
  readonly issue: number
  readonly generation: number
  readonly state: WorkloadCertificatesTable['state']
  readonly csrSha256: string
  readonly chain: readonly [leaf: Buffer, issuer: Buffer]
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

export async function loadCertificates(tables: Tables, now: number): Promise<StoredCertificate[]> {
  const rows = await tables
    .selectFrom('workload_certificates')
    .selectAll()
    .where('not_after_ms', '>', now)
    .orderBy('issue')
    .execute()
  return rows.map((row) => ({
    serial: row.serial,
    workloadId: row.workload_id,
    issue: row.issue,
    generation: row.generation,
    state: row.state,
    csrSha256: row.csr_sha256,
    chain: [Buffer.from(row.leaf), Buffer.from(row.issuer)],
    notBeforeMs: row.not_before_ms,
    notAfterMs: row.not_after_ms,
  }))
}

/** `ERR_STORE_CONFLICT` where another certificate was issued as this one. */
export async function putCertificate(tables: Tables, one: StoredCertificate): Promise<void> {
  const [leaf, issuer] = one.chain
  const written = await upsertCertificate(tables, { ...one, leaf, issuer })
  if (written.length > 0) return
  throw new StoreError(
    'ERR_STORE_CONFLICT',
    `another certificate is issue ${String(one.issue)} of workload ${one.workloadId}`,
  )
}

const upsertCertificate = statement(
  (tables, one: Omit<StoredCertificate, 'chain'> & { leaf: Buffer; issuer: Buffer }) =>
    tables
      .insertInto('workload_certificates')
      .values({
        serial: one.serial,
        workload_id: one.workloadId,
        issue: one.issue,
        generation: one.generation,
        state: one.state,
        csr_sha256: one.csrSha256,
        leaf: one.leaf,
        issuer: one.issuer,
        not_before_ms: one.notBeforeMs,
        not_after_ms: one.notAfterMs,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['workload_id', 'issue'])
          .doUpdateSet({ state: one.state })
          .where('workload_certificates.serial', '=', one.serial),
      )
      .returning('serial'),
)

/** Forgets certificates that have ended. */
export async function pruneCertificates(tables: Tables, now: number): Promise<void> {
  await tables.deleteFrom('workload_certificates').where('not_after_ms', '<=', now).execute()
}

/** Remembers a key that was certified; `ERR_STORE_CONFLICT` when it was certified before. */
export async function rememberKey(tables: Tables, keySha256: string, now: number): Promise<void> {
  await insertKey(tables, { keySha256, now })
}

const insertKey = statement(
  (tables, { keySha256, now }: { readonly keySha256: string; readonly now: number }) =>
    tables.insertInto('seen_keys').values({ key_sha256: keySha256, seen_at_ms: now }),
)

export async function isKeyKnown(tables: Tables, keySha256: string): Promise<boolean> {
  const rows = await selectKey(tables, { keySha256 })
  return rows.length > 0
}

const selectKey = statement((tables, { keySha256 }: { readonly keySha256: string }) =>
  tables.selectFrom('seen_keys').select('key_sha256').where('key_sha256', '=', keySha256),
)

export async function pruneKeys(tables: Tables, seenBefore: number): Promise<void> {
  await tables.deleteFrom('seen_keys').where('seen_at_ms', '<', seenBefore).execute()
}
