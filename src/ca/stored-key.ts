import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import { keySha256, spkiOf } from '../identity/public-key.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import type { CertificateSigningKey, SigningKey } from './authority-key.ts'
import type { StoredAuthority } from './authority-store.ts'
import type { DistinguishedName } from './certificate-builder.ts'
import { CaError } from './errors.ts'
import type { KeyProtector } from './key-protector.ts'

// Kind, fate and id are sealed with the key, so that who can write to the store can neither swap
// rows (an audit key that signs tokens), nor add a root of their own, nor bring a tainted issuer back.
function labelOf({ kind, state, id }: Pick<StoredAuthority, 'kind' | 'state' | 'id'>): Buffer {
  const fate = state === 'old' || state === 'tainted' ? `${state}, key destroyed` : 'key'
  return Buffer.from(`${kind} ${id} ${fate}\n`)
}

/** Whether a key in this state still signs, and is kept. */
const keepsKey = ({ state }: StoredAuthority): boolean => state === 'prepared' || state === 'active'

/** The sealed form of a private key, bound to its row. */
export function sealPrivateKey(
  protector: KeyProtector,
  row: Pick<StoredAuthority, 'kind' | 'state' | 'id'>,
  privateKey: KeyObject,
): Promise<Buffer> {
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  return protector.seal(Buffer.concat([labelOf(row), pkcs8]))
}

/** What takes the place of the private key of a row that becomes old or tainted. */
export function sealDestroyed(
  protector: KeyProtector,
  row: Pick<StoredAuthority, 'kind' | 'state' | 'id'>,
): Promise<Buffer> {
  return protector.seal(labelOf(row))
}

/** Opens a stored key and checks that it is the one its row names; undefined if it was destroyed. */
export async function openSigningKey(
  protector: KeyProtector,
  stored: StoredAuthority,
): Promise<SigningKey | undefined> {
  const plain = await protector.open(stored.sealedKey)
  const label = labelOf(stored)
  if (!plain.subarray(0, label.length).equals(label)) {
    throw unusable(stored, 'what is sealed in it is of another key, kind or state')
  }
  const pkcs8 = plain.subarray(label.length)
  if (!keepsKey(stored)) return undefined
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey)
  const keyId = keySha256(spkiOf(publicKey))
  if (keyId !== stored.id) throw unusable(stored, 'its sealed key is another one')
  return { keyId, publicKey, privateKey }
}

/** Opens the key of a stored root or issuer whose certificate has been checked. */
export async function openCertificateSigningKey(
  protector: KeyProtector,
  stored: StoredAuthority,
  certificate: X509Certificate,
): Promise<CertificateSigningKey | undefined> {
  const key = await openSigningKey(protector, stored)
  if (key === undefined) return undefined
  return {
    keyId: key.keyId,
    key: key.privateKey,
    name: subjectOf(certificate),
    spki: spkiOf(key.publicKey),
    certificate: certificate.raw,
    notBefore: stored.notBefore,
    notAfter: stored.notAfter,
  }
}

function subjectOf(certificate: X509Certificate): DistinguishedName {
  const { O: organization, CN: commonName } = certificate.toLegacyObject().subject
  return {
    ...(typeof organization === 'string' ? { organization } : {}),
    ...(typeof commonName === 'string' ? { commonName } : {}),
  }
}

/**
 * Checks the certificate of a stored root or issuer against its row and, for an issuer, that one of
 * `roots` signed it. Needs no private key: an old issuer has none any more. Throws `CaError`.
 */
export function checkStoredCertificate(
  stored: StoredAuthority,
  trustDomain: TrustDomain,
  roots: readonly X509Certificate[],
): X509Certificate {
  const certificate = readStoredCertificate(stored)
  if (keySha256(spkiOf(certificate.publicKey)) !== stored.id) {
    throw unusable(stored, 'its certificate is for another key')
  }
  if (certificate.subjectAltName !== `URI:spiffe://${trustDomain}`) {
    throw unusable(stored, `its certificate is not for trust domain ${trustDomain}`)
  }
  const { validFromDate, validToDate } = certificate
  if (+validFromDate !== stored.notBefore || +validToDate !== stored.notAfter) {
    throw unusable(stored, 'its certificate has other dates')
  }
  const signers = stored.kind === 'root' ? [certificate] : roots
  if (!signers.some((signer) => certificate.verify(signer.publicKey))) {
    throw unusable(stored, 'no root of this authority signed it')
  }
  return certificate
}

function readStoredCertificate(stored: StoredAuthority): X509Certificate {
  try {
    if (stored.certificate !== undefined) return new X509Certificate(stored.certificate)
  } catch (cause: unknown) {
    throw unusable(stored, 'its certificate is not readable', { cause })
  }
  throw unusable(stored, 'it has no certificate')
}

function unusable(stored: StoredAuthority, problem: string, options?: ErrorOptions): CaError {
  const text = `stored ${stored.kind} key ${stored.id.slice(0, 16)} is not usable: ${problem}`
  return new CaError('ERR_AUTHORITY_STORE', text, options)
}
