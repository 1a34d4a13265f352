import type { Clock } from '../base/clock.ts'

/** How long ago the controller was heard last. */
export interface ControllerContact {
  /** An update has come, such as a heartbeat. */
  heard(): void
  /** In ms. Never too small: what was said to an earlier run counts from what is stored of it. */
  ageMs(): number
}

/**
 * Goes by the trusted clock and by the monotonic one, whichever says longer: the first also counts
 * the time that the machine slept, the second cannot be set back. `lastMs` is the highest time that an
 * earlier run has stored.
 */
export function createControllerContact(clock: Clock, lastMs: number): ControllerContact {
  let lastHeardMs = lastMs
  let heardAt = clock.monotonic()
  return {
    heard: () => {
      lastHeardMs = clock.now()
      heardAt = clock.monotonic()
    },
    ageMs: () => Math.max(clock.now() - lastHeardMs, clock.monotonic() - heardAt),
  }
}
