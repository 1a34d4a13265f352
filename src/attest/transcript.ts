import { hash, sign, verify, type KeyObject } from 'node:crypto'
import { AttestError } from './errors.ts'

/** What both transcripts begin with: to whom and when the node key says it. */
interface TranscriptHead {
  readonly trustDomain: string
  /** SHA-256 of the controller's SubjectPublicKeyInfo, hex: what is signed for one is no use to another. */
  readonly controllerKeySha256: string
  /** From the Challenge. */
  readonly nonce: Buffer
  /** Serialized Subject: name and attributes that the workload says of itself. */
  readonly subject: Buffer
  /** PKCS#10, DER. */
  readonly csr: Buffer
}

export interface AttestTranscript extends TranscriptHead {
  /** Serialized Evidence. */
  readonly evidence: Buffer
  /** SubjectPublicKeyInfo of the node key, DER. */
  readonly nodeKey: Buffer
}

export interface RenewTranscript extends TranscriptHead {
  /** Serial of the SVID that is renewed, 32 hex digits. */
  readonly serial: string
}

/**
 * The bytes that a node key signs to enrol a workload (PROTOCOL 3). Every part has its length in
 * front of it, so that no two lists of parts give the same bytes. Throws `ERR_TRANSCRIPT`.
 */
export function attestTranscript(input: AttestTranscript): Buffer {
  return lengthPrefixed([
    ...head('blazon-attest-v1', input),
    sha256(input.evidence),
    sha256(input.subject),
    sha256(input.csr),
    sha256(input.nodeKey),
  ])
}

export interface X509Transcript extends Omit<AttestTranscript, 'evidence'> {
  /** Certificates, DER, leaf first. */
  readonly chain: readonly Buffer[]
}

/**
 * The bytes that the key of a certificate signs to be evidence. Evidence holds that signature, so
 * the chain stands in its place here; the node key signs the evidence with everything in it. Throws
 * `ERR_TRANSCRIPT`.
 */
export function x509Transcript(input: X509Transcript): Buffer {
  return lengthPrefixed([
    ...head('blazon-x509-v1', input),
    sha256(lengthPrefixed(input.chain)),
    sha256(input.subject),
    sha256(input.csr),
    sha256(input.nodeKey),
  ])
}

/** The bytes that a node key signs to renew an SVID. Throws `ERR_TRANSCRIPT`. */
export function renewTranscript(input: RenewTranscript): Buffer {
  return lengthPrefixed([
    ...head('blazon-renew-v1', input),
    sha256(input.subject),
    sha256(input.csr),
    fromHex(input.serial, 16, 'a serial'),
  ])
}

/** ECDSA P-256 with SHA-256, DER. */
export function signTranscript(nodeKey: KeyObject, transcript: Buffer): Buffer {
  return sign('sha256', transcript, { key: nodeKey, dsaEncoding: 'der' })
}

/** Whether the node key signed exactly this; never throws, whatever the signature is. */
export function verifyTranscript(
  nodeKey: KeyObject,
  transcript: Buffer,
  signature: Buffer,
): boolean {
  if (nodeKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false
  return verify('sha256', transcript, { key: nodeKey, dsaEncoding: 'der' }, signature)
}

function head(purpose: string, input: TranscriptHead): readonly Buffer[] {
  return [
    Buffer.from(purpose),
    Buffer.from(input.trustDomain),
    fromHex(input.controllerKeySha256, 32, "a controller's key hash"),
    input.nonce,
  ]
}

const sha256 = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')

// Buffer.from(text, 'hex') stops silently at the first character it does not like.
function fromHex(text: string, bytes: number, what: string): Buffer {
  const isHex = /^[0-9a-f]+$/.test(text)
  if (isHex && text.length === bytes * 2) return Buffer.from(text, 'hex')
  throw new AttestError(
    'ERR_TRANSCRIPT',
    `expected ${what} of ${String(bytes * 2)} hex digits, got ${String(text.length)} characters`,
  )
}

function lengthPrefixed(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      return [length, part]
    }),
  )
}
