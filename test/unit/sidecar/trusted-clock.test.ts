import { expect } from 'chai'
import { createTrustedClock } from '../../../src/sidecar/trusted-clock.ts'

/** A system clock that can be set, beside a monotonic one that cannot. */
function settableClock(start: number): {
  now(): number
  monotonic(): number
  set(time: number): void
  pass(ms: number): void
} {
  let now = start
  let monotonic = 0
  return {
    now: () => now,
    monotonic: () => monotonic,
    set: (time) => {
      now = time
    },
    pass: (ms) => {
      now += ms
      monotonic += ms
    },
  }
}

const noon = 1_800_000_000_000

describe('createTrustedClock()', () => {
  it('is the system clock before the controller has spoken', () => {
    const clock = createTrustedClock(settableClock(noon))
    expect(clock.now()).to.equal(noon)
    expect(clock.skewMs()).to.equal(undefined)
  })

  it('goes on from the last controller time when the system clock is set back', () => {
    const system = settableClock(noon)
    const clock = createTrustedClock(system)
    clock.observe(noon)
    system.pass(5_000)
    system.set(noon - 86_400_000)
    expect(clock.now()).to.equal(noon + 5_000)
    expect(clock.skewMs()).to.equal(-86_400_000 - 5_000)
  })

  it('follows a system clock that is ahead', () => {
    const clock = createTrustedClock(settableClock(noon))
    clock.observe(noon - 90_000)
    expect(clock.now()).to.equal(noon)
    expect(clock.skewMs()).to.equal(90_000)
  })

  it('does not go back for a message that was held up', () => {
    const system = settableClock(0)
    const clock = createTrustedClock(system)
    clock.observe(noon)
    system.pass(600_000)
    clock.observe(noon + 10_000)
    expect(clock.now()).to.equal(noon + 600_000)
  })

  it('is never before the highest time of an earlier run, until the controller speaks', () => {
    const system = settableClock(noon - 1_000_000)
    const clock = createTrustedClock(system, noon)
    expect(clock.now()).to.equal(noon)
    clock.observe(noon - 500_000)
    expect(clock.now()).to.equal(noon - 500_000)
  })

  for (const nonsense of [0, -1, 0.5, Number.NaN, Infinity]) {
    it(`ignores a controller time of ${String(nonsense)}`, () => {
      const clock = createTrustedClock(settableClock(noon))
      clock.observe(nonsense)
      expect(clock.now()).to.equal(noon)
      expect(clock.skewMs()).to.equal(undefined)
    })
  }
})
