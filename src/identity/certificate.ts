import { X509Certificate, type KeyObject } from 'node:crypto'
import { readExtensions, type CertificateExtensions } from './certificate-extensions.ts'
import { DerReader, derTag } from './der.ts'
import { derOid, derSequence } from './der-write.ts'
import { readTime } from './der-time.ts'
import { IdentityError } from './identity-error.ts'
import { oidBytes } from './oid.ts'
import { keySha256, parsePublicKey } from './public-key.ts'

/** A certificate that passed our strict reader and OpenSSL's. Nothing is verified yet. */
export interface Certificate extends CertificateExtensions {
  readonly der: Buffer
  readonly x509: X509Certificate
  /** Lower-case hex, at least 32 characters. */
  readonly serial: string
  /** Milliseconds since the epoch, as is `notAfter`. */
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: KeyObject
  readonly keySha256: string
}

/** Bytes of one certificate. */
export const maxCertificateBytes = 65_536

const ecdsaWithSha256 = derSequence(derOid(oidBytes('1.2.840.10045.4.3.2')))
const versionField = 0xa0
const extensionsField = 0xa3
const version3 = 2

interface Body extends CertificateExtensions {
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
  readonly spki: Buffer
}

/**
 * Reads an X.509 v3 certificate (RFC 5280) for an ECDSA P-256 key, signed with ECDSA and SHA-256.
 * Refuses what is not canonical DER, unknown critical extensions, an extension that is there twice,
 * and more than 64 KiB. Throws only `IdentityError`.
 */
export function readCertificate(der: Buffer): Certificate {
  const { spki, ...body } = readOuter(der)
  // Before OpenSSL, whose word on a wrong key would be vaguer.
  const publicKey = parsePublicKey(spki)
  return { ...body, der, x509: parseX509(der), publicKey, keySha256: keySha256(spki) }
}

function parseX509(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (cause: unknown) {
    throw new IdentityError('ERR_CERTIFICATE', 'certificate refused: OpenSSL cannot read it', {
      cause,
    })
  }
}

function readOuter(der: Buffer): Body {
  const reader = DerReader.open(der, maxCertificateBytes)
  const body = reader.sequence((certificate) => {
    const inner = certificate.sequence(readBody)
    checkAlgorithm(certificate)
    const signature = certificate.content(derTag.bitString)
    if (signature[0] !== 0) throw fault('a signature that does not end with a whole octet')
    return inner
  })
  reader.finish()
  return body
}

function readBody(body: DerReader): Body {
  readVersion(body)
  const serial = readSerial(body)
  checkAlgorithm(body)
  body.element(derTag.sequence) // issuer: X509Certificate.checkIssued compares it
  const validity = body.sequence((times) => ({
    notBefore: readTime(times),
    notAfter: readTime(times),
  }))
  body.element(derTag.sequence) // subject
  const spki = body.element(derTag.sequence)
  if (body.peekTag() !== extensionsField)
    throw fault('no extensions, or unique identifiers before them')
  const wrapper = body.enter(extensionsField)
  const extensions = wrapper.sequence(readExtensions)
  wrapper.finish()
  return { serial, ...validity, spki, ...extensions }
}

function readVersion(body: DerReader): void {
  const wrapper = body.enter(versionField)
  const version = wrapper.unsigned()
  wrapper.finish()
  if (version !== version3) throw fault(`expected version 3, got ${String(version + 1)}`)
}

function readSerial(body: DerReader): string {
  const content = body.unsignedBytes()
  if (content.length > 20) throw fault('a serial number of more than 20 octets')
  const digits = (content[0] === 0 ? content.subarray(1) : content)
    .toString('hex')
    .padStart(32, '0')
  if (/^0+$/.test(digits)) throw fault('a serial number of zero')
  return digits
}

function checkAlgorithm(reader: DerReader): void {
  if (!reader.element(derTag.sequence).equals(ecdsaWithSha256)) {
    throw fault('expected a signature by ECDSA with SHA-256')
  }
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_CERTIFICATE', `certificate refused: ${message}`)
}
