import { verify, type KeyObject } from 'node:crypto'
import { keySha256, parsePublicKey } from '../identity/public-key.ts'
import { childrenOf, contentOf, fromDer, oidContent, toDer, type Asn1Node } from './asn1.ts'
import { CaError } from './errors.ts'

/** Largest certificate signing request that is looked at, in bytes. */
export const maxCsrBytes: number = 8 * 1024

declare const checked: unique symbol

/** A public key that may be certified, which only the readers below make: ECDSA P-256, in its one canonical encoding. */
export interface PublicKey {
  readonly [checked]: true
  readonly publicKey: KeyObject
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer
  /** SHA-256 of `spki`, hex. */
  readonly keySha256: string
}

const ecdsaWithSha256 = oidContent('1.2.840.10045.4.3.2')

/**
 * Takes the public key out of a PKCS#10 request whose own signature proves possession of the private
 * key (RFC 2986). Names, attributes and wished-for extensions in it are ignored: what a certificate
 * says is never the requester's choice. Throws `CaError`.
 */
export function readCsr(der: Buffer): PublicKey {
  if (der.length > maxCsrBytes) {
    throw new CaError(
      'ERR_CSR_TOO_LARGE',
      `expected a certificate signing request of at most ${String(maxCsrBytes)} bytes, got ${String(der.length)}`,
    )
  }
  const { info, spki, signature } = takeApart(der)
  const key = checkedKey(toDer(spki), 'ERR_CSR_KEY')
  if (!verify('sha256', toDer(info), { key: key.publicKey, dsaEncoding: 'der' }, signature)) {
    throw new CaError(
      'ERR_CSR_SIGNATURE',
      'expected a certificate signing request signed by its own key, but the signature does not verify',
    )
  }
  return key
}

/** Reads a SubjectPublicKeyInfo and refuses any key that is not canonical ECDSA P-256; throws `CaError`. */
export function readPublicKey(spki: Buffer): PublicKey {
  return checkedKey(spki, 'ERR_PUBLIC_KEY')
}

const malformed = (what: string, options?: ErrorOptions): CaError =>
  new CaError('ERR_CSR_MALFORMED', `expected a PKCS#10 request in DER: ${what}`, options)

function parseDer(der: Buffer): Asn1Node {
  try {
    const tree = fromDer(der)
    // What forge reads more loosely than DER does not come out as it went in; with this, every part
    // that is written out again below is the very bytes that were signed.
    if (toDer(tree).equals(der)) return tree
  } catch (cause: unknown) {
    throw malformed('not readable', { cause })
  }
  throw malformed('not in the one form that DER allows')
}

function takeApart(der: Buffer): { info: Asn1Node; spki: Asn1Node; signature: Buffer } {
  const [info, algorithm, signatureNode, ...rest] = childrenOf(parseDer(der)) ?? []
  const [version, , spki] = childrenOf(info) ?? []
  const signature = contentOf(signatureNode, 'BITSTRING')
  if (info === undefined || spki === undefined || signature === undefined || rest.length > 0) {
    throw malformed('its three parts are not all there')
  }
  if (contentOf(version, 'INTEGER')?.equals(Buffer.of(0)) !== true) {
    throw malformed('its version is not 0')
  }
  if (signature[0] !== 0) throw malformed('its signature is not a whole number of bytes')
  const [oid, ...parameters] = childrenOf(algorithm) ?? []
  const isEcdsa = contentOf(oid, 'OID')?.equals(ecdsaWithSha256) === true
  if (!isEcdsa || parameters.length > 0) {
    throw new CaError('ERR_CSR_SIGNATURE', 'expected a signature by ecdsa-with-SHA256')
  }
  return { info, spki, signature: signature.subarray(1) }
}

function checkedKey(spki: Buffer, code: 'ERR_CSR_KEY' | 'ERR_PUBLIC_KEY'): PublicKey {
  try {
    const publicKey = parsePublicKey(spki)
    return { publicKey, spki, keySha256: keySha256(spki) } as PublicKey
  } catch (cause: unknown) {
    throw new CaError(code, 'expected a key that can be certified', { cause })
  }
}
