import type { Clock } from '../base/clock.ts'
import { quote } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { JwtKeyUse } from '../identity/bundle.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import type { CertificateSigningKey, SigningKey } from './authority-key.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import { CaError } from './errors.ts'
import { createJwtKey, loadJwtKeys, longestJwtMs, type JwtRingKey } from './jwt-key.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import type { KeyProtector } from './key-protector.ts'
import { createRingKey, loadRingKeys, type CertificateKey } from './ring-key.ts'

export type CertificateRing = KeyRing<CertificateSigningKey, CertificateKey>
export type JwtRing = KeyRing<SigningKey, JwtRingKey>

/** Roots, issuers and the keys of tokens, moving through their lives together. */
export interface Rings {
  readonly roots: CertificateRing
  readonly issuers: CertificateRing
  readonly jwt: JwtRing
  /** The keys of workload identity tokens. */
  readonly workloadTokens: JwtRing
  bundleVersion(): number
  /** Roots first, for a new issuer needs an active one; whether anything changed. */
  advance(): Promise<boolean>
  /** Prepares the next issuer and token keys at once; whether anything changed. */
  rotate(): Promise<boolean>
  taint(keyId: string): Promise<void>
}

export interface RingsOptions {
  readonly store: AuthorityStore
  readonly protector: KeyProtector
  readonly clock: Clock
  readonly trustDomain: TrustDomain
  readonly log: Logger
}

/** Loads, opens and checks what the store holds of roots and issuers; throws `CaError`. */
export async function openRings(
  options: RingsOptions,
  lives: { readonly rootMs: number; readonly issuerMs: number; readonly maxTtlMs: number },
  rows: readonly StoredAuthority[],
): Promise<Rings> {
  const { clock } = options
  let lastVersion = Math.max(0, ...rows.map((row) => row.bundleVersion))
  const surroundings = { ...options, nextBundleVersion: () => ++lastVersion }
  const { rootKeys, issuerKeys } = await loadKeys(options, rows)
  const rootOptions = { ...surroundings, kind: 'root' as const, lifeMs: lives.rootMs }
  const roots: CertificateRing = createKeyRing(
    {
      ...rootOptions,
      longestLeafMs: lives.issuerMs,
      create: (now) => createRingKey(rootOptions, undefined, now),
    },
    rootKeys,
    clock.now(),
  )
  const issuerOptions = { ...surroundings, kind: 'issuer' as const, lifeMs: lives.issuerMs }
  const issuers: CertificateRing = createKeyRing(
    {
      ...issuerOptions,
      longestLeafMs: lives.maxTtlMs,
      create: (now) => createRingKey(issuerOptions, activeRoot(roots, now), now),
      onCreated: ({ stored }) => {
        // Certified by the root that is active now: it stays listed for as long as the issuer.
        roots.signed(activeRoot(roots, clock.now()).keyId, stored.notAfter)
      },
    },
    issuerKeys,
    clock.now(),
  )
  const openJwtRing = async (kind: JwtKeyUse, longestLeafMs: number): Promise<JwtRing> => {
    const jwtOptions = { ...surroundings, kind, lifeMs: lives.issuerMs, longestLeafMs }
    const create = (now: number): Promise<JwtRingKey> => createJwtKey(kind, jwtOptions, now)
    const loaded = await loadJwtKeys(kind, options.protector, rows)
    return createKeyRing({ ...jwtOptions, create }, loaded, clock.now())
  }
  const jwt = await openJwtRing('jwt-svid', longestJwtMs)
  // A token lives as long as the certificate that it is another form of.
  const workloadTokens = await openJwtRing('workload-token', lives.maxTtlMs)
  return serialized({ roots, issuers, jwt, workloadTokens, clock })
}

async function loadKeys(
  options: RingsOptions,
  rows: readonly StoredAuthority[],
): Promise<Record<'rootKeys' | 'issuerKeys', readonly CertificateKey[]>> {
  const ofKind = (kind: StoredAuthority['kind']): readonly StoredAuthority[] =>
    rows.filter((row) => row.kind === kind)
  const rootKeys = await loadRingKeys(options, ofKind('root'), [])
  if (rows.length > 0 && rootKeys.length === 0) {
    throw new CaError(
      'ERR_AUTHORITY_STORE',
      `expected a root among ${String(rows.length)} stored keys, got none; was part of the store lost?`,
    )
  }
  return { rootKeys, issuerKeys: await loadRingKeys(options, ofKind('issuer'), rootKeys) }
}

function activeRoot(roots: CertificateRing, now: number): CertificateSigningKey {
  const root = roots.active(now)
  if (root === undefined) throw new CaError('ERR_NO_ISSUER', 'expected an active root, got none')
  return root
}

/** Changes run one after the other: each looks at the state that the one before has left. */
function serialized(parts: {
  readonly roots: CertificateRing
  readonly issuers: CertificateRing
  readonly jwt: JwtRing
  readonly workloadTokens: JwtRing
  readonly clock: Clock
}): Rings {
  const { roots, issuers, jwt, workloadTokens, clock } = parts
  let last: Promise<unknown> = Promise.resolve()
  const serially = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    // A failed change is its caller's to handle; the next one starts from what was saved.
    last = next.catch(() => undefined)
    return next
  }
  const advance = async (): Promise<boolean> => {
    const isRootChanged = await roots.advance(clock.now())
    const isIssuerChanged = await issuers.advance(clock.now())
    const isJwtChanged = await jwt.advance(clock.now())
    const isTokenChanged = await workloadTokens.advance(clock.now())
    return isRootChanged || isIssuerChanged || isJwtChanged || isTokenChanged
  }
  return {
    roots,
    issuers,
    jwt,
    workloadTokens,
    bundleVersion: () =>
      Math.max(...[roots, issuers, jwt, workloadTokens].map((ring) => ring.bundleVersion())),
    advance: () => serially(advance),
    rotate: () =>
      serially(() => {
        issuers.hurry()
        jwt.hurry()
        workloadTokens.hurry()
        return advance()
      }),
    taint: (id) =>
      serially(async () => {
        const ring = [issuers, jwt, workloadTokens].find((one) =>
          one.keys().some(({ stored }) => stored.id === id),
        )
        const key = ring?.keys().find(({ stored }) => stored.id === id)
        if (ring === undefined || key === undefined) {
          throw new CaError('ERR_ISSUER_UNKNOWN', `expected a listed issuer, got ${quote(id)}`)
        }
        if (key.stored.state === 'tainted') return
        await ring.taint(id)
        await advance()
      }),
  }
}
