import { createPrivateKey, type KeyObject } from 'node:crypto'
import { messageOf } from '../base/errors.ts'
import type { TrustBundle } from '../identity/bundle.ts'
import type { Floors } from '../identity/floors.ts'
import type { WorkloadFacts } from '../identity/identity-extension.ts'
import { keySha256, spkiOf } from '../identity/public-key.ts'
import type { SpiffeId } from '../identity/spiffe-id.ts'
import type { TrustProfile } from '../identity/trust-profile.ts'
import { checkFullProfile, verifyPeer } from '../identity/verify-peer.ts'
import { SidecarError } from './sidecar-error.ts'
import type { StoredIdentity } from './stored-state.ts'

/** The workload's present SVID: who this sidecar is towards everybody else. */
export interface OwnIdentity {
  readonly spiffeId: SpiffeId
  readonly workload: WorkloadFacts
  readonly chain: readonly Buffer[]
  readonly privateKey: KeyObject
  readonly profile: TrustProfile
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
  /** When it was received: half-life counts from here, not from the backdated `notBefore`. */
  readonly obtainedMs: number
}

/**
 * Checks an SVID that is to be our own as strictly as a peer's: chain, key, workload facts, profile
 * digest. Throws `ERR_CONTROLLER_ANSWER`.
 */
export function checkOwnIdentity(input: {
  readonly chain: readonly Buffer[]
  readonly profile: Buffer
  readonly privateKey: KeyObject
  readonly obtainedMs: number
  readonly bundle: TrustBundle
  readonly floors: Floors
  readonly now: number
}): OwnIdentity {
  const { chain, bundle, floors, now, privateKey } = input
  const verdict = verifyPeer({ chain, bundle, floors, now })
  if (!verdict.ok) throw unusable(`${verdict.code}: ${verdict.detail}`)
  const { peer } = verdict
  if (peer.workload === undefined) throw unusable(`${peer.spiffeId} is no workload`)
  if (peer.keySha256 !== keySha256(spkiOf(privateKey))) throw unusable('it certifies another key')
  return {
    spiffeId: peer.spiffeId,
    workload: peer.workload,
    chain,
    privateKey,
    profile: readProfile(input.profile, peer),
    serial: peer.serial,
    notBefore: peer.notBefore,
    notAfter: peer.notAfter,
    obtainedMs: input.obtainedMs,
  }
}

function readProfile(profile: Buffer, peer: Parameters<typeof checkFullProfile>[0]): TrustProfile {
  try {
    return checkFullProfile(peer, profile)
  } catch (cause: unknown) {
    throw unusable(messageOf(cause), cause)
  }
}

/** The form in which an identity is kept. */
export function storeIdentity(identity: OwnIdentity): StoredIdentity {
  return {
    chain: identity.chain,
    privateKey: identity.privateKey.export({ format: 'der', type: 'pkcs8' }),
    profile: identity.profile.encoded,
    obtainedMs: identity.obtainedMs,
  }
}

export function readPrivateKey(pkcs8: Buffer): KeyObject {
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

function unusable(detail: string, cause?: unknown): SidecarError {
  return new SidecarError('ERR_CONTROLLER_ANSWER', `SVID cannot be used: ${detail}`, { cause })
}
