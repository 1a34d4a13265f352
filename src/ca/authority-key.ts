import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { keySha256, spkiOf } from '../identity/public-key.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import { buildCertificate, type CertificateSigner } from './certificate-builder.ts'
import { issuerSpec, rootSpec, validity } from './profiles.ts'

/** A key pair of the authority. */
export interface SigningKey {
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly keyId: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** A root or an issuer with its private key. */
export interface CertificateSigningKey extends CertificateSigner {
  readonly keyId: string
  readonly spki: Buffer
  /** DER. */
  readonly certificate: Buffer
  readonly notBefore: number
  readonly notAfter: number
}

const newKeyPair = promisify(generateKeyPair)

/** A new P-256 key pair. */
export async function createSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await newKeyPair('ec', { namedCurve: 'P-256' })
  return { keyId: keySha256(spkiOf(publicKey)), publicKey, privateKey }
}

/** Certifies a new key as a root, or as an issuer under `parent`, whose end it does not outlive. */
export async function createCertificateSigningKey(input: {
  readonly trustDomain: TrustDomain
  readonly parent: CertificateSigningKey | undefined
  readonly now: number
  readonly lifeMs: number
}): Promise<CertificateSigningKey> {
  const { trustDomain, parent, now } = input
  const { keyId, publicKey, privateKey } = await createSigningKey()
  const spki = spkiOf(publicKey)
  const end = Math.min(now + input.lifeMs, parent?.notAfter ?? Number.POSITIVE_INFINITY)
  const common = { ...validity(now, end), trustDomain, spki }
  const spec =
    parent === undefined ? rootSpec(common) : issuerSpec({ ...common, parentSpki: parent.spki })
  const { subject: name, notBefore, notAfter } = spec
  const certificate = buildCertificate(spec, parent ?? { key: privateKey, name })
  return { keyId, key: privateKey, name, spki, certificate, notBefore, notAfter }
}
