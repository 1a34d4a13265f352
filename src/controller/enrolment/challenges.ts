import { randomBytes } from 'node:crypto'

/** A nonce to be signed, once, soon, by whoever asked for it. */
export interface Challenge {
  readonly nonce: Buffer
  readonly expiresAtMs: number
}

/** The challenges that have not been answered. */
export interface Challenges {
  /** Undefined when too many are open already. */
  issue(source: string, now: number): Challenge | undefined
  /** Uses a nonce up, whatever comes of the call it came with. */
  consume(nonce: Buffer, source: string, now: number): ChallengeVerdict
  readonly open: number
}

export type ChallengeVerdict = 'good' | 'unknown-or-used' | 'expired' | 'other-source'

export const nonceBytes = 32
export const challengeLifeMs = 60_000

/** To find the oldest, a Map passes all that were deleted before it: too much for every call. */
const sweepEveryMs = 1_000

/**
 * Keeps nonces in memory alone: a restart forgets them all, and a forgotten nonce is a refused one.
 * A source can have `perSource` open, so that one source cannot keep the others from enrolling.
 */
export function createChallenges(
  limits: { readonly total: number; readonly perSource: number } = {
    total: 20_000,
    perSource: 1_000,
  },
): Challenges {
  const open = new Map<string, { readonly source: string; readonly expiresAtMs: number }>()
  const bySource = new Map<string, number>()
  let sweptAtMs = 0

  const forget = (key: string, source: string): void => {
    open.delete(key)
    const left = (bySource.get(source) ?? 0) - 1
    if (left > 0) bySource.set(source, left)
    else bySource.delete(source)
  }
  // All live equally long, so the oldest, which a Map yields first, are the first to expire.
  const dropExpired = (now: number): void => {
    sweptAtMs = now
    for (const [key, { source, expiresAtMs }] of open) {
      if (expiresAtMs > now) return
      forget(key, source)
    }
  }
  const isFull = (source: string): boolean =>
    open.size >= limits.total || (bySource.get(source) ?? 0) >= limits.perSource
  const isSweepDue = (now: number): boolean => now < sweptAtMs || now >= sweptAtMs + sweepEveryMs

  return {
    issue: (source, now) => {
      if (isSweepDue(now) || isFull(source)) dropExpired(now)
      if (isFull(source)) return undefined
      const nonce = randomBytes(nonceBytes)
      const expiresAtMs = now + challengeLifeMs
      open.set(nonce.toString('hex'), { source, expiresAtMs })
      bySource.set(source, (bySource.get(source) ?? 0) + 1)
      return { nonce, expiresAtMs }
    },
    consume: (nonce, source, now) => {
      const key = nonce.toString('hex')
      const challenge = open.get(key)
      if (challenge === undefined) return 'unknown-or-used'
      forget(key, challenge.source)
      if (challenge.expiresAtMs <= now) return 'expired'
      return challenge.source === source ? 'good' : 'other-source'
    },
    get open() {
      return open.size
    },
  }
}
