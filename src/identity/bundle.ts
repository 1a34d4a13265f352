import { hash } from 'node:crypto'
import { quote } from '../base/errors.ts'
import { readCertificate, type Certificate } from './certificate.ts'
import { IdentityError } from './identity-error.ts'
import type { TrustDomain } from './spiffe-id.ts'

export const issuerStates = ['prepared', 'active', 'old', 'tainted'] as const
/** The life of an issuing key: distributed, issuing, living out its leaves; or not to be trusted. */
export type IssuerState = (typeof issuerStates)[number]

export const jwtKeyUses = ['jwt-svid', 'workload-token'] as const
/** What a key signs, and nothing else: JWT-SVIDs, or workload identity tokens. */
export type JwtKeyUse = (typeof jwtKeyUses)[number]

/** A key that tokens of this trust domain are signed with. */
export interface JwtKey {
  readonly keyId: string
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer
  readonly use: JwtKeyUse
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/** What a trust domain's certificates are checked against. A new version is a new object. */
export interface TrustBundle {
  readonly trustDomain: TrustDomain
  readonly version: number
  /** DER. */
  readonly roots: readonly Buffer[]
  /** By SHA-256 of the issuer's key, hex. An issuer that is not listed is not accepted. */
  readonly issuers: ReadonlyMap<string, IssuerState>
  readonly jwtKeys: readonly JwtKey[]
}

const maxRoots = 16
const maxIssuers = 64
const maxJwtKeys = 64

/** Checks a bundle that came from elsewhere, and returns it; throws `ERR_BUNDLE`. */
export function checkBundle(bundle: TrustBundle): TrustBundle {
  if (!Number.isSafeInteger(bundle.version) || bundle.version < 0) {
    throw fault(`expected a version of 0 or more, got ${String(bundle.version)}`)
  }
  checkCount('roots', bundle.roots.length, 1, maxRoots)
  checkCount('issuers', bundle.issuers.size, 0, maxIssuers)
  checkCount('JWT keys', bundle.jwtKeys.length, 0, maxJwtKeys)
  for (const key of bundle.issuers.keys()) {
    if (!/^[0-9a-f]{64}$/.test(key)) throw fault(`expected an issuer's key hash, got ${quote(key)}`)
  }
  if (new Set(bundle.jwtKeys.map(({ keyId }) => keyId)).size !== bundle.jwtKeys.length) {
    throw fault('two JWT keys with one id')
  }
  rootsOf(bundle)
  return bundle
}

function checkCount(what: string, count: number, least: number, most: number): void {
  if (count < least || count > most) {
    throw fault(`expected ${String(least)} to ${String(most)} ${what}, got ${String(count)}`)
  }
}

const parsedRoots = new WeakMap<TrustBundle, readonly Certificate[]>()

/** The roots of a bundle, parsed once per bundle; throws `ERR_BUNDLE` for one that is no CA. */
export function rootsOf(bundle: TrustBundle): readonly Certificate[] {
  const known = parsedRoots.get(bundle)
  if (known !== undefined) return known
  const roots = bundle.roots.map(readRoot)
  parsedRoots.set(bundle, roots)
  return roots
}

function readRoot(der: Buffer): Certificate {
  const root = readRootCertificate(der)
  if (!root.isCa || !root.keyUsage.has('keyCertSign') || root.workload !== undefined) {
    throw fault('a root that may not sign certificates')
  }
  return root
}

function readRootCertificate(der: Buffer): Certificate {
  try {
    return readCertificate(der)
  } catch (cause: unknown) {
    throw new IdentityError('ERR_BUNDLE', 'bundle refused: a root that cannot be read', { cause })
  }
}

/**
 * What an operator pins a trust domain by: SHA-256, hex, over its root certificates (DER, in byte
 * order). With one root that is what `openssl x509 -fingerprint -sha256` prints, without colons.
 */
export function bundleFingerprint({ roots }: Pick<TrustBundle, 'roots'>): string {
  return hash('sha256', Buffer.concat([...roots].sort((a, b) => a.compare(b))))
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_BUNDLE', `bundle refused: ${message}`)
}
