import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'
import { messageOf, quote } from '../base/errors.ts'
import { bundleFingerprint, type TrustBundle } from '../identity/bundle.ts'
import { readCertificate, type Certificate } from '../identity/certificate.ts'
import { noFloors } from '../identity/floors.ts'
import { controllerId } from '../identity/reserved-path.ts'
import { parseSpiffeId, trustDomainOf, type TrustDomain } from '../identity/spiffe-id.ts'
import { verifyPeer } from '../identity/verify-peer.ts'

/** What the client already knows of the controller it calls. */
export type ControllerTrust =
  /** From an earlier login: roots, accepted issuers and trust domain. */
  | { readonly kind: 'bundle'; readonly bundle: TrustBundle }
  /** First contact: roots only. Any issuer they signed is taken, the trust domain is what it proves to be. */
  | { readonly kind: 'roots'; readonly roots: readonly Buffer[] }

/** The DER roots that a connection is anchored in. */
export function rootsOf(trust: ControllerTrust): readonly Buffer[] {
  return trust.kind === 'bundle' ? trust.bundle.roots : trust.roots
}

/** The controller as its certificate proves it, or the sentence that says why it is refused. */
export type ControllerCheck =
  | { readonly ok: true; readonly trustDomain: TrustDomain }
  | { readonly ok: false; readonly refusal: string }

/**
 * Checks that a presented chain is the controller's: signed under our roots, good now, and
 * spiffe://<trust domain>/blazon/controller. A workload's certificate of the same domain is refused.
 */
export function checkController(
  chain: readonly Buffer[],
  trust: ControllerTrust,
  now: number,
): ControllerCheck {
  try {
    const bundle = trust.kind === 'bundle' ? trust.bundle : firstContactBundle(chain, trust.roots)
    const result = verifyPeer({ chain, bundle, floors: noFloors, now })
    if (!result.ok) return { ok: false, refusal: `${result.code}: ${result.detail}` }
    if (result.peer.spiffeId !== controllerId(bundle.trustDomain)) {
      return {
        ok: false,
        refusal: `expected ${controllerId(bundle.trustDomain)}, got ${quote(result.peer.spiffeId)}`,
      }
    }
    return { ok: true, trustDomain: bundle.trustDomain }
  } catch (error: unknown) {
    return { ok: false, refusal: messageOf(error) }
  }
}

/** The bundle that would accept this chain; `verifyPeer` still proves every link of it up to a root. */
function firstContactBundle(chain: readonly Buffer[], roots: readonly Buffer[]): TrustBundle {
  const [leaf, issuer] = chain.slice(0, 2).map((der): Certificate => readCertificate(der))
  const name = leaf?.uris[0]
  if (name === undefined || issuer === undefined) {
    throw new Error('expected a SPIFFE certificate and its issuer from the controller')
  }
  return {
    trustDomain: trustDomainOf(parseSpiffeId(name)),
    version: 0,
    roots,
    issuers: new Map([[issuer.keySha256, 'active']]),
    jwtKeys: [],
  }
}

/** Deeper than any chain of ours, so that a peer cannot make us walk for ever. */
const longestChain = 8

/** The DER certificates of a peer, leaf first, as far as the connection knows them. */
export function presentedChain(peer: PeerCertificate | DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  let at: PeerCertificate | DetailedPeerCertificate | undefined = peer
  while (at?.raw !== undefined && chain.length < longestChain) {
    const { raw } = at
    if (chain.some((seen) => seen.equals(raw))) break
    chain.push(raw)
    at = 'issuerCertificate' in at ? at.issuerCertificate : undefined
  }
  return chain
}

/** What a root is pinned by: its SHA-256, as `openssl x509 -fingerprint -sha256` counts it. */
export function fingerprintOf(root: Buffer): string {
  return bundleFingerprint({ roots: [root] })
}
