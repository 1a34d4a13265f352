import type { KeyObject } from 'node:crypto'
import { oidBytes, oidText } from '../../identity/oid.ts'
import { Refusal } from './refusal.ts'

/** The one digest and the one kind of signature that a pinned key is used with. */
export interface Scheme {
  readonly digest: 'sha256' | 'sha1'
  readonly digestOid: string
  /** What a SignerInfo may call the signature. */
  readonly signatureOids: readonly string[]
}

const hexOid = (text: string): string => oidBytes(text).toString('hex')
const dotted = (hex: string): string => oidText(Buffer.from(hex, 'hex'))

/** SHA-256 with RSA, PKCS #1 v1.5; signers before 2021 name the key's algorithm instead (RFC 3370 3.2). */
const rsa: Scheme = {
  digest: 'sha256',
  digestOid: hexOid('2.16.840.1.101.3.4.2.1'),
  signatureOids: [hexOid('1.2.840.113549.1.1.11'), hexOid('1.2.840.113549.1.1.1')],
}

const dsa: Scheme = {
  digest: 'sha1',
  digestOid: hexOid('1.3.14.3.2.26'),
  signatureOids: [hexOid('1.2.840.10040.4.3')],
}

/**
 * The scheme follows from the pinned key, never from what a blob says of itself: nobody can turn an
 * RSA key's SHA-256 into SHA-1. The "DSA" key of the China regions is an RSA one.
 */
export function schemeOf(key: KeyObject): Scheme {
  return key.asymmetricKeyType === 'dsa' ? dsa : rsa
}

/** The algorithms that a SignerInfo names, as hex of their OIDs' content octets. */
export interface NamedAlgorithms {
  readonly digestOid: string
  readonly signatureOid: string
}

/** Throws `wrong-algorithm`. */
export function checkAlgorithms(
  scheme: Scheme,
  { digestOid, signatureOid }: NamedAlgorithms,
): void {
  if (digestOid === scheme.digestOid && scheme.signatureOids.includes(signatureOid)) return
  throw new Refusal(
    'wrong-algorithm',
    `expected ${scheme.digest} with the signature algorithm of the pinned key, got ${dotted(digestOid)} and ${dotted(signatureOid)}`,
  )
}
