import { DerReader, derTag } from './der.ts'
import { derOctetString, derSequence, derUnsigned } from './der-write.ts'
import { IdentityError } from './identity-error.ts'
import { oidBytes } from './oid.ts'
import { decodeProfile } from './profile-codec.ts'
import { maxProfileBytes, type TrustProfile } from './trust-profile.ts'

/** What a certificate says of a workload beside its SPIFFE ID (PROTOCOL §2). */
export interface WorkloadFacts {
  /** 32 hex characters; the same over renewals. */
  readonly workloadId: string
  /** 1 or more; grows with every issue that changes what the workload is. */
  readonly generation: number
  /** What a stranger may see. */
  readonly publicProfile: TrustProfile
  /** SHA-256 of the full profile, hex. */
  readonly profileDigest: string
}

/** The UUID 3b6e4076-2fec-4cf9-98fc-c939125d597c as an object identifier (X.667). */
export const identityExtensionOidText = '2.25.78996911843718143389710090211887503740'
/** The content octets of that object identifier: certificates are matched by these. */
export const identityExtensionOid: Buffer = oidBytes(identityExtensionOidText)

const version = 1
const workloadIdBytes = 16
const digestBytes = 32
const maxExtensionBytes = maxProfileBytes + 128

/*
 * Identity ::= SEQUENCE { version INTEGER (1), workloadId OCTET STRING (SIZE (16)),
 *   generation INTEGER (1..2^53-1), profileDigest OCTET STRING (SIZE (32)), publicProfile Profile }
 */

/** The content of the extension's extnValue. */
export function encodeIdentityExtension(facts: WorkloadFacts): Buffer {
  return derSequence(
    derUnsigned(version),
    derOctetString(hexBytes(facts.workloadId, workloadIdBytes, 'workload id')),
    derUnsigned(checkGeneration(facts.generation)),
    derOctetString(hexBytes(facts.profileDigest, digestBytes, 'profile digest')),
    facts.publicProfile.encoded,
  )
}

/** Throws `ERR_IDENTITY_EXTENSION`, `ERR_DER`, or what `decodeProfile` throws. */
export function decodeIdentityExtension(der: Buffer): WorkloadFacts {
  const reader = DerReader.open(der, maxExtensionBytes)
  const facts = reader.sequence(readFacts)
  reader.finish()
  return facts
}

function readFacts(reader: DerReader): WorkloadFacts {
  const seen = reader.unsigned()
  if (seen !== version) throw fault(`expected version ${String(version)}, got ${String(seen)}`)
  return {
    workloadId: reader.octets(workloadIdBytes).toString('hex'),
    generation: checkGeneration(reader.unsigned()),
    profileDigest: reader.octets(digestBytes).toString('hex'),
    publicProfile: decodeProfile(reader.element(derTag.sequence)),
  }
}

function checkGeneration(generation: number): number {
  if (!Number.isSafeInteger(generation) || generation < 1) {
    throw fault(`expected a generation of 1 or more, got ${String(generation)}`)
  }
  return generation
}

function hexBytes(text: string, length: number, what: string): Buffer {
  const bytes = Buffer.from(text, 'hex')
  if (bytes.length !== length || bytes.toString('hex') !== text) {
    throw fault(`expected a ${what} of ${String(length * 2)} lower-case hex characters`)
  }
  return bytes
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_IDENTITY_EXTENSION', message)
}
