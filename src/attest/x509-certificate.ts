import { X509Certificate } from 'node:crypto'
import { readExtensions, type CertificateExtensions } from '../identity/certificate-extensions.ts'
import { DerReader, derTag } from '../identity/der.ts'
import { readTime } from '../identity/der-time.ts'
import { oidBytes } from '../identity/oid.ts'
import { AttestError } from './errors.ts'
import { readAlternativeNames, readSubjectNames, type CertificateNames } from './x509-name.ts'

/** A certificate of somebody else's authority, read strictly. Nothing is verified yet. */
export interface OutsideCertificate {
  readonly der: Buffer
  readonly x509: X509Certificate
  readonly spki: Buffer
  readonly notBefore: number
  readonly notAfter: number
  readonly extensions: CertificateExtensions
  readonly names: CertificateNames
}

const maxBytes = 65_536
const versionField = 0xa0
const extensionsField = 0xa3
const version3 = 2
const subjectAltName = oidBytes('2.5.29.17')

/** ECDSA and RSA with SHA-2, and Ed25519: whatever is older can be forged or soon will be. */
const signatureAlgorithms = [
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.3.101.112',
].map(oidBytes)

/**
 * Reads an X.509 v3 certificate (RFC 5280). Refuses what is not canonical DER, weak algorithms and
 * keys, and extensions that we would have to obey and do not know. Throws `AttestError` or `IdentityError`.
 */
export function readOutsideCertificate(der: Buffer): OutsideCertificate {
  const reader = DerReader.open(der, maxBytes)
  const body = reader.sequence((certificate) => {
    const read = certificate.sequence(readBody)
    if (!certificate.element(derTag.sequence).equals(read.algorithm)) {
      throw x509Fault('its two signature algorithms differ')
    }
    certificate.content(derTag.bitString)
    return read
  })
  reader.finish()
  const x509 = parse(der)
  checkKey(x509)
  return { der, x509, ...body }
}

function readBody(
  body: DerReader,
): Omit<OutsideCertificate, 'der' | 'x509'> & { readonly algorithm: Buffer } {
  if (body.peekTag() !== versionField) throw x509Fault('expected version 3')
  const version = body.enter(versionField)
  if (version.unsigned() !== version3) throw x509Fault('expected version 3')
  version.finish()
  body.unsignedBytes()
  const algorithm = body.element(derTag.sequence)
  checkAlgorithm(algorithm)
  body.element(derTag.sequence) // issuer: X509Certificate.checkIssued compares it
  const validity = body.sequence((times) => ({
    notBefore: readTime(times),
    notAfter: readTime(times),
  }))
  const subject = body.sequence(readSubjectNames)
  const spki = body.element(derTag.sequence)
  if (body.peekTag() !== extensionsField) throw x509Fault('expected extensions')
  const wrapped = body.element(extensionsField)
  const alternative = readAlternatives(openList(wrapped))
  const names = { ...subject, dnsNames: [], uris: [], ...alternative }
  return { algorithm, ...validity, spki, names, extensions: readExtensions(openList(wrapped)) }
}

/** The list inside `[3]`, anew: it is read twice, for what it demands and for the names in it. */
function openList(wrapped: Buffer): DerReader {
  return DerReader.open(wrapped, maxBytes).enter(extensionsField).enter(derTag.sequence)
}

function readAlternatives(
  list: DerReader,
): Pick<CertificateNames, 'dnsNames' | 'uris'> | undefined {
  let found: Pick<CertificateNames, 'dnsNames' | 'uris'> | undefined
  while (!list.isDone()) {
    list.sequence((extension) => {
      const isNames = extension.content(derTag.oid).equals(subjectAltName)
      if (extension.peekTag() === derTag.boolean) extension.boolean()
      const value = extension.content(derTag.octetString)
      if (!isNames) return
      found = readAlternativeNames(value)
      if (found === undefined) throw x509Fault('its alternative names are too many or no text')
    })
  }
  return found
}

function checkAlgorithm(algorithm: Buffer): void {
  const reader = DerReader.open(algorithm, maxBytes).enter(derTag.sequence)
  const oid = reader.content(derTag.oid)
  if (signatureAlgorithms.some((known) => known.equals(oid))) return
  throw x509Fault('expected a signature by ECDSA or RSA with SHA-2, or by Ed25519')
}

function parse(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (cause: unknown) {
    throw x509Fault('OpenSSL cannot read it', { cause })
  }
}

const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

function checkKey({ publicKey }: X509Certificate): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey
  const isGood =
    type === 'ed25519' ||
    (type === 'rsa' && (details?.modulusLength ?? 0) >= 2_048) ||
    (type === 'ec' && curves.has(details?.namedCurve ?? ''))
  if (!isGood)
    throw x509Fault('expected an RSA key of 2,048 bits or more, P-256 to P-521 or Ed25519')
}

/** The refusal of a certificate, or of a chain of them. */
export function x509Fault(message: string, options?: ErrorOptions): AttestError {
  return new AttestError('ERR_X509_REFUSED', `certificate refused: ${message}`, options)
}
