import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { IdentityError } from './identity-error.ts'

/** SubjectPublicKeyInfo of an uncompressed P-256 point up to the point itself (RFC 5480). */
const spkiPrefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex')
const spkiBytes = 91

/**
 * Reads a public key in the only form we take: ECDSA P-256, uncompressed, named curve. One key has
 * one encoding, so its hash can stand for it. Throws `ERR_PUBLIC_KEY`.
 */
export function parsePublicKey(spki: Buffer): KeyObject {
  if (spki.length !== spkiBytes || !spki.subarray(0, spkiPrefix.length).equals(spkiPrefix)) {
    throw new IdentityError('ERR_PUBLIC_KEY', 'expected an uncompressed ECDSA P-256 public key')
  }
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch (cause: unknown) {
    throw new IdentityError('ERR_PUBLIC_KEY', 'expected a point on the P-256 curve', { cause })
  }
}

/** SubjectPublicKeyInfo of a P-256 key, public or private; throws `ERR_PUBLIC_KEY` for another kind. */
export function spkiOf(key: KeyObject): Buffer {
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new IdentityError('ERR_PUBLIC_KEY', 'expected an ECDSA P-256 key')
  }
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ format: 'der', type: 'spki' })
}

/** What a public key is known by: SHA-256 of its SubjectPublicKeyInfo, hex. */
export function keySha256(spki: Buffer): string {
  return hash('sha256', spki)
}
