import { hash, sign, type KeyObject } from 'node:crypto'
import {
  derElement,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derTag,
  derUnsigned,
  oidBytes,
} from '../identity/index.ts'

/** OIDs that a signed instance identity document is made of. */
export const oids = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  algorithmProtection: '1.2.840.113549.1.9.52',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  rsaEncryption: '1.2.840.113549.1.1.1',
  dsaWithSha1: '1.2.840.10040.4.3',
} as const

export type AlgorithmParameters = 'null' | 'absent' | Buffer

/** An AlgorithmIdentifier, under another tag where one is given. */
export function algorithm(
  oid: string,
  parameters: AlgorithmParameters = 'absent',
  tag = 0x30,
): Buffer {
  const encoded = { null: derElement(derTag.null), absent: Buffer.alloc(0) }
  const extra = typeof parameters === 'string' ? encoded[parameters] : parameters
  return derElement(tag, derOid(oidBytes(oid)), extra)
}

export function attribute(type: string, ...values: readonly Buffer[]): Buffer {
  return derSequence(derOid(oidBytes(type)), derSet(...values))
}

/** `text` is `YYMMDDhhmmssZ`. */
export function utcTime(text: string): Buffer {
  return derElement(derTag.utcTime, Buffer.from(text))
}

/** `C=<country>, O=<organization>`. */
export function distinguishedName(country: string, organization: string): Buffer {
  const part = (oid: string, text: string): Buffer =>
    derSet(derSequence(derOid(oidBytes(oid)), derElement(0x13, Buffer.from(text))))
  return derSequence(part('2.5.4.6', country), part('2.5.4.10', organization))
}

/** A document as AWS writes it: two spaces, a space before the colon, no newline at the end. */
export function writeDocument(fields: Readonly<Record<string, unknown>>): Buffer {
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${JSON.stringify(name)} : ${JSON.stringify(value)}`)
  return Buffer.from(`{\n${lines.join(',\n')}\n}`)
}

/** Who signs, as its certificate would name it. */
export interface DocumentSigner {
  readonly name: Buffer
  /** INTEGER content. */
  readonly serial: Buffer
  /** RSA. */
  readonly key: KeyObject
}

/** The `rsa2048` form of a document: PKCS#7 SignedData with the document in it, DER (RFC 5652 5). */
export function signDocument(document: Buffer, signer: DocumentSigner, now: Date): Buffer {
  const digest = algorithm(oids.sha256, 'null')
  const attributes = [
    attribute(oids.contentType, derOid(oidBytes(oids.data))),
    attribute(oids.signingTime, utcTime(utcText(now))),
    attribute(oids.messageDigest, derOctetString(hash('sha256', document, 'buffer'))),
  ].sort((a, b) => Buffer.compare(a, b))
  const signerInfo = derSequence(
    derUnsigned(1),
    derSequence(signer.name, derElement(derTag.integer, signer.serial)),
    digest,
    derElement(0xa0, ...attributes),
    algorithm(oids.sha256WithRsa),
    derOctetString(sign('sha256', derSet(...attributes), signer.key)),
  )
  const content = derSequence(
    derOid(oidBytes(oids.data)),
    derElement(0xa0, derOctetString(document)),
  )
  const signedData = derSequence(derUnsigned(1), derSet(digest), content, derSet(signerInfo))
  return derSequence(derOid(oidBytes(oids.signedData)), derElement(0xa0, signedData))
}

function utcText(time: Date): string {
  return time.toISOString().replace(/^..(..)-(..)-(..)T(..):(..):(..)\..*$/, '$1$2$3$4$5$6Z')
}
