/** Delays between tries: exponential, with full jitter, so that a fleet does not come back in step. */
export interface Backoff {
  /** Milliseconds to wait before the next try. */
  next(): number
  /** To be called after a success. */
  reset(): void
}

export function createBackoff(options: {
  readonly firstMs: number
  readonly longestMs: number
  readonly random?: () => number
}): Backoff {
  const random = options.random ?? Math.random
  let tries = 0
  return {
    next: () => {
      const ceiling = Math.min(options.longestMs, options.firstMs * 2 ** Math.min(tries++, 30))
      return ceiling / 2 + (random() * ceiling) / 2
    },
    reset: () => {
      tries = 0
    },
  }
}
