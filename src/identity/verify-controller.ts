import { hash } from 'node:crypto'
import { messageOf, quote } from '../base/errors.ts'
import { bundleFingerprint, type TrustBundle } from './bundle.ts'
import { readCertificate } from './certificate.ts'
import { noFloors } from './floors.ts'
import type { PeerRefusal } from './peer-refusal.ts'
import { controllerId } from './reserved-path.ts'
import { parseSpiffeId, trustDomainOf, type TrustDomain } from './spiffe-id.ts'
import { verifyPeer, type VerifiedPeer } from './verify-peer.ts'

/** By what a controller is recognised. */
export type ControllerTrust =
  /** From an earlier contact: roots, accepted issuers and trust domain. */
  | { readonly kind: 'bundle'; readonly bundle: TrustBundle }
  /**
   * First contact: pinned roots. No list of issuers is known yet, so any issuing certificate that
   * one of them has signed is taken, unless the bundle of an earlier life (`known`) says that it was
   * withdrawn. Without a trust domain it is the one that the controller proves.
   */
  | {
      readonly kind: 'roots'
      readonly roots: readonly Buffer[]
      readonly trustDomain?: TrustDomain | undefined
      readonly known?: TrustBundle | undefined
    }

/** The controller as its certificate proves it, or why what answered is not taken for it. */
export type ControllerVerdict =
  | { readonly ok: true; readonly trustDomain: TrustDomain; readonly controller: VerifiedPeer }
  | {
      readonly ok: false
      readonly code: PeerRefusal | 'not-the-controller'
      readonly detail: string
    }

/** The DER roots that a connection is anchored in. */
export function rootsOfTrust(trust: ControllerTrust): readonly Buffer[] {
  return trust.kind === 'bundle' ? trust.bundle.roots : trust.roots
}

/**
 * Decides whether a chain (leaf, issuer) is the controller's: signed under our roots, good now, and
 * `spiffe://<trust domain>/blazon/controller`. A workload's certificate of the same domain is refused,
 * and so is an administrator's. Never throws.
 */
export function verifyController(question: {
  readonly chain: readonly Buffer[]
  readonly trust: ControllerTrust
  /** Milliseconds since the epoch. */
  readonly now: number
}): ControllerVerdict {
  const { chain, trust, now } = question
  try {
    const bundle = trust.kind === 'bundle' ? trust.bundle : firstContactBundle(chain, trust)
    const verdict = verifyPeer({ chain, bundle, floors: noFloors, now })
    if (!verdict.ok) return verdict
    const { trustDomain } = bundle
    const { spiffeId } = verdict.peer
    const expected = controllerId(trustDomain)
    if (spiffeId !== expected) {
      const detail = `expected ${expected}, got ${quote(spiffeId)}`
      return { ok: false, code: 'not-the-controller', detail }
    }
    return { ok: true, trustDomain, controller: verdict.peer }
  } catch (error: unknown) {
    return { ok: false, code: 'chain-malformed', detail: messageOf(error) }
  }
}

/** Why what answered is not taken for the controller, as part of a sentence. */
export function controllerRefusal({
  code,
  detail,
}: Extract<ControllerVerdict, { ok: false }>): string {
  return code === 'not-the-controller' ? detail : `${code}: ${detail}`
}

/** The bundle that would accept this chain; `verifyPeer` still proves every link of it up to a root. */
function firstContactBundle(
  [leaf, issuer]: readonly Buffer[],
  trust: Extract<ControllerTrust, { kind: 'roots' }>,
): TrustBundle {
  if (leaf === undefined || issuer === undefined) {
    throw new Error('expected a certificate and its issuer from the controller')
  }
  const { keySha256 } = readCertificate(issuer)
  const isTainted = trust.known?.issuers.get(keySha256) === 'tainted'
  return {
    trustDomain: trust.trustDomain ?? trustDomainOfLeaf(leaf),
    version: 0,
    roots: trust.roots,
    issuers: new Map([[keySha256, isTainted ? 'tainted' : 'active']]),
    jwtKeys: [],
  }
}

function trustDomainOfLeaf(leaf: Buffer): TrustDomain {
  const [name] = readCertificate(leaf).uris
  if (name === undefined) throw new Error('expected a SPIFFE ID in the certificate, got none')
  return trustDomainOf(parseSpiffeId(name))
}

/**
 * The root with this fingerprint (lower-case hex) among what a controller presents, or undefined. The
 * hash alone vouches for it, wherever it came from; the controller is still to be verified under it.
 */
export function rootByFingerprint(
  presented: readonly Buffer[],
  fingerprint: string,
): Buffer | undefined {
  const root = presented.find((der) => hash('sha256', der) === fingerprint)
  return root !== undefined && readCertificate(root).isCa ? root : undefined
}

/** What a root is pinned by: its SHA-256, as `openssl x509 -fingerprint -sha256` counts it. */
export function rootFingerprint(root: Buffer): string {
  return bundleFingerprint({ roots: [root] })
}

/** Deeper than any chain of ours, so that a peer cannot make us walk for ever. */
const longestChain = 8

/** A certificate as Node's TLS hands it out, with what it knows of its issuers. */
export interface PresentedCertificate {
  readonly raw?: Buffer
  readonly issuerCertificate?: PresentedCertificate | undefined
}

/** The DER certificates that a peer presented, leaf first; a root names itself as its issuer. */
export function presentedChain(leaf: PresentedCertificate): readonly Buffer[] {
  const chain: Buffer[] = []
  let at: PresentedCertificate | undefined = leaf
  while (at?.raw !== undefined && chain.length < longestChain) {
    const { raw }: PresentedCertificate = at
    if (chain.some((known) => known.equals(raw))) break
    chain.push(raw)
    at = at.issuerCertificate
  }
  return chain
}
