import type { IssuerState } from '../identity/bundle.ts'
import type { AuthorityKind, StoredAuthority } from './authority-store.ts'
import { nextStates, type LifeAction } from './issuer-life.ts'
import { ringKeyInState, type RingKey, type RingSurroundings } from './ring-key.ts'

/** What successive roots, issuers or token keys have in common: the keys of one kind, and their lives. */
export interface KeyRing<Signing, Key extends RingKey<Signing>> {
  /** All that are listed, in the order of their making. */
  keys(): readonly Key[]
  /** The highest bundle version that a change of this ring has made durable. */
  bundleVersion(): number
  /** The one that signs now; undefined where every one has expired or is tainted. */
  active(now: number): Signing | undefined
  /** To be told of everything signed, so that the key is listed until the last one expires. */
  signed(keyId: string, notAfter: number): void
  /** Carries out what `nextStates()` says is due; whether anything was. */
  advance(now: number): Promise<boolean>
  /** Has the successor take over as soon as it has spread; forgotten by a restart before that. */
  hurry(): void
  /** Destroys the key and marks it; unknown ids are the caller's to refuse. */
  taint(keyId: string): Promise<void>
}

export interface RingOptions<Key> extends RingSurroundings {
  readonly kind: AuthorityKind
  /** Bound of what a signature made before this start may have promised, ms after now. */
  readonly longestLeafMs: number
  /** Makes the next key, in state `prepared`. */
  create(now: number): Promise<Key>
  /** Called once a new key is durable. */
  onCreated?(key: Key): void
}

// A key prepared under a parent in its very last second is over at once, and would be made again and
// again; the next call goes on where this one stops.
const mostRounds = 4

/** A ring over keys that have been loaded. Its changes must not run side by side. */
export function createKeyRing<Signing, Key extends RingKey<Signing>>(
  options: RingOptions<Key>,
  loaded: readonly Key[],
  now: number,
): KeyRing<Signing, Key> {
  const { kind, store, log } = options
  const ring = new Map(loaded.map((key) => [key.stored.id, key]))
  const lastLeaf = new Map(
    loaded.map(({ stored }) => [stored.id, lastLeafOf(stored, now, options)]),
  )
  let isHurried = false
  const lastLeafNotAfter = (id: string): number => lastLeaf.get(id) ?? 0
  const keys = (): readonly Key[] =>
    [...ring.values()].sort((a, b) => a.stored.notBefore - b.stored.notBefore)

  const put = async (key: Key): Promise<void> => {
    await store.save(key.stored)
    ring.set(key.stored.id, key)
    const { id, state, notAfter } = key.stored
    log.info(
      { kind, key: id, state, not_after: new Date(notAfter).toISOString() },
      'authority key changed',
    )
  }

  const prepare = async (at: number): Promise<void> => {
    const key = await options.create(at)
    await put(key)
    options.onCreated?.(key)
  }

  const changeState = async (id: string, state: IssuerState): Promise<void> => {
    const key = ring.get(id)
    if (key === undefined) throw new Error(`BUG: no ${kind} ${id} in the ring`)
    await put(await ringKeyInState(options, key, state, lastLeafNotAfter(id)))
  }

  const remove = async (id: string): Promise<void> => {
    // The version of the bundle without it has to be durable before it goes; another key bears it.
    const bearer = keys().find(({ stored }) => stored.id !== id)
    if (bearer === undefined) throw new Error(`BUG: ${kind} ${id} removed without a successor`)
    const stored = { ...bearer.stored, bundleVersion: options.nextBundleVersion() }
    await store.save(stored)
    await store.remove(id)
    // Both at once: a bundle is read under one version with one content only.
    ring.set(stored.id, { ...bearer, stored })
    ring.delete(id)
    lastLeaf.delete(id)
    log.info({ kind, key: id }, 'authority key removed')
  }

  const carryOut = (action: LifeAction, at: number): Promise<void> => {
    switch (action.kind) {
      case 'prepare':
        return prepare(at)
      case 'activate':
        isHurried = false
        return changeState(action.id, 'active')
      case 'retire':
        return changeState(action.id, 'old')
      case 'remove':
        return remove(action.id)
      default:
        return action satisfies never
    }
  }

  return {
    keys,
    bundleVersion: () => Math.max(0, ...keys().map(({ stored }) => stored.bundleVersion)),
    active: (at) =>
      keys().findLast(({ stored }) => stored.state === 'active' && stored.notAfter > at)?.signing,
    signed: (keyId, notAfter) => {
      if (notAfter > lastLeafNotAfter(keyId)) lastLeaf.set(keyId, notAfter)
    },
    advance: async (at) => {
      for (let round = 0; round < mostRounds; round++) {
        const lives = keys().map(({ stored }) => stored)
        const actions = nextStates(lives, at, lastLeafNotAfter, isHurried)
        if (actions.length === 0) return round > 0
        for (const action of actions) await carryOut(action, at)
      }
      return true
    },
    hurry: () => {
      isHurried = true
    },
    taint: (keyId) => changeState(keyId, 'tainted'),
  }
}

// What an active key signed before this start is not recorded: it may be anything that was allowed.
function lastLeafOf(
  stored: StoredAuthority,
  now: number,
  options: { readonly longestLeafMs: number },
): number {
  if (stored.state === 'old') return stored.lastLeafNotAfter
  if (stored.state !== 'active') return 0
  return Math.min(stored.notAfter, now + options.longestLeafMs)
}
