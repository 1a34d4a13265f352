import { hash, verify } from 'node:crypto'
import { checkKey, checkValue, type Attribute } from '../identity/attributes.ts'
import type { X509Evidence__Output } from '../rpc/generated/blazon/v1/X509Evidence.ts'
import { AttestError } from './errors.ts'
import { mayIssue, type X509Authorities } from './x509-authorities.ts'
import { readOutsideCertificate, x509Fault, type OutsideCertificate } from './x509-certificate.ts'
import type { CertificateNames } from './x509-name.ts'

/** A node that holds the key of a certificate of a configured CA. */
export interface X509Node {
  readonly method: 'x509'
  /** `x509:<SHA-256 of the certified key>`: stable while the certificate is renewed on one key. */
  readonly nodeId: string
  readonly attributes: readonly Attribute[]
}

/** What the check of a certificate relies on. */
export interface X509Context {
  readonly authorities: X509Authorities
  readonly now: number
  /** The bytes that the certified key has to have signed, for the chain as it was sent. */
  readonly transcript: (chain: readonly Buffer[]) => Buffer
}

const longestChain = 5
const clientAuth = '1.3.6.1.5.5.7.3.2'
const anyUsage = '2.5.29.37.0'

/**
 * Checks that a certificate leads to a configured CA and that whoever sent it holds its key now. The
 * listed fields become labels: an administrator chose to trust that CA for them. Throws `AttestError`
 * or `IdentityError`.
 */
export function attestByX509(
  evidence: X509Evidence__Output | null | undefined,
  { authorities, now, transcript }: X509Context,
): X509Node {
  const { chain = [], signature = Buffer.alloc(0) } = evidence ?? {}
  if (chain.length === 0) {
    throw new AttestError('ERR_EVIDENCE_MISSING', 'expected a certificate chain, got none')
  }
  if (chain.length > longestChain) {
    throw x509Fault(`expected at most ${String(longestChain)} certificates`)
  }
  const [leaf, ...issuers] = chain.map(readOutsideCertificate)
  if (leaf === undefined) throw new Error('BUG: a chain without a leaf')
  checkLeaf(leaf)
  checkPath(leaf, issuers, authorities, now)
  if (!hasSigned(leaf, transcript(chain), signature)) {
    throw x509Fault('its key did not sign this call')
  }
  return {
    method: 'x509',
    nodeId: `x509:${hash('sha256', leaf.spki)}`,
    attributes: attributesOf(leaf.names),
  }
}

function checkLeaf({ extensions: { isCa, keyUsage, extendedKeyUsage } }: OutsideCertificate): void {
  if (isCa) throw x509Fault('expected one that is not of a CA')
  if (keyUsage.size > 0 && !keyUsage.has('digitalSignature')) {
    throw x509Fault('its key may not be used for signatures')
  }
  const isForClients = extendedKeyUsage.has(clientAuth) || extendedKeyUsage.has(anyUsage)
  if (extendedKeyUsage.size > 0 && !isForClients) {
    throw x509Fault('its key may not be used by clients')
  }
}

/** Each certificate is signed by the next, and the last of them by a configured CA (RFC 5280 6.1). */
function checkPath(
  leaf: OutsideCertificate,
  issuers: readonly OutsideCertificate[],
  authorities: X509Authorities,
  now: number,
): void {
  checkDates(leaf, now)
  let below = leaf
  for (const [depth, issuer] of issuers.entries()) {
    const anchor = findAnchor(below, authorities, depth, now)
    if (anchor !== undefined) return
    if (!isIssuedBy(below, issuer, depth)) throw x509Fault('its chain does not hold together')
    checkDates(issuer, now)
    below = issuer
  }
  if (findAnchor(below, authorities, issuers.length, now) === undefined) {
    throw x509Fault('it does not lead to a configured CA')
  }
}

function findAnchor(
  below: OutsideCertificate,
  authorities: X509Authorities,
  depth: number,
  now: number,
): OutsideCertificate | undefined {
  return authorities.find(
    (authority) =>
      isIssuedBy(below, authority, depth) && now >= authority.notBefore && now < authority.notAfter,
  )
}

/** `depth` counts the CA certificates between the issuer and the leaf. */
function isIssuedBy(
  { x509 }: OutsideCertificate,
  issuer: OutsideCertificate,
  depth: number,
): boolean {
  const { pathLength } = issuer.extensions
  return (
    mayIssue(issuer) &&
    (pathLength === undefined || depth <= pathLength) &&
    x509.checkIssued(issuer.x509) &&
    x509.verify(issuer.x509.publicKey)
  )
}

function checkDates({ notBefore, notAfter }: OutsideCertificate, now: number): void {
  if (now < notBefore) throw x509Fault('it is not valid yet')
  if (now >= notAfter) throw x509Fault('it has expired')
}

/** SHA-256 with ECDSA (DER) or RSASSA-PKCS1-v1_5; Ed25519 hashes by itself. */
function hasSigned({ x509 }: OutsideCertificate, message: Buffer, signature: Buffer): boolean {
  const key = x509.publicKey
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  return verify(digest, message, { key, dsaEncoding: 'der' }, signature)
}

/** Which field of a certificate becomes which label (docs/enrolment.md). */
const labels: readonly (readonly [string, keyof CertificateNames])[] = [
  ['label.x509-cn', 'commonNames'],
  ['label.x509-o', 'organizations'],
  ['label.x509-ou', 'units'],
  ['label.x509-dns', 'dnsNames'],
  ['label.x509-uri', 'uris'],
]

function attributesOf(names: CertificateNames): Attribute[] {
  return labels.flatMap(([key, field]) =>
    names[field].map((value) => ({
      key: checkKey(key),
      value: checkValue(value),
      provenance: 'assigned' as const,
    })),
  )
}
