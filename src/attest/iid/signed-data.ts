import { derTag } from '../../identity/der.ts'
import { oidBytes } from '../../identity/oid.ts'
import type { NamedAlgorithms } from './algorithm.ts'
import { octetsOf, readBer, type BerElement } from './ber.ts'
import { nameText } from './distinguished-name.ts'
import { Refusal } from './refusal.ts'

/** A SignedData with one signer, read and not verified. */
export interface SignedData {
  /** What was signed, out of the structure itself. */
  readonly content: Buffer
  readonly algorithms: NamedAlgorithms
  readonly issuer: string
  /** Lower-case hex without leading zeros. */
  readonly serial: string
  /** The whole `[0]` element of the signed attributes. */
  readonly signedAttributes: Buffer
  readonly signature: Buffer
}

const context = { zero: 0xa0, one: 0xa1 } as const
const signedDataOid = oidBytes('1.2.840.113549.1.7.2')
export const dataOid: Buffer = oidBytes('1.2.840.113549.1.7.1')

/**
 * Reads a CMS SignedData (RFC 5652 5) of the one shape that AWS makes: content attached, one signer
 * named by issuer and serial, signed attributes, no certificates. Throws `Refusal`.
 */
export function readSignedData(blob: Buffer): SignedData {
  const [type, wrapped] = fields(readBer(blob), 2, 'ContentInfo')
  if (!isOid(type, signedDataOid)) throw new Refusal('not-signed-data', 'expected CMS SignedData')
  const [version, digests, encapsulated, ...rest] = childrenOf(
    only(wrapped, context.zero),
    derTag.sequence,
    'SignedData',
  )
  checkVersion(version)
  const content = readContent(encapsulated)
  const signer = readSigner(onlySigner(rest))
  const [digest, ...more] = childrenOf(digests, derTag.set, 'digestAlgorithms')
  if (more.length > 0 || readAlgorithm(digest) !== signer.algorithms.digestOid) {
    throw new Refusal('wrong-algorithm', "expected the signer's digest algorithm and no other")
  }
  return { content, ...signer }
}

function readContent(encapsulated: BerElement | undefined): Buffer {
  const [type, content] = childrenOf(encapsulated, derTag.sequence, 'EncapsulatedContentInfo')
  if (!isOid(type, dataOid)) {
    throw new Refusal('wrong-content-type', 'expected content of type id-data')
  }
  if (content === undefined) {
    throw new Refusal('content-missing', 'expected the document inside the blob, got none')
  }
  return octetsOf(only(content, context.zero))
}

/** What may follow the content: certificates and revocation lists, which nobody needs, and the signers. */
function onlySigner(rest: readonly BerElement[]): BerElement {
  for (const { tag } of rest) {
    if (tag === context.zero) {
      throw new Refusal('embedded-certificate', 'expected no certificates: the key is pinned')
    }
    if (tag === context.one) {
      throw new Refusal('embedded-revocation-list', 'expected no revocation lists')
    }
  }
  const [signers, ...more] = rest
  if (more.length > 0) throw malformed('SignedData with elements it does not have')
  const [signer, ...others] = childrenOf(signers, derTag.set, 'signerInfos')
  if (signer === undefined || others.length > 0) {
    const count = others.length + (signer === undefined ? 0 : 1)
    throw new Refusal('signer-count', `expected exactly one signer, got ${String(count)}`)
  }
  return signer
}

function readSigner(signer: BerElement): Omit<SignedData, 'content'> {
  const [version, identifier, digest, ...rest] = childrenOf(signer, derTag.sequence, 'SignerInfo')
  checkVersion(version)
  const [issuer, serial] = fields(identifier, 2, 'issuerAndSerialNumber')
  const [attributes, algorithm, signature, unsigned, ...more] = rest
  if (attributes?.tag !== context.zero) {
    throw new Refusal('signed-attributes-missing', 'expected signed attributes')
  }
  if (unsigned?.tag === context.one) {
    throw new Refusal('unsigned-attribute', 'expected no unsigned attributes')
  }
  if (unsigned !== undefined || more.length > 0) throw malformed('SignerInfo with more elements')
  return {
    algorithms: { digestOid: readAlgorithm(digest), signatureOid: readAlgorithm(algorithm) },
    issuer: nameText(issuer),
    serial: readSerial(serial),
    signedAttributes: attributes.bytes,
    signature: contentOf(signature, derTag.octetString, 'a signature'),
  }
}

function readSerial(element: BerElement): string {
  const octets = contentOf(element, derTag.integer, 'a serial number').toString('hex')
  // A positive INTEGER in shortest form (X.690 8.3.2): else 00 and the sign would be further spellings.
  if (/^(?:00[89a-f]|0[1-9a-f]|[1-7])/.test(octets)) return octets.replace(/^0+/, '')
  throw malformed('expected a positive serial number in shortest form')
}

/** An AlgorithmIdentifier's OID, as hex; its parameters must be NULL or absent. */
function readAlgorithm(element: BerElement | undefined): string {
  const [oid, parameters, ...more] = childrenOf(element, derTag.sequence, 'AlgorithmIdentifier')
  const isPlain =
    parameters === undefined || (parameters.tag === derTag.null && parameters.content.length === 0)
  if (!isPlain || more.length > 0) {
    throw new Refusal('wrong-algorithm', 'expected an algorithm with parameters NULL or absent')
  }
  return contentOf(oid, derTag.oid, 'an OID').toString('hex')
}

function checkVersion(element: BerElement | undefined): void {
  const content = contentOf(element, derTag.integer, 'a version')
  if (content.length !== 1 || content[0] !== 1) throw malformed('expected version 1')
}

function isOid(element: BerElement | undefined, oid: Buffer): boolean {
  return element?.tag === derTag.oid && element.content.equals(oid)
}

/** What an explicitly tagged element holds. */
function only(element: BerElement, tag: number): BerElement {
  const [child, ...more] = childrenOf(element, tag, 'an explicit tag')
  if (child === undefined || more.length > 0) throw malformed('expected one element under a tag')
  return child
}

function fields(
  element: BerElement | undefined,
  count: 2,
  what: string,
): readonly [BerElement, BerElement] {
  const [first, second, ...more] = childrenOf(element, derTag.sequence, what)
  if (first === undefined || second === undefined || more.length > 0) {
    throw malformed(`expected ${String(count)} elements in ${what}`)
  }
  return [first, second]
}

function childrenOf(
  element: BerElement | undefined,
  tag: number,
  what: string,
): readonly BerElement[] {
  if (element?.tag !== tag) throw malformed(`expected ${what}, got ${shownTag(element)}`)
  return element.children
}

function contentOf(element: BerElement | undefined, tag: number, what: string): Buffer {
  if (element?.tag !== tag) throw malformed(`expected ${what}, got ${shownTag(element)}`)
  return element.content
}

function shownTag(element: BerElement | undefined): string {
  return element === undefined ? 'nothing' : `tag 0x${element.tag.toString(16).padStart(2, '0')}`
}

function malformed(detail: string): Refusal {
  return new Refusal('malformed-signed-data', detail)
}
