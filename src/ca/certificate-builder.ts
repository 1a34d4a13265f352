import { randomBytes, sign, type KeyObject } from 'node:crypto'
import { derTag } from '../identity/der.ts'
import {
  derBitString,
  derElement,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derUtf8,
} from '../identity/der-write.ts'
import {
  boolean,
  explicit,
  integer,
  objectIdentifier,
  oidContent,
  sequence,
  time,
  toDer,
} from './asn1.ts'
import type { Extension } from './extensions.ts'

/** Subject and issuer names; an absent part is not written, and both absent make an empty name. */
export interface DistinguishedName {
  readonly organization?: string
  readonly commonName?: string
}

/**
 * What one certificate says. Nothing is checked or added here, so that tests can mint wrong ones;
 * `profiles.ts` knows what a right one looks like.
 */
export interface CertificateSpec {
  /** 32 hex digits, as `randomSerial()` makes them. */
  readonly serial: string
  readonly subject: DistinguishedName
  /** SubjectPublicKeyInfo, DER, of the key that is certified. */
  readonly spki: Buffer
  readonly notBefore: number
  readonly notAfter: number
  readonly extensions: readonly Extension[]
}

/** Who signs: an ECDSA P-256 private key and the name of its owner. */
export interface CertificateSigner {
  readonly key: KeyObject
  readonly name: DistinguishedName
}

const oids = {
  organization: oidContent('2.5.4.10'),
  commonName: oidContent('2.5.4.3'),
  ecdsaWithSha256: oidContent('1.2.840.10045.4.3.2'),
}

/**
 * A random serial of exactly 16 bytes, as 32 hex digits. The two top bits are fixed to 01, so that
 * the number is positive and never gets shorter; 126 bits stay random.
 */
export function randomSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** Writes a certificate and signs it with ECDSA P-256 and SHA-256; returns DER. */
export function buildCertificate(spec: CertificateSpec, issuer: CertificateSigner): Buffer {
  const signed = derSequence(
    version3,
    derElement(derTag.integer, Buffer.from(spec.serial, 'hex')),
    ecdsaWithSha256,
    encodeName(issuer.name),
    derSequence(time(spec.notBefore), time(spec.notAfter)),
    encodeName(spec.subject),
    spec.spki,
    derElement(extensionsTag, derSequence(...spec.extensions.map(encodeExtension))),
  )
  const signature = sign('sha256', signed, { key: issuer.key, dsaEncoding: 'der' })
  return derSequence(signed, ecdsaWithSha256, derBitString(signature))
}

const version3 = toDer(explicit(0, integer(Buffer.of(2))))
const extensionsTag = 0xa3

// RFC 5758 3.2: the parameters are absent, not NULL.
const ecdsaWithSha256 = toDer(sequence(objectIdentifier(oids.ecdsaWithSha256)))

function encodeName({ organization, commonName }: DistinguishedName): Buffer {
  return derSequence(
    ...encodeNamePart(derOid(oids.organization), organization),
    ...encodeNamePart(derOid(oids.commonName), commonName),
  )
}

function encodeNamePart(type: Buffer, text: string | undefined): Buffer[] {
  return text === undefined ? [] : [derSet(derSequence(type, derUtf8(text)))]
}

const isCritical = [toDer(boolean(true))]

function encodeExtension({ oid, critical, value }: Extension): Buffer {
  return derSequence(derOid(oid), ...(critical ? isCritical : []), derOctetString(value))
}
