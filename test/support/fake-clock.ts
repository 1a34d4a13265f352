import type { Clock } from '../../src/base/clock.ts'

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
  advance(ms: number): void
}

export function createFakeClock(start: number): FakeClock {
  let passed = 0
  return {
    now: () => start + passed,
    monotonic: () => passed,
    advance: (ms) => {
      passed += ms
    },
  }
}
