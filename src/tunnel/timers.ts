/** One-shot timers, injected so that tests own the time. */
export interface Timers {
  /** Runs `run` after `ms` milliseconds unless the returned function is called before. */
  after(ms: number, run: () => void): () => void
}

/** Node's timers; they do not keep the process alive. */
export const systemTimers: Timers = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
}
