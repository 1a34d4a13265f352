/** A budget that refills with time. */
export interface TokenBucket {
  /** Spends one; false when nothing is left. */
  take(): boolean
}

/** `perSecond` on average and `burst` at once; `now` in milliseconds. */
export function createTokenBucket(options: {
  readonly perSecond: number
  readonly burst: number
  readonly now: () => number
}): TokenBucket {
  const { perSecond, burst, now } = options
  let left = burst
  let filledAt = now()
  return {
    take: () => {
      const at = now()
      left = Math.min(burst, left + (Math.max(0, at - filledAt) / 1_000) * perSecond)
      filledAt = at
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}
