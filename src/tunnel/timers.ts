/** One-shot timers and the time they go by, injected so that tests own it. */
export interface Timers {
  /** Milliseconds, never set back; since when is undefined. */
  now(): number
  /** Runs `run` after `ms` milliseconds unless the returned function is called before. */
  after(ms: number, run: () => void): () => void
}

/** Node's timers; they do not keep the process alive. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
}
