import type { Clock } from '../base/clock.ts'

/** Skew beyond this is reported (DESIGN §3); it is also how far an SVID's `notBefore` lies back. */
export const reportedSkewMs = 60_000

/**
 * The time that decisions go by: max(system clock, last controller time + monotonic elapsed), so
 * that setting the local clock back does not bring an expired certificate or policy to life again.
 */
export interface TrustedClock extends Clock {
  /** Takes the time that the authenticated controller has just told. */
  observe(controllerTimeMs: number): void
  /** The controller's time now, by its last word; decisions go by `now()`. */
  controllerNow(): number
  /** System clock minus controller clock, in ms; `undefined` before the controller has spoken. */
  skewMs(): number | undefined
}

/** `highestMs` is the highest time of an earlier run, out of the sealed state. */
export function createTrustedClock(clock: Clock, highestMs = 0): TrustedClock {
  let told = { timeMs: highestMs, atMonotonic: clock.monotonic() }
  let heard = false
  const controllerNow = (): number =>
    Math.floor(told.timeMs + (clock.monotonic() - told.atMonotonic))
  return {
    monotonic: () => clock.monotonic(),
    now: () => Math.max(clock.now(), controllerNow()),
    controllerNow,
    observe: (timeMs) => {
      if (!Number.isSafeInteger(timeMs) || timeMs <= 0) return
      // Whoever holds a message up on its way must not set the time back; but the first word of a
      // run replaces what an earlier run remembered, so that a restart mends a controller's mistake.
      if (heard && timeMs <= controllerNow()) return
      heard = true
      told = { timeMs, atMonotonic: clock.monotonic() }
    },
    skewMs: () => (heard ? clock.now() - controllerNow() : undefined),
  }
}
