import type { Clock } from '../base/clock.ts'
import { createChange, type Change } from './change.ts'

/** Whether the controller is there, and how long ago it was heard last. */
export interface ControllerContact {
  /** It was heard, or the way to it was found or lost. */
  readonly changed: Change
  /** Whether the watch stream is open. */
  readonly isConnected: boolean
  /** The watch stream opened, or was lost. */
  connected(isConnected: boolean): void
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
  const changed = createChange()
  let isConnected = false
  let lastHeardMs = lastMs
  let heardAt = clock.monotonic()
  return {
    changed,
    get isConnected() {
      return isConnected
    },
    connected: (now) => {
      isConnected = now
      changed.announce()
    },
    heard: () => {
      lastHeardMs = clock.now()
      heardAt = clock.monotonic()
      changed.announce()
    },
    ageMs: () => Math.max(clock.now() - lastHeardMs, clock.monotonic() - heardAt),
  }
}
