import type { Timers } from '../../src/tunnel/timers.ts'

/** Timers and a clock that stand still until a test moves them. */
export interface FakeTimers extends Timers {
  readonly now: () => number
  /** Moves the time and runs what falls due on the way, in order. */
  advance(ms: number): void
  /** Timers that are set. */
  readonly pending: number
}

export function createFakeTimers(start = 0): FakeTimers {
  let now = start
  let serial = 0
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>()
  const due = (until: number): [number, { at: number; run: () => void }] | undefined =>
    [...timers]
      .filter(([, timer]) => timer.at <= until)
      .sort(([idA, a], [idB, b]) => a.at - b.at || idA - idB)[0]
  return {
    now: () => now,
    get pending() {
      return timers.size
    },
    after: (ms, run) => {
      const id = serial++
      timers.set(id, { at: now + ms, run })
      return () => {
        timers.delete(id)
      }
    },
    advance: (ms) => {
      const until = now + ms
      for (let next = due(until); next !== undefined; next = due(until)) {
        const [id, timer] = next
        timers.delete(id)
        now = Math.max(now, timer.at)
        timer.run()
      }
      now = until
    },
  }
}
