import type { Timers } from './timers.ts'

const longestTimerMs = 3_600_000

/** Runs `onExpired` once when the injected clock passes a deadline that may be moved. */
export interface Expiry {
  /** Milliseconds since the epoch. */
  set(deadline: number): void
  cancel(): void
}

export function createExpiry(options: {
  readonly timers: Timers
  readonly now: () => number
  /** Added to the deadline at the time it is looked at. */
  readonly graceMs: () => number
  readonly onExpired: () => void
}): Expiry {
  let deadline = Infinity
  let cancel: () => void = () => undefined
  const check = (): void => {
    cancel()
    const left = deadline + options.graceMs() - options.now()
    if (left <= 0) options.onExpired()
    // Timers are short steps: the clock may be stepped, and Node's timers end at 24 days.
    else cancel = options.timers.after(Math.min(left, longestTimerMs), check)
  }
  return {
    set: (next) => {
      deadline = next
      check()
    },
    cancel: () => {
      cancel()
    },
  }
}

/** Runs `onIdle` once there has been nothing to do for long enough. */
export interface Idleness {
  /** Something has begun or ended: to be called at each change, cheap. */
  touched(): void
  cancel(): void
}

export function createIdleness(options: {
  readonly timers: Timers
  readonly idleMs: number
  readonly isBusy: () => boolean
  readonly onIdle: () => void
}): Idleness {
  const { timers, idleMs } = options
  let touchedAt = timers.now()
  let cancel: () => void
  // One timer for the whole life, whatever the number of touches: it looks again when it is due.
  const check = (): void => {
    const left = options.isBusy() ? idleMs : touchedAt + idleMs - timers.now()
    if (left > 0) cancel = timers.after(Math.min(left, longestTimerMs), check)
    else options.onIdle()
  }
  cancel = timers.after(Math.min(idleMs, longestTimerMs), check)
  return {
    touched: () => {
      touchedAt = timers.now()
    },
    cancel: () => {
      cancel()
    },
  }
}

/** Notices a silent peer: asks after one quiet interval, gives up after the next. */
export interface KeepAlive {
  /** The peer was heard: to be called for every record. */
  heard(): void
  cancel(): void
}

export function createKeepAlive(options: {
  readonly timers: Timers
  readonly intervalMs: number
  readonly ask: () => void
  readonly onDead: () => void
}): KeepAlive {
  let heard = true
  let asked = false
  let cancel: () => void
  const tick = (): void => {
    if (!heard && asked) {
      options.onDead()
      return
    }
    cancel = options.timers.after(options.intervalMs, tick)
    asked = !heard
    if (asked) options.ask()
    heard = false
  }
  cancel = options.timers.after(options.intervalMs, tick)
  return {
    heard: () => {
      heard = true
    },
    cancel: () => {
      cancel()
    },
  }
}

/** Notices that a peer is silent while an answer of it is due. */
export interface AnswerWatch {
  /** An answer is due from now on: to be called for each, cheap. */
  due(): void
  /** The peer was heard: to be called for every record. */
  heard(): void
  cancel(): void
}

/** Asks after one interval without a sound, and tells after the next; any sound will do as a sign of life. */
export function createAnswerWatch(options: {
  readonly timers: Timers
  readonly intervalMs: number
  readonly ask: () => void
  readonly onSilent: () => void
}): AnswerWatch {
  let heard = false
  let isDueAgain = false
  let cancel: (() => void) | undefined
  const listen = (onSilence: () => void): void => {
    heard = false
    isDueAgain = false
    cancel = options.timers.after(options.intervalMs, () => {
      cancel = undefined
      if (!heard) onSilence()
      else if (isDueAgain) begin()
    })
  }
  const begin = (): void => {
    listen(() => {
      options.ask()
      listen(options.onSilent)
    })
  }
  return {
    due: () => {
      if (cancel === undefined) begin()
      else isDueAgain = true
    },
    heard: () => {
      heard = true
    },
    cancel: () => {
      cancel?.()
      cancel = undefined
    },
  }
}
