import { verify } from 'node:crypto'
import { messageOf, quote } from '../../base/errors.ts'
import { IdentityError } from '../../identity/identity-error.ts'
import { checkAlgorithms, schemeOf } from './algorithm.ts'
import { berLimits } from './ber.ts'
import { claimedRegion, readDocument, type InstanceIdentityDocument } from './document.ts'
import { regionForm } from './document-form.ts'
import { isWeak, type IidForm } from './form.ts'
import { hasSigner, type IidKey, type IidKeys } from './keys.ts'
import { Refusal, type IidRefusal } from './refusal.ts'
import { checkSignedAttributes, signedBytes } from './signed-attributes.ts'
import { readSignedData, type SignedData } from './signed-data.ts'

/** A signed document in one of its forms. */
export type IidEvidence =
  | {
      readonly form: 'rsa2048' | 'pkcs7'
      /** PKCS#7, BER. */
      readonly blob: Buffer
      /** A document that came beside the blob: it must be the one inside, and is not used. */
      readonly document?: Buffer | undefined
    }
  | {
      readonly form: 'signature'
      /** To the byte as it was served. */
      readonly document: Buffer
      readonly signature: Buffer
    }

/** A document that AWS signed. */
export interface VerifiedIid {
  readonly ok: true
  readonly document: InstanceIdentityDocument
  /** The bytes that were signed. */
  readonly raw: Buffer
  readonly form: IidForm
  /** Whether the form counts only where an enrolment rule asks for it. */
  readonly weak: boolean
  readonly region: string
  /** Of the pinned key, hex. */
  readonly keySha256: string
  /** When AWS says it signed, in milliseconds since the epoch; never of the form `signature`. */
  readonly signingTimeMs: number | undefined
}

export type IidVerdict =
  VerifiedIid | { readonly ok: false; readonly code: IidRefusal; readonly detail: string }

const maxSignatureBytes = 1024

/**
 * Decides whether AWS signed a document (PROTOCOL §3). Nothing is believed before the signature has
 * been verified with the one key that is pinned for the region and the form; the dates of that
 * key's certificates play no part, because AWS reissues them on the same key. It proves what the
 * instance is, not that the sender is that instance, nor that it is fresh. Never throws for what is
 * in the evidence.
 */
export function verifyIid(evidence: IidEvidence, keys: IidKeys): IidVerdict {
  try {
    return evidence.form === 'signature'
      ? verifyDetached(evidence, keys)
      : verifyBlob(evidence, keys)
  } catch (error: unknown) {
    if (error instanceof Refusal) return { ok: false, code: error.code, detail: error.message }
    if (error instanceof IdentityError) {
      return { ok: false, code: 'malformed-encoding', detail: messageOf(error) }
    }
    throw error
  }
}

function verifyBlob(
  { form, blob, document }: Extract<IidEvidence, { readonly blob: Buffer }>,
  keys: IidKeys,
): VerifiedIid {
  const data = readSignedData(blob)
  const key = pinnedKey(data.content, form, keys)
  const scheme = schemeOf(key.publicKey)
  checkAlgorithms(scheme, data.algorithms)
  checkSigner(data, key)
  const signingTimeMs = checkSignedAttributes(data, scheme)
  const signed = signedBytes(data.signedAttributes)
  if (!isSignedBy(key, scheme.digest, signed, data.signature)) throw wrongSignature(key)
  if (document?.equals(data.content) === false) {
    throw new Refusal(
      'document-mismatch',
      'the document beside the blob is not the one that was signed',
    )
  }
  return verified(data.content, key, signingTimeMs)
}

function verifyDetached(
  { document, signature }: Extract<IidEvidence, { readonly form: 'signature' }>,
  keys: IidKeys,
): VerifiedIid {
  if (document.length > berLimits.maxBytes || signature.length > maxSignatureBytes) {
    throw new Refusal(
      'too-large',
      `expected at most ${String(berLimits.maxBytes)} bytes of document and ${String(maxSignatureBytes)} of signature`,
    )
  }
  // A copy: what is read afterwards is what was verified, whoever holds the buffer.
  const content = Buffer.from(document)
  const key = pinnedKey(content, 'signature', keys)
  if (!isSignedBy(key, schemeOf(key.publicKey).digest, content, signature)) {
    throw wrongSignature(key)
  }
  return verified(content, key, undefined)
}

function verified(raw: Buffer, key: IidKey, signingTimeMs: number | undefined): VerifiedIid {
  const { form, region, keySha256 } = key
  const document = readDocument(raw)
  // The key was chosen by a look at bytes that nobody had read properly yet.
  if (document.region !== region) {
    throw new Refusal(
      'region-mismatch',
      `the document of ${quote(document.region)} was taken for one of ${region}`,
    )
  }
  return { ok: true, document, raw, form, weak: isWeak(form), region, keySha256, signingTimeMs }
}

/** One key, or none: trying others would unbind the document from its region. */
function pinnedKey(content: Buffer, form: IidForm, keys: IidKeys): IidKey {
  const region = claimedRegion(content)
  if (region === undefined || !regionForm.pattern.test(region)) {
    throw new Refusal('region-missing', 'expected a document that names its region')
  }
  const key = keys.find(region, form)
  if (key !== undefined) return key
  if (!keys.hasRegion(region)) {
    throw new Refusal(
      'unknown-region',
      `the document says region ${quote(region)}, for which no AWS key is pinned; docs/aws-iid-keys.md tells how to add one`,
    )
  }
  throw new Refusal('no-key-for-form', `no key is pinned for the ${form} form in ${region}`)
}

function checkSigner({ issuer, serial }: SignedData, key: IidKey): void {
  if (hasSigner(key, { issuer, serial })) return
  throw new Refusal(
    'wrong-signer',
    `expected the signer ${key.signers.map((signer) => signer.serial).join(' or ')} of ${key.region}, got serial ${quote(serial)} of ${quote(issuer)}`,
  )
}

function isSignedBy(key: IidKey, digest: string, signed: Buffer, signature: Buffer): boolean {
  // RSA takes no notice of the encoding; DSA wants it.
  return verify(digest, signed, { key: key.publicKey, dsaEncoding: 'der' }, signature)
}

function wrongSignature({ form, region }: IidKey): Refusal {
  return new Refusal(
    'signature-invalid',
    `the signature is not by the key that is pinned for ${form} in ${region}`,
  )
}
