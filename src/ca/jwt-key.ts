import { jwtKeyUses, type JwtKey, type JwtKeyUse } from '../identity/bundle.ts'
import { keySha256, parsePublicKey, spkiOf } from '../identity/public-key.ts'
import { createSigningKey, type SigningKey } from './authority-key.ts'
import type { StoredAuthority } from './authority-store.ts'
import { CaError } from './errors.ts'
import type { KeyProtector } from './key-protector.ts'
import { backdatingMs } from './profiles.ts'
import type { RingKey, RingSurroundings } from './ring-key.ts'
import { openSigningKey, sealPrivateKey } from './stored-key.ts'

/** The longest life of a JWT-SVID, ms. */
export const longestJwtMs: number = 5 * 60_000

/** A key that signs one kind of token and nothing else. */
export interface JwtRingKey extends RingKey<SigningKey> {
  /** SubjectPublicKeyInfo, DER: kept after the private part has gone. */
  readonly spki: Buffer
}

/** A new key in state `prepared`. Its row has the public key where others have a certificate. */
export async function createJwtKey(
  kind: JwtKeyUse,
  { lifeMs, protector, nextBundleVersion }: RingSurroundings,
  now: number,
): Promise<JwtRingKey> {
  const signing = await createSigningKey()
  const spki = spkiOf(signing.publicKey)
  const row = { id: signing.keyId, kind, state: 'prepared' as const }
  const stored: StoredAuthority = {
    ...row,
    certificate: spki,
    sealedKey: await sealPrivateKey(protector, row, signing.privateKey),
    // As in the certificates of issuers: both rings tell by it when a key was prepared.
    notBefore: now - backdatingMs,
    notAfter: now + lifeMs,
    lastLeafNotAfter: 0,
    bundleVersion: nextBundleVersion(),
  }
  return { stored, signing, spki }
}

/** Opens the stored keys of one kind of token; throws `CaError` where one is not what its row says. */
export function loadJwtKeys(
  use: JwtKeyUse,
  protector: KeyProtector,
  rows: readonly StoredAuthority[],
): Promise<readonly JwtRingKey[]> {
  return Promise.all(
    rows
      .filter(({ kind }) => kind === use)
      .map(async (stored) => {
        const signing = await openSigningKey(protector, stored)
        return { stored, signing, spki: publicPartOf(stored) }
      }),
  )
}

function publicPartOf({ id, kind, certificate }: StoredAuthority): Buffer {
  if (certificate !== undefined && isKey(certificate, id)) return certificate
  throw new CaError(
    'ERR_AUTHORITY_STORE',
    `stored ${kind} key ${id.slice(0, 16)} is not usable: its public key is missing or another one`,
  )
}

function isKey(spki: Buffer, id: string): boolean {
  try {
    return keySha256(spkiOf(parsePublicKey(spki))) === id
  } catch {
    // Whatever else it is, it is not this key.
    return false
  }
}

/** The key as a bundle lists it; a tainted one is not listed. */
export function listedJwtKey({ stored, spki }: JwtRingKey): JwtKey[] {
  const use = jwtKeyUses.find((kind) => kind === stored.kind)
  if (stored.state === 'tainted' || use === undefined) return []
  return [{ keyId: stored.id, spki, use, notAfter: stored.notAfter }]
}
