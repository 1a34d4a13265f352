import type { Clock } from '../base/clock.ts'
import { quote } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import type { CertificateSigningKey } from './authority-key.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import { CaError } from './errors.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import type { KeyProtector } from './key-protector.ts'
import { loadRingKeys, type RingKey } from './ring-key.ts'

/** Roots and issuers, moving through their lives together. */
export interface Rings {
  readonly roots: KeyRing
  readonly issuers: KeyRing
  bundleVersion(): number
  /** Roots first, for a new issuer needs an active one; whether anything changed. */
  advance(): Promise<boolean>
  taint(issuerId: string): Promise<void>
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
  const roots = createKeyRing(
    {
      ...surroundings,
      kind: 'root',
      lifeMs: lives.rootMs,
      longestLeafMs: lives.issuerMs,
      parent: () => undefined,
      onCertified: () => undefined,
    },
    rootKeys,
    clock.now(),
  )
  const issuers = createKeyRing(
    {
      ...surroundings,
      kind: 'issuer',
      lifeMs: lives.issuerMs,
      longestLeafMs: lives.maxTtlMs,
      parent: (now) => activeRoot(roots, now),
      onCertified: (root, notAfter) => {
        roots.signed(root.keyId, notAfter)
      },
    },
    issuerKeys,
    clock.now(),
  )
  return serialized({ roots, issuers, clock })
}

async function loadKeys(
  options: RingsOptions,
  rows: readonly StoredAuthority[],
): Promise<Record<'rootKeys' | 'issuerKeys', readonly RingKey[]>> {
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

function activeRoot(roots: KeyRing, now: number): CertificateSigningKey {
  const root = roots.active(now)
  if (root === undefined) throw new CaError('ERR_NO_ISSUER', 'expected an active root, got none')
  return root
}

/** Changes run one after the other: each looks at the state that the one before has left. */
function serialized(parts: {
  readonly roots: KeyRing
  readonly issuers: KeyRing
  readonly clock: Clock
}): Rings {
  const { roots, issuers, clock } = parts
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
    return isRootChanged || isIssuerChanged
  }
  return {
    roots,
    issuers,
    bundleVersion: () => Math.max(roots.bundleVersion(), issuers.bundleVersion()),
    advance: () => serially(advance),
    taint: (id) =>
      serially(async () => {
        const key = issuers.keys().find(({ stored }) => stored.id === id)
        if (key === undefined) {
          throw new CaError('ERR_ISSUER_UNKNOWN', `expected a listed issuer, got ${quote(id)}`)
        }
        if (key.stored.state === 'tainted') return
        await issuers.taint(id)
        await advance()
      }),
  }
}
