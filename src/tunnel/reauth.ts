import { createHash, sign, verify } from 'node:crypto'
import { messageOf } from '../base/errors.ts'
import {
  checkFullProfile,
  verifyPeer,
  type PeerRefusal,
  type TrustProfile,
  type VerifiedPeer,
} from '../identity/index.ts'
import type { Reason } from '../policy/reason.ts'
import type { LocalIdentity, Trust } from './context.ts'
import type { ReauthenticateMessage } from './control.ts'

/** The end that proves a renewed identity. */
export type Direction = 'dialler' | 'acceptor'

export const exporterLabel = 'EXPORTER-blazon-reauth'
export const exporterBytes = 32
const purpose = 'blazon-reauth-v1'
const directionCodes = { dialler: 1, acceptor: 2 } as const

/** Context of the TLS exporter (RFC 8446 7.5): one value per direction and sequence, so none fits twice. */
export function exporterContext(direction: Direction, sequence: number): Buffer {
  const context = Buffer.alloc(9)
  context.writeUInt8(directionCodes[direction])
  context.writeBigUInt64BE(BigInt(sequence), 1)
  return context
}

/**
 * What the new key signs: a list, each part preceded by its length (32-bit big-endian), of purpose,
 * direction and sequence, exporter value, SHA-256 of each certificate, and SHA-256 of the profile.
 */
export function reauthenticationTranscript(input: {
  readonly direction: Direction
  readonly sequence: number
  readonly exporter: Buffer
  readonly chain: readonly Buffer[]
  readonly profile: Buffer
}): Buffer {
  const parts = [
    Buffer.from(purpose),
    exporterContext(input.direction, input.sequence),
    input.exporter,
    ...input.chain.map(sha256),
    sha256(input.profile),
  ]
  return Buffer.concat(parts.flatMap((part) => [lengthOf(part), part]))
}

/** The message that proves `identity` on the TLS session that `exporter` comes from. */
export function signReauthentication(input: {
  readonly direction: Direction
  readonly sequence: number
  readonly exporter: Buffer
  readonly identity: LocalIdentity
}): ReauthenticateMessage {
  const { direction, sequence, exporter, identity } = input
  const { chain } = identity
  const profile = identity.profile.encoded
  const transcript = reauthenticationTranscript({ direction, sequence, exporter, chain, profile })
  const signature = sign('sha256', transcript, identity.privateKey)
  return { kind: 'reauthenticate', sequence, chain, profile, signature }
}

export type ReauthenticationVerdict =
  | { readonly ok: true; readonly peer: VerifiedPeer; readonly profile: TrustProfile }
  /** `forged` ends the tunnel; otherwise the old identity stays until it expires. */
  | {
      readonly ok: false
      readonly reason: Reason
      readonly detail: string
      readonly forged: boolean
    }

/** Decides whether a peer may go on under a renewed identity (PROTOCOL §4). */
export function checkReauthentication(input: {
  readonly message: ReauthenticateMessage
  readonly direction: Direction
  readonly lastSequence: number
  readonly exporter: Buffer
  readonly current: VerifiedPeer
  readonly trust: Trust
}): ReauthenticationVerdict {
  const { message, direction, lastSequence, exporter, current, trust } = input
  const { sequence, chain, profile, signature } = message
  if (sequence !== lastSequence + 1) {
    return forged(`expected sequence ${String(lastSequence + 1)}, got ${String(sequence)}`)
  }
  const verdict = verifyPeer({ chain, ...trust })
  if (!verdict.ok) {
    const reason = reasonOfRefusal(verdict.code)
    return { ok: false, reason, detail: `${verdict.code}: ${verdict.detail}`, forged: false }
  }
  const { peer } = verdict
  const problem = successionProblem(current, peer)
  if (problem !== undefined) return forged(problem)
  const transcript = reauthenticationTranscript({ direction, sequence, exporter, chain, profile })
  if (!verify('sha256', transcript, peer.publicKey, signature)) {
    return forged('the signature is not by the new key over this session')
  }
  return checkProfile(peer, profile)
}

function checkProfile(peer: VerifiedPeer, profile: Buffer): ReauthenticationVerdict {
  try {
    return { ok: true, peer, profile: checkFullProfile(peer, profile) }
  } catch (error: unknown) {
    return { ok: false, reason: 'profile-mismatch', detail: messageOf(error), forged: true }
  }
}

/** A renewed identity is the same workload, and never what it was before. */
function successionProblem(current: VerifiedPeer, next: VerifiedPeer): string | undefined {
  if (next.workload === undefined || current.workload === undefined) return 'not a workload'
  if (next.workload.workloadId !== current.workload.workloadId) {
    return `expected workload ${current.workload.workloadId}, got ${next.workload.workloadId}`
  }
  if (next.workload.generation < current.workload.generation) {
    return `expected generation ${String(current.workload.generation)} or later, got ${String(next.workload.generation)}`
  }
  return undefined
}

/** The closed reason that a refused certificate is counted under. */
export function reasonOfRefusal(code: PeerRefusal): Reason {
  if (code === 'below-floor') return 'below-floor'
  if (code === 'expired') return 'identity-expired'
  if (code === 'not-yet-valid') return 'clock-skew'
  return 'untrusted-peer'
}

function forged(detail: string): ReauthenticationVerdict {
  return { ok: false, reason: 'untrusted-peer', detail, forged: true }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(part.length)
  return length
}
