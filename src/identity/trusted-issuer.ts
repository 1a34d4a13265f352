import { hash } from 'node:crypto'
import { rootsOf, type TrustBundle } from './bundle.ts'
import { readCertificate, type Certificate } from './certificate.ts'
import { Refusal } from './peer-refusal.ts'

/** An issuing intermediate, and the root of the bundle that signed it. */
export interface TrustedIssuer {
  readonly issuer: Certificate
  readonly root: Certificate
}

/**
 * Every peer sends the certificate of one of a few issuers, so reading it and checking the root's
 * signature is done once per bundle: half of what a check costs. State and dates are never kept.
 */
const known = new WeakMap<TrustBundle, Map<string, TrustedIssuer>>()
/** Only what a root signed and the bundle lists gets in, so this is not for a stranger to fill. */
const maxKnown = 64

/** Throws `Refusal`, or `IdentityError` for bytes that are no certificate. */
export function trustedIssuer(der: Buffer, bundle: TrustBundle): TrustedIssuer {
  const ofBundle = known.get(bundle) ?? new Map<string, TrustedIssuer>()
  known.set(bundle, ofBundle)
  const key = hash('sha256', der)
  const before = ofBundle.get(key)
  const issuer = before?.issuer ?? readCertificate(der)
  checkState(issuer, bundle)
  if (before !== undefined) return before
  checkAuthority(issuer)
  const found = { issuer, root: findRoot(issuer, bundle) }
  if (ofBundle.size < maxKnown) ofBundle.set(key, found)
  return found
}

function checkState(issuer: Certificate, bundle: TrustBundle): void {
  const state = bundle.issuers.get(issuer.keySha256)
  if (state === undefined) {
    throw new Refusal('issuer-not-listed', `issuer ${issuer.keySha256} is not in the bundle`)
  }
  if (state === 'tainted') {
    throw new Refusal('issuer-tainted', `issuer ${issuer.keySha256} was withdrawn`)
  }
}

function checkAuthority(issuer: Certificate): void {
  if (!issuer.isCa || issuer.pathLength !== 0 || !issuer.keyUsage.has('keyCertSign')) {
    throw new Refusal('issuer-invalid', 'expected an issuer that is a CA with path length 0')
  }
}

function findRoot(issuer: Certificate, bundle: TrustBundle): Certificate {
  const root = rootsOf(bundle).find((candidate) => isSignedBy(issuer, candidate))
  if (root === undefined) {
    throw new Refusal(
      'root-unknown',
      `issuer ${issuer.keySha256} is signed by no root of the bundle`,
    )
  }
  return root
}

/** Whether names, key identifiers and the signature fit. */
export function isSignedBy(child: Certificate, parent: Certificate): boolean {
  return child.x509.checkIssued(parent.x509) && child.x509.verify(parent.publicKey)
}
