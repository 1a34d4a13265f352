import type { IssuerState } from '../identity/bundle.ts'
import { backdatingMs } from './profiles.ts'

/** One signing key of the authority, as far as its life goes. */
export interface IssuerLife {
  readonly id: string
  readonly state: IssuerState
  readonly notBefore: number
  readonly notAfter: number
}

/** One step; to be carried out in the order given, each durable before the next. */
export type LifeAction =
  /** Make a new key in state `prepared`. */
  | { readonly kind: 'prepare' }
  | { readonly kind: 'activate'; readonly id: string }
  /** Active to old: signs no more, what it signed stays good. */
  | { readonly kind: 'retire'; readonly id: string }
  | { readonly kind: 'remove'; readonly id: string }

/** How long a prepared key is left to spread in bundles before it signs, at least. */
const spreadMs = 60_000

/**
 * What is due at `now` (PROTOCOL 2, CA): a successor is prepared at half of the active key's life and
 * takes over at 5/6 of it; an old key goes when the last certificate under it has expired, a tainted
 * one stays listed until its own end. Where somebody is in a hurry the successor is prepared at once,
 * and takes over when it has had the least time to spread. Asking again after carrying the actions out shows what follows
 * from them; an empty answer means that all is as it should be.
 */
export function nextStates(
  lives: readonly IssuerLife[],
  now: number,
  lastLeafNotAfter: (id: string) => number,
  isHurried = false,
): readonly LifeAction[] {
  const isOver = (life: IssuerLife): boolean =>
    life.notAfter <= now || (life.state === 'old' && lastLeafNotAfter(life.id) <= now)
  const newestFirst = lives
    .filter((life) => !isOver(life))
    .sort((a, b) => b.notBefore - a.notBefore || (a.id < b.id ? -1 : 1))
  const [active, ...formerlyActive] = newestFirst.filter(({ state }) => state === 'active')
  const prepared = newestFirst.find(({ state }) => state === 'prepared')
  return [
    ...succession(active, prepared, now, isHurried),
    // Two active ones are what a crash between two steps of a succession leaves behind.
    ...formerlyActive.map(({ id }): LifeAction => ({ kind: 'retire', id })),
    ...lives.filter(isOver).map(({ id }): LifeAction => ({ kind: 'remove', id })),
  ]
}

function succession(
  active: IssuerLife | undefined,
  prepared: IssuerLife | undefined,
  now: number,
  isHurried: boolean,
): readonly LifeAction[] {
  if (prepared === undefined) {
    return active === undefined || isHurried || now >= pointIn(active, 1 / 2)
      ? [{ kind: 'prepare' }]
      : []
  }
  // Without an active key (first start, tainted, outage) there is nothing to wait for.
  if (active === undefined) return [{ kind: 'activate', id: prepared.id }]
  if (now < spreadAt(prepared) || (now < pointIn(active, 5 / 6) && !isHurried)) return []
  return [
    { kind: 'activate', id: prepared.id },
    { kind: 'retire', id: active.id },
  ]
}

const pointIn = ({ notBefore, notAfter }: IssuerLife, fraction: number): number =>
  notBefore + (notAfter - notBefore) * fraction

// Matters only where the successor was prepared late: in very short lives, and after an outage.
const spreadAt = (prepared: IssuerLife): number =>
  prepared.notBefore +
  backdatingMs +
  Math.min(spreadMs, (prepared.notAfter - prepared.notBefore) / 12)
