import type { Tables } from './store.ts'

/** An administrator's certificate that has not ended: only these serials are let in. */
export interface AdministratorCertificate {
  readonly serial: string
  readonly administratorId: string
  readonly name: string
  readonly role: string
  readonly notAfterMs: number
  /** Whose signature is on it; empty where that was not recorded yet. */
  readonly issuerKeySha256: string
}

export async function loadAdministrators(
  tables: Tables,
  now: number,
): Promise<AdministratorCertificate[]> {
  const rows = await tables
    .selectFrom('administrator_certificates as certificate')
    .innerJoin(
      'administrators as administrator',
      'administrator.administrator_id',
      'certificate.administrator_id',
    )
    .select([
      'certificate.serial',
      'certificate.administrator_id',
      'certificate.not_after_ms',
      'certificate.issuer_key_sha256',
      'administrator.name',
      'administrator.role',
    ])
    .where('certificate.not_after_ms', '>', now)
    .execute()
  return rows.map((row) => ({
    serial: row.serial,
    administratorId: row.administrator_id,
    name: row.name,
    role: row.role,
    notAfterMs: row.not_after_ms,
    issuerKeySha256: row.issuer_key_sha256,
  }))
}

export async function putAdministrator(
  tables: Tables,
  one: AdministratorCertificate,
  now: number,
): Promise<void> {
  await tables
    .insertInto('administrators')
    .values({
      administrator_id: one.administratorId,
      name: one.name,
      role: one.role,
      created_at_ms: now,
    })
    .onConflict((conflict) => conflict.column('administrator_id').doNothing())
    .execute()
  await tables
    .insertInto('administrator_certificates')
    .values({
      serial: one.serial,
      administrator_id: one.administratorId,
      not_after_ms: one.notAfterMs,
      issuer_key_sha256: one.issuerKeySha256,
    })
    .execute()
}
