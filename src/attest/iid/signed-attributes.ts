import { hash, timingSafeEqual } from 'node:crypto'
import { messageOf } from '../../base/errors.ts'
import { DerReader, derTag } from '../../identity/der.ts'
import { readTime } from '../../identity/der-time.ts'
import { oidBytes } from '../../identity/oid.ts'
import type { NamedAlgorithms, Scheme } from './algorithm.ts'
import { berLimits } from './ber.ts'
import { Refusal } from './refusal.ts'
import { dataOid, type SignedData } from './signed-data.ts'

const hexOid = (dotted: string): string => oidBytes(dotted).toString('hex')
const contentType = hexOid('1.2.840.113549.1.9.3')
const messageDigest = hexOid('1.2.840.113549.1.9.4')
const signingTime = hexOid('1.2.840.113549.1.9.5')
const algorithmProtection = hexOid('1.2.840.113549.1.9.52')

const implicitZero = 0xa0
const implicitOne = 0xa1
const maxAttributes = 16

/** Each attribute's values, as the content of its SET, by the hex of its type's OID. */
type Attributes = ReadonlyMap<string, Buffer>

/**
 * Checks what the signature covers: that the attributes name this content by type and digest, and
 * these algorithms where they say any. Returns when AWS says it signed, in milliseconds since the
 * epoch. Throws `Refusal`. Unknown attributes are signed too, and ignored (RFC 5652 5.3).
 */
export function checkSignedAttributes(data: SignedData, scheme: Scheme): number | undefined {
  try {
    const attributes = readAttributes(data.signedAttributes)
    checkContentType(attributes)
    checkAlgorithmProtection(attributes, data.algorithms)
    checkDigest(attributes, data.content, scheme)
    return readSigningTime(attributes)
  } catch (error: unknown) {
    if (error instanceof Refusal) throw error
    throw new Refusal('malformed-signed-attributes', messageOf(error))
  }
}

/**
 * The bytes under the signature: the attributes with the tag of a SET OF in place of `[0]` (RFC 5652
 * 5.4). They are DER already, which `readAttributes` has made sure of.
 */
export function signedBytes(signedAttributes: Buffer): Buffer {
  const bytes = Buffer.from(signedAttributes)
  bytes[0] = derTag.set
  return bytes
}

/** Reads the attributes, which must be DER even where all else is BER: order, lengths and all. */
function readAttributes(der: Buffer): Attributes {
  const whole = DerReader.open(der, berLimits.maxBytes)
  const list = whole.enter(implicitZero)
  const attributes = new Map<string, Buffer>()
  let before: Buffer | undefined
  while (!list.isDone()) {
    const element = list.element(derTag.sequence)
    const [type, values] = readAttribute(element)
    if (attributes.has(type)) {
      throw new Refusal('signed-attribute-doubled', `signed attribute ${type} (hex) is there twice`)
    }
    if (before !== undefined && Buffer.compare(before, element) >= 0) {
      throw new Refusal('malformed-signed-attributes', 'expected attributes in the order of DER')
    }
    attributes.set(type, values)
    before = element
    if (attributes.size > maxAttributes) {
      throw new Refusal('malformed-signed-attributes', `more than ${String(maxAttributes)}`)
    }
  }
  whole.finish()
  return attributes
}

function readAttribute(element: Buffer): readonly [type: string, values: Buffer] {
  return DerReader.open(element, element.length).sequence((attribute) => [
    attribute.content(derTag.oid).toString('hex'),
    attribute.content(derTag.set),
  ])
}

/** The reading of an attribute's one value; undefined where there is no such attribute. */
function single<T>(
  attributes: Attributes,
  type: string,
  read: (value: DerReader) => T,
): T | undefined {
  const values = attributes.get(type)
  if (values === undefined) return undefined
  const reader = DerReader.open(values, values.length)
  const value = read(reader)
  reader.finish()
  return value
}

function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value
  throw new Refusal('signed-attribute-missing', `expected the signed attribute ${name}`)
}

function checkContentType(attributes: Attributes): void {
  const type = single(attributes, contentType, (value) => value.content(derTag.oid))
  if (!required(type, 'contentType').equals(dataOid)) {
    throw new Refusal('wrong-content-type', 'expected the signed content type id-data')
  }
}

function checkDigest(attributes: Attributes, content: Buffer, scheme: Scheme): void {
  const stated = required(
    single(attributes, messageDigest, (value) => value.content(derTag.octetString)),
    'messageDigest',
  )
  const actual = hash(scheme.digest, content, 'buffer')
  if (stated.length !== actual.length || !timingSafeEqual(stated, actual)) {
    throw new Refusal('digest-mismatch', `the document does not have the signed ${scheme.digest}`)
  }
}

function readSigningTime(attributes: Attributes): number | undefined {
  return single(attributes, signingTime, readTime)
}

/** RFC 6211 2: what is named outside the signature must be what is named inside it. */
function checkAlgorithmProtection(attributes: Attributes, named: NamedAlgorithms): void {
  const protection = single(attributes, algorithmProtection, (value) =>
    value.sequence((fields) => ({
      digestOid: readAlgorithm(fields, derTag.sequence),
      signatureOid: readAlgorithm(fields, implicitOne),
    })),
  )
  if (protection === undefined) return
  if (protection.digestOid !== named.digestOid || protection.signatureOid !== named.signatureOid) {
    throw new Refusal('wrong-algorithm', 'the algorithms are not those of CMSAlgorithmProtection')
  }
}

function readAlgorithm(reader: DerReader, tag: number): string {
  const algorithm = reader.enter(tag)
  const oid = algorithm.content(derTag.oid).toString('hex')
  const parameters = algorithm.isDone() ? undefined : algorithm.content(derTag.null)
  algorithm.finish()
  if (parameters === undefined || parameters.length === 0) return oid
  throw new Refusal('wrong-algorithm', 'expected an algorithm with parameters NULL or absent')
}
