import { hash, type KeyObject } from 'node:crypto'
import { messageOf } from '../base/errors.ts'
import type { TrustBundle } from './bundle.ts'
import { readCertificate, type Certificate } from './certificate.ts'
import type { Floors } from './floors.ts'
import { IdentityError } from './identity-error.ts'
import type { WorkloadFacts } from './identity-extension.ts'
import { Refusal, type PeerRefusal } from './peer-refusal.ts'
import { decodeProfile } from './profile-codec.ts'
import { isPartOf } from './profile.ts'
import { isReservedPath } from './reserved-path.ts'
import { parseSpiffeId, pathOf, trustDomainOf, type SpiffeId } from './spiffe-id.ts'
import type { TrustProfile } from './trust-profile.ts'
import { isSignedBy, trustedIssuer } from './trusted-issuer.ts'

export type { PeerRefusal } from './peer-refusal.ts'

/** Somebody whose certificate holds by every rule of PROTOCOL §2. Possession of the key is TLS's to prove. */
export interface VerifiedPeer {
  readonly spiffeId: SpiffeId
  readonly serial: string
  readonly notBefore: number
  /** Milliseconds since the epoch: the earliest end of leaf, issuer and root. */
  readonly notAfter: number
  readonly keySha256: string
  readonly publicKey: KeyObject
  readonly issuerKeySha256: string
  /** Undefined for Blazon's own parts, whose paths are reserved. */
  readonly workload: WorkloadFacts | undefined
  /** As it was presented. */
  readonly chain: readonly Buffer[]
}

export type PeerVerdict =
  | { readonly ok: true; readonly peer: VerifiedPeer }
  | { readonly ok: false; readonly code: PeerRefusal; readonly detail: string }

export interface PeerQuestion {
  /** DER: leaf, issuer, and then nothing or a root of the bundle. */
  readonly chain: readonly Buffer[]
  readonly bundle: TrustBundle
  readonly floors: Floors
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Decides whether a certificate chain stands for somebody of our trust domain (SPIFFE X.509-SVID 5,
 * PROTOCOL §2). Who signed is settled before anything is said about the leaf, so that a refusal such
 * as `below-floor` names a workload only where our own CA did. Never throws: what goes wrong is
 * `chain-malformed`.
 */
export function verifyPeer(question: PeerQuestion): PeerVerdict {
  try {
    return { ok: true, peer: verify(question) }
  } catch (error: unknown) {
    if (error instanceof Refusal) return { ok: false, code: error.code, detail: error.message }
    return { ok: false, code: 'chain-malformed', detail: messageOf(error) }
  }
}

function verify({ chain, bundle, floors, now }: PeerQuestion): VerifiedPeer {
  // Every comparison with NaN is false, and would let any date pass.
  if (!Number.isFinite(now)) throw new Error(`BUG: the time is ${String(now)}`)
  const [leafDer, issuerDer] = splitChain(chain, bundle)
  const leaf = readCertificate(leafDer)
  const id = checkNames(leaf, bundle)
  const { issuer, root } = trustedIssuer(issuerDer, bundle)
  if (!isSignedBy(leaf, issuer)) {
    throw new Refusal('signature-invalid', 'the leaf is not signed by the issuer that came with it')
  }
  checkDates({ leaf, issuer, root }, now)
  checkLeaf(leaf)
  checkWorkload(id, leaf.workload, floors)
  return {
    spiffeId: id,
    serial: leaf.serial,
    notBefore: leaf.notBefore,
    notAfter: Math.min(leaf.notAfter, issuer.notAfter, root.notAfter),
    keySha256: leaf.keySha256,
    publicKey: leaf.publicKey,
    issuerKeySha256: issuer.keySha256,
    workload: leaf.workload,
    chain,
  }
}

function splitChain(chain: readonly Buffer[], bundle: TrustBundle): [Buffer, Buffer] {
  const [leaf, issuer, root, ...more] = chain
  if (leaf === undefined || issuer === undefined || more.length > 0) {
    throw new Refusal(
      'chain-malformed',
      `expected a leaf and its issuer, got ${String(chain.length)} certificates`,
    )
  }
  if (root !== undefined && !bundle.roots.some((known) => known.equals(root))) {
    throw new Refusal('root-unknown', 'the chain ends in a root that is not in the bundle')
  }
  return [leaf, issuer]
}

function checkNames(leaf: Certificate, bundle: TrustBundle): SpiffeId {
  const [uri] = leaf.uris
  if (uri === undefined || leaf.uris.length !== 1 || leaf.otherNames !== 0) {
    throw new Refusal(
      'wrong-names',
      `expected one URI name and no other, got ${String(leaf.uris.length)} and ${String(leaf.otherNames)} others`,
    )
  }
  const id = parseName(uri)
  if (trustDomainOf(id) !== bundle.trustDomain) {
    throw new Refusal(
      'wrong-trust-domain',
      `expected trust domain ${bundle.trustDomain}, got ${trustDomainOf(id)}`,
    )
  }
  return id
}

function parseName(uri: string): SpiffeId {
  try {
    return parseSpiffeId(uri)
  } catch (error: unknown) {
    throw new Refusal('wrong-names', messageOf(error))
  }
}

function checkDates(path: Readonly<Record<string, Certificate>>, now: number): void {
  for (const [role, certificate] of Object.entries(path)) {
    if (now < certificate.notBefore) {
      throw new Refusal(
        'not-yet-valid',
        `the ${role} is valid from ${iso(certificate.notBefore)}, now is ${iso(now)}`,
      )
    }
    if (now >= certificate.notAfter) {
      throw new Refusal(
        'expired',
        `the ${role} was valid until ${iso(certificate.notAfter)}, now is ${iso(now)}`,
      )
    }
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'

function checkLeaf(leaf: Certificate): void {
  if (leaf.isCa) throw new Refusal('not-a-leaf', 'expected an end entity, got a CA')
  const usage = [...leaf.keyUsage].join(', ')
  if (usage !== 'digitalSignature') {
    throw new Refusal('wrong-key-usage', `expected digitalSignature only, got "${usage}"`)
  }
  if (!leaf.extendedKeyUsage.has(serverAuth) || !leaf.extendedKeyUsage.has(clientAuth)) {
    const extended = [...leaf.extendedKeyUsage].join(', ')
    throw new Refusal(
      'wrong-extended-key-usage',
      `expected server and client authentication, got "${extended}"`,
    )
  }
}

function checkWorkload(id: SpiffeId, workload: WorkloadFacts | undefined, floors: Floors): void {
  if (isReservedPath(pathOf(id))) {
    if (workload === undefined) return
    throw new Refusal('identity-unexpected', `${id} is reserved, but says it is a workload`)
  }
  if (workload === undefined) {
    throw new Refusal('identity-missing', `${id} has no workload id and no profile`)
  }
  const lowest = floors.lowestGood(workload.workloadId)
  if (workload.generation < lowest) {
    throw new Refusal(
      'below-floor',
      `generation ${String(workload.generation)} of workload ${workload.workloadId} was revoked; the lowest good one is ${String(lowest)}`,
    )
  }
}

/**
 * Decodes the full profile that a peer sent and proves that it is the one its certificate was issued
 * for. Throws `ERR_PROFILE_DIGEST`, or what `decodeProfile` throws.
 */
export function checkFullProfile(
  peer: Pick<VerifiedPeer, 'workload'>,
  profileDer: Buffer,
): TrustProfile {
  if (peer.workload === undefined) {
    throw new IdentityError(
      'ERR_PROFILE_DIGEST',
      'expected no profile from a peer that is no workload',
    )
  }
  const digest = hash('sha256', profileDer)
  if (digest !== peer.workload.profileDigest) {
    throw new IdentityError(
      'ERR_PROFILE_DIGEST',
      `expected the profile ${peer.workload.profileDigest}, got ${digest}`,
    )
  }
  const profile = decodeProfile(profileDer)
  if (!isPartOf(peer.workload.publicProfile, profile)) {
    throw new IdentityError(
      'ERR_PROFILE_DIGEST',
      'the public profile is not a part of the full one',
    )
  }
  return profile
}
