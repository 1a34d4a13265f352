import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { createSigningKey, type SigningKey } from './authority-key.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import type { KeyProtector } from './key-protector.ts'
import { CaError } from './errors.ts'
import { openSigningKey, sealPrivateKey } from './stored-key.ts'

/** A secret by which the controller knows again what it has made itself. */
export interface MacKey {
  readonly keyId: string
  /** 256 bits, for HMAC-SHA-256. */
  readonly secret: KeyObject
}

interface PurposeKeyOptions {
  readonly kind: 'join-token' | 'audit'
  readonly rows: readonly StoredAuthority[]
  readonly store: AuthorityStore
  readonly protector: KeyProtector
  readonly now: number
  readonly lifeMs: number
}

/**
 * The key that signs one kind of thing and no certificates: found in the store, or made. It takes no
 * part in the bundle.
 */
export async function openPurposeKey(options: PurposeKeyOptions): Promise<SigningKey> {
  const { kind, rows, protector, now } = options
  const row = rows.find((stored) => stored.kind === kind && stored.notAfter > now)
  if (row === undefined) return createPurposeKey(options)
  const key = await openSigningKey(protector, row)
  if (key !== undefined) return key
  throw new CaError('ERR_AUTHORITY_STORE', `the stored ${kind} key was destroyed`)
}

/** The secret that follows from the private part of `key` for one use (HKDF-SHA-256, RFC 5869). */
export function macKeyOf({ keyId, privateKey }: SigningKey, use: string): MacKey {
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const secret = Buffer.from(hkdfSync('sha256', pkcs8, '', `blazon ${use}`, 32))
  return { keyId, secret: createSecretKey(secret) }
}

async function createPurposeKey(options: PurposeKeyOptions): Promise<SigningKey> {
  const { kind, store, protector, now, lifeMs } = options
  const key = await createSigningKey()
  const head = { id: key.keyId, kind, state: 'active' as const }
  await store.save({
    ...head,
    certificate: undefined,
    sealedKey: await sealPrivateKey(protector, head, key.privateKey),
    notBefore: now,
    notAfter: now + lifeMs,
    lastLeafNotAfter: 0,
    bundleVersion: 0,
  })
  return key
}
