import { X509Certificate } from 'node:crypto'
import type { Logger } from '../base/logger.ts'
import type { IssuerState } from '../identity/bundle.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import { createCertificateSigningKey, type CertificateSigningKey } from './authority-key.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import type { KeyProtector } from './key-protector.ts'
import {
  checkStoredCertificate,
  openCertificateSigningKey,
  sealDestroyed,
  sealPrivateKey,
} from './stored-key.ts'

/** One of the keys that follow each other in a ring: its row, and its key while it may sign. */
export interface RingKey<Signing> {
  readonly stored: StoredAuthority
  readonly signing: Signing | undefined
}

/** A root or an issuer in memory. */
export interface CertificateKey extends RingKey<CertificateSigningKey> {
  readonly certificate: Buffer
}

/** What a ring gives to the making and changing of its keys. */
export interface RingSurroundings {
  readonly lifeMs: number
  readonly store: AuthorityStore
  readonly protector: KeyProtector
  readonly log: Logger
  /** A number for the next change of a key, never given twice. */
  readonly nextBundleVersion: () => number
}

/** Reads and checks the stored keys of one kind; throws `CaError` where one is not what it seems. */
export async function loadRingKeys(
  surroundings: { readonly trustDomain: TrustDomain; readonly protector: KeyProtector },
  rows: readonly StoredAuthority[],
  roots: readonly CertificateKey[],
): Promise<readonly CertificateKey[]> {
  const rootCertificates = roots.map(({ certificate }) => new X509Certificate(certificate))
  const { trustDomain, protector } = surroundings
  return Promise.all(
    rows.map(async (stored) => {
      const certificate = checkStoredCertificate(stored, trustDomain, rootCertificates)
      const signing = await openCertificateSigningKey(protector, stored, certificate)
      return { stored, certificate: certificate.raw, signing }
    }),
  )
}

/** A new key in state `prepared`, ready to be saved. */
export async function createRingKey(
  surroundings: RingSurroundings & {
    readonly kind: 'root' | 'issuer'
    readonly trustDomain: TrustDomain
  },
  parent: CertificateSigningKey | undefined,
  now: number,
): Promise<CertificateKey> {
  const { kind, trustDomain, lifeMs, protector } = surroundings
  const signing = await createCertificateSigningKey({ trustDomain, parent, now, lifeMs })
  const { keyId: id, certificate, notBefore, notAfter } = signing
  const row = { id, kind, state: 'prepared' as const, certificate, notBefore, notAfter }
  const sealedKey = await sealPrivateKey(protector, row, signing.key)
  const bundleVersion = surroundings.nextBundleVersion()
  const stored = { ...row, sealedKey, lastLeafNotAfter: 0, bundleVersion }
  return { stored, certificate, signing }
}

/** The same key in another state, ready to be saved; without its private part once it signs no more. */
export async function ringKeyInState<Key extends RingKey<unknown>>(
  { protector, nextBundleVersion }: RingSurroundings,
  key: Key,
  state: IssuerState,
  lastLeafNotAfter: number,
): Promise<Key> {
  const row = { ...key.stored, state, bundleVersion: nextBundleVersion() }
  if (state === 'prepared' || state === 'active') return { ...key, stored: row }
  const sealedKey = await sealDestroyed(protector, row)
  const stored = { ...row, sealedKey, lastLeafNotAfter: state === 'old' ? lastLeafNotAfter : 0 }
  return { ...key, stored, signing: undefined }
}
