import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { AuditError } from './audit-error.ts'
import type { AuditLink } from './entry.ts'
import { joinFields, numberField } from './fields.ts'

/** A signed statement that the chain had this end at this time. */
export interface AuditHead extends AuditLink {
  readonly timeMs: number
  /** SHA-256 of the key's SubjectPublicKeyInfo, hex. */
  readonly keyId: string
  /** ECDSA P-256 with SHA-256, DER. */
  readonly signature: Buffer
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer
}

const purpose = 'blazon-audit-head-v1'

function transcript(trustDomain: string, { sequence, hash, timeMs }: UnsignedHead): Buffer {
  return joinFields([purpose, trustDomain, numberField(sequence), hash, numberField(timeMs)])
}

interface UnsignedHead extends AuditLink {
  readonly timeMs: number
}

/** Signs the end of a chain with the audit key of a trust domain. */
export function signHead(
  trustDomain: string,
  head: UnsignedHead,
  key: { readonly keyId: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject },
): AuditHead {
  const { sequence, hash, timeMs } = head
  return {
    sequence,
    hash,
    timeMs,
    keyId: key.keyId,
    signature: sign('sha256', transcript(trustDomain, head), key.privateKey),
    publicKey: key.publicKey.export({ format: 'der', type: 'spki' }),
  }
}

/**
 * Checks that the key in a head has signed it, and is the key with `keyId` where one is given. Throws
 * `AuditError`: whether the key is to be believed is only said by a `keyId` from elsewhere.
 */
export function checkHead(trustDomain: string, head: AuditHead, keyId?: string): void {
  const own = createHash('sha256').update(head.publicKey).digest('hex')
  if (own !== head.keyId || (keyId !== undefined && keyId !== own)) {
    throw new AuditError(
      'ERR_AUDIT_HEAD_KEY',
      `expected a head signed with key ${keyId ?? head.keyId}, got one signed with ${own}`,
    )
  }
  if (!isSigned(trustDomain, head)) {
    throw new AuditError(
      'ERR_AUDIT_HEAD_SIGNATURE',
      `the signature of the head at entry ${String(head.sequence)} does not hold`,
    )
  }
}

function isSigned(trustDomain: string, head: AuditHead): boolean {
  try {
    const key = createPublicKey({ key: head.publicKey, format: 'der', type: 'spki' })
    const isCurve = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return isCurve && verify('sha256', transcript(trustDomain, head), key, head.signature)
  } catch {
    // A key or signature that cannot even be read has signed nothing.
    return false
  }
}
