import { createSigningKey, type SigningKey } from './authority-key.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import type { KeyProtector } from './key-protector.ts'
import { CaError } from './errors.ts'
import { openSigningKey, sealPrivateKey } from './stored-key.ts'

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
