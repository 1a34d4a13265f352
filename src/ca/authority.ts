import type { Clock } from '../base/clock.ts'
import { quote } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { IssuerState, TrustBundle } from '../identity/bundle.ts'
import type { WorkloadFacts } from '../identity/identity-extension.ts'
import { isReservedPath } from '../identity/reserved-path.ts'
import { pathOf, trustDomainOf, type SpiffeId, type TrustDomain } from '../identity/spiffe-id.ts'
import type { SigningKey } from './authority-key.ts'
import type { AuthorityStore } from './authority-store.ts'
import type { PublicKey } from './csr.ts'
import { CaError } from './errors.ts'
import type { KeyProtector } from './key-protector.ts'
import { signJwtSvid, type JwtRequest, type JwtSvid } from './jwt-svid.ts'
import { issueLeaf, type Issued } from './leaf.ts'
import { macKeyOf, openPurposeKey, type MacKey } from './purpose-key.ts'
import { listedJwtKey } from './jwt-key.ts'
import { openRings, type JwtRing, type Rings } from './rings.ts'
import { signWorkloadToken, type WorkloadTokenRequest } from './workload-token.ts'

export type { JwtRequest, JwtSvid } from './jwt-svid.ts'
export type { Issued } from './leaf.ts'
export type { SigningKey } from './authority-key.ts'
export type { MacKey } from './purpose-key.ts'

/** How long things live, ms. */
export interface Lifetimes {
  readonly rootMs: number
  readonly issuerMs: number
  /** Shortest and longest life of a leaf that is signed. */
  readonly minTtlMs: number
  readonly maxTtlMs: number
}

const dayMs = 24 * 3_600_000

export const defaultLifetimes: Lifetimes = {
  rootMs: 3_650 * dayMs,
  issuerMs: 30 * dayMs,
  minTtlMs: 5 * 60_000,
  maxTtlMs: dayMs,
}

export interface IssuerStatus {
  readonly keySha256: string
  readonly state: IssuerState
  readonly notBefore: number
  readonly notAfter: number
}

export interface LeafRequest {
  readonly key: PublicKey
  readonly spiffeId: SpiffeId
  /** Wished life, within `Lifetimes`; cut where the issuer ends earlier. */
  readonly ttlMs: number
}

/** The certificate authority of one trust domain. */
export interface Authority {
  readonly trustDomain: TrustDomain
  bundle(): TrustBundle
  /** Signs a workload's SVID; throws `CaError`. Whether the key was seen before is the caller's to ask. */
  issueWorkload(request: LeafRequest & { readonly facts: WorkloadFacts }): Issued
  /** Signs an SVID under `/blazon/`; throws `CaError`. */
  issueReserved(request: LeafRequest): Issued
  /** Signs a JWT-SVID with the key that is for nothing else; throws `CaError`. */
  issueJwt(request: JwtRequest): Promise<JwtSvid>
  /** Signs a workload identity token, likewise; throws `CaError`. */
  issueWorkloadToken(request: WorkloadTokenRequest): Promise<JwtSvid>
  /** By which join tokens are made and known again: nobody else has to verify them. */
  joinTokenKey(): MacKey
  auditKey(): SigningKey
  issuers(): readonly IssuerStatus[]
  /** Moves roots and issuers on in their lives, as far as is due; whether the bundle changed. */
  advance(): Promise<boolean>
  /** Prepares the next issuer now; it takes over as soon as it has had the time to spread. Whether the bundle changed. */
  rotate(): Promise<boolean>
  /** Refuses all that an issuer or token key ever signed, from now on, and replaces it; throws `CaError` for an unknown one. */
  taint(keySha256: string): Promise<void>
}

export interface AuthorityOptions {
  readonly store: AuthorityStore
  readonly protector: KeyProtector
  readonly clock: Clock
  readonly trustDomain: TrustDomain
  readonly lifetimes?: Partial<Lifetimes>
  readonly log: Logger
}

/**
 * Opens the authority that is in the store, or makes a new one if the store is empty. Throws `CaError`
 * where a stored key does not open or is not what its row says: it never starts over on its own.
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { store, protector, clock } = options
  const lifetimes = { ...defaultLifetimes, ...options.lifetimes }
  const rows = await store.load()
  const rings = await openRings(options, lifetimes, rows)
  await rings.advance()
  const common = { rows, store, protector, now: clock.now(), lifeMs: lifetimes.rootMs }
  const joinToken = macKeyOf(await openPurposeKey({ ...common, kind: 'join-token' }), 'join token')
  const audit = await openPurposeKey({ ...common, kind: 'audit' })
  return createAuthority({ ...options, lifetimes, rings, joinToken, audit })
}

function createAuthority(parts: {
  readonly trustDomain: TrustDomain
  readonly clock: Clock
  readonly lifetimes: Lifetimes
  readonly rings: Rings
  readonly joinToken: MacKey
  readonly audit: SigningKey
}): Authority {
  const { trustDomain, clock, rings, lifetimes: limits } = parts

  const issue = (request: LeafRequest, facts: WorkloadFacts | undefined): Issued => {
    checkName(request.spiffeId, trustDomain, facts === undefined)
    const now = clock.now()
    const issuer = rings.issuers.active(now)
    if (issuer === undefined) {
      throw new CaError('ERR_NO_ISSUER', 'expected an active issuer, but there is none')
    }
    const issued = issueLeaf({ ...request, issuer, facts, limits, now })
    rings.issuers.signed(issuer.keyId, issued.notAfter)
    return issued
  }

  const signToken = async (
    ring: JwtRing,
    sign: (key: SigningKey, now: number) => Promise<JwtSvid>,
  ): Promise<JwtSvid> => {
    const now = clock.now()
    const key = ring.active(now)
    if (key === undefined) {
      throw new CaError('ERR_NO_ISSUER', 'expected an active token key, but there is none')
    }
    const issued = await sign(key, now)
    ring.signed(key.keyId, issued.expiresAt)
    return issued
  }

  return {
    trustDomain,
    bundle: createBundleReader(trustDomain, rings),
    issueWorkload: (request) => issue(request, request.facts),
    issueReserved: (request) => issue(request, undefined),
    issueJwt: async (request) => {
      checkName(request.spiffeId, trustDomain, false)
      return await signToken(rings.jwt, (key, now) => signJwtSvid(key, request, now))
    },
    issueWorkloadToken: async (request) => {
      checkName(request.facts.spiffeId, trustDomain, false)
      return await signToken(rings.workloadTokens, (key, now) =>
        signWorkloadToken(key, request, now),
      )
    },
    joinTokenKey: () => parts.joinToken,
    auditKey: () => parts.audit,
    issuers: () =>
      rings.issuers.keys().map(({ stored: { id: keySha256, state, notBefore, notAfter } }) => {
        return { keySha256, state, notBefore, notAfter }
      }),
    advance: () => rings.advance(),
    rotate: () => rings.rotate(),
    taint: (keySha256) => rings.taint(keySha256),
  }
}

function checkName(id: SpiffeId, trustDomain: TrustDomain, isForReserved: boolean): void {
  if (trustDomainOf(id) !== trustDomain) {
    throw new CaError(
      'ERR_SPIFFE_ID',
      `expected a name in trust domain ${trustDomain}, got ${quote(id)}`,
    )
  }
  if (isReservedPath(pathOf(id)) !== isForReserved) {
    const expected = isForReserved ? 'a name under /blazon/' : 'a name outside /blazon/'
    throw new CaError('ERR_SPIFFE_ID', `expected ${expected}, got ${quote(id)}`)
  }
}

/** The same object until something changes: who verifies against it keeps what it parsed of it. */
function createBundleReader(trustDomain: TrustDomain, rings: Rings): () => TrustBundle {
  let latest: TrustBundle | undefined
  return () => {
    const version = rings.bundleVersion()
    if (latest?.version !== version) {
      const roots = rings.roots.keys().map(({ certificate }) => certificate)
      const issuers = new Map(rings.issuers.keys().map(({ stored }) => [stored.id, stored.state]))
      const jwtKeys = [rings.jwt, rings.workloadTokens].flatMap((ring) =>
        ring.keys().flatMap(listedJwtKey),
      )
      latest = { trustDomain, version, roots, issuers, jwtKeys }
    }
    return latest
  }
}
