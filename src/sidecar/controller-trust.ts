import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import type { HostPort } from '../base/env.ts'
import { formatHostPort } from '../base/env.ts'
import { messageOf, quote } from '../base/errors.ts'
import type { TrustBundle } from '../identity/bundle.ts'
import { readCertificate } from '../identity/certificate.ts'
import { noFloors } from '../identity/floors.ts'
import { controllerId } from '../identity/reserved-path.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import { verifyPeer, type VerifiedPeer } from '../identity/verify-peer.ts'
import { SidecarError } from './sidecar-error.ts'

/** By what a controller is recognised: which roots, and the whole check of what it presents. */
export interface ControllerTrust {
  readonly roots: readonly Buffer[]
  /** Throws `ERR_CONTROLLER_IDENTITY` unless the chain (leaf, issuer) is this domain's controller. */
  verify(chain: readonly Buffer[]): VerifiedPeer
}

/** Trust in the bundle that the controller has pushed: its issuer has to be listed there. */
export function trustBundle(bundle: TrustBundle, clock: { now(): number }): ControllerTrust {
  return {
    roots: bundle.roots,
    verify: (chain) => verifyController(chain, bundle, clock.now()),
  }
}

/**
 * Trust at first contact, from pinned roots: no list of issuers is known yet, so any issuing
 * certificate that a pinned root has signed is taken, unless the bundle of an earlier life (`known`)
 * says that it was withdrawn; everything else is checked as always.
 */
export function trustPinnedRoots(
  trustDomain: TrustDomain,
  roots: readonly Buffer[],
  clock: { now(): number },
  known?: TrustBundle,
): ControllerTrust {
  return {
    roots,
    verify: (chain) => {
      const issuer = chain[1]
      if (issuer === undefined) throw refused('it presented no issuing certificate')
      const { keySha256 } = readCertificate(issuer)
      const isTainted = known?.issuers.get(keySha256) === 'tainted'
      const issuers = new Map([[keySha256, isTainted ? ('tainted' as const) : ('active' as const)]])
      const bundle: TrustBundle = { trustDomain, version: 0, roots, issuers, jwtKeys: [] }
      return verifyController(chain, bundle, clock.now())
    },
  }
}

function verifyController(
  chain: readonly Buffer[],
  bundle: TrustBundle,
  now: number,
): VerifiedPeer {
  const result = verifyPeer({ chain, bundle, floors: noFloors, now })
  if (!result.ok) throw refused(`${result.code}: ${result.detail}`)
  const expected = controllerId(bundle.trustDomain)
  if (result.peer.spiffeId !== expected) {
    throw refused(`expected ${expected}, got ${quote(result.peer.spiffeId)}`)
  }
  return result.peer
}

function refused(detail: string): SidecarError {
  return new SidecarError('ERR_CONTROLLER_IDENTITY', `not the controller: ${detail}`)
}

/** Reads pinned roots (PEM, one or more) as DER; each has to be a CA certificate. */
export async function readPinnedRoots(path: string): Promise<readonly Buffer[]> {
  try {
    const pem = await readFile(path, 'utf8')
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    const roots = blocks.map((block) => new X509Certificate(block).raw)
    if (roots.length === 0) throw new Error('no certificate in it')
    for (const root of roots) {
      if (!readCertificate(root).isCa) throw new Error('a certificate in it is not a CA')
    }
    return roots
  } catch (cause: unknown) {
    throw new SidecarError(
      'ERR_PIN',
      `expected PEM roots of the trust domain in ${quote(path)}: ${messageOf(cause)}`,
      { cause },
    )
  }
}

const probeTimeoutMs = 10_000

/**
 * Fetches the root whose DER has this SHA-256 out of what the controller presents. The hash alone
 * vouches for it; the connection is not used for anything else, and the real one is checked against it.
 */
export async function fetchPinnedRoot(
  address: HostPort,
  sha256: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const presented = await presentedChain(address, signal)
  const root = presented.find((der) => createHash('sha256').update(der).digest('hex') === sha256)
  if (root !== undefined && readCertificate(root).isCa) return root
  throw new SidecarError(
    'ERR_PIN',
    `${formatHostPort(address)} presented no root with the SHA-256 ${sha256}: ${String(presented.length)} certificates seen`,
  )
}

async function presentedChain(address: HostPort, signal: AbortSignal): Promise<readonly Buffer[]> {
  return await new Promise((resolve, reject) => {
    const socket = connect({
      ...address,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
      rejectUnauthorized: false, // checked by hash below, and again on the real connection
    })
    const giveUp = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)])
    const onAbort = (): void => {
      socket.destroy(new Error('no TLS handshake in time'))
    }
    giveUp.addEventListener('abort', onAbort, { once: true })
    socket.once('secureConnect', () => {
      resolve(chainOf(socket.getPeerCertificate(true)))
      socket.destroy()
    })
    socket.on('error', (cause) => {
      reject(new SidecarError('ERR_PIN', `cannot reach ${formatHostPort(address)}`, { cause }))
    })
    socket.once('close', () => {
      giveUp.removeEventListener('abort', onAbort)
    })
  })
}

const longestChain = 8

/** The certificates that a peer presented, leaf first. */
export function chainOf(leaf: DetailedPeerCertificate): readonly Buffer[] {
  const chain: Buffer[] = []
  // Node's types promise an issuer; without one on the wire there is none.
  let at: Partial<DetailedPeerCertificate> | undefined = leaf
  while (at !== undefined && chain.length < longestChain) {
    const { raw, issuerCertificate }: Partial<DetailedPeerCertificate> = at
    if (raw === undefined || chain.some((known) => known.equals(raw))) break
    chain.push(raw)
    at = issuerCertificate
  }
  return chain
}
