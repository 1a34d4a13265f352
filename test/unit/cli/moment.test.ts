import { expect } from 'chai'
import {
  isoTime,
  relativeTime,
  shownBytes,
  shownDuration,
  shownTime,
} from '../../../src/cli/moment.ts'

const now = Date.UTC(2026, 10, 22, 12, 0, 0)

describe('shownDuration()', () => {
  for (const [ms, text] of [
    [0, '0 s'],
    [999, '0 s'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [86_400_000 * 12, '12 d'],
  ] as const) {
    it(`shows ${String(ms)} ms as ${text}`, () => {
      expect(shownDuration(ms)).to.equal(text)
    })
  }
})

describe('relativeTime()', () => {
  it('tells past from future', () => {
    expect(relativeTime(now + 60_000, now)).to.equal('in 1 min')
    expect(relativeTime(now - 5_000, now)).to.equal('5 s ago')
  })

  it('shows a dash for a time that was never set', () => {
    expect(relativeTime(0, now)).to.equal('-')
    expect(shownTime(0)).to.equal('-')
    expect(isoTime(0)).to.equal(null)
  })
})

describe('shownTime()', () => {
  it('is UTC to the second', () => {
    expect(shownTime(now + 999)).to.equal('2026-11-22 12:00:00Z')
  })
})

describe('shownBytes()', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [9_999, '10.0 kB'],
    [99_400, '99.4 kB'],
    [99_999, '100 kB'],
    [999_999, '1.0 MB'],
    [1_500_000_000, '1.5 GB'],
    [Number.MAX_SAFE_INTEGER, '9.0 PB'],
  ] as const) {
    it(`shows ${String(bytes)} bytes as ${text}`, () => {
      expect(shownBytes(bytes)).to.equal(text)
    })
  }
})
