import { expect } from 'chai'
import {
  createSlots,
  createSourceRate,
  sourceKey,
} from '../../../src/controller/server/call-limits.ts'

describe('createSourceRate()', () => {
  it('lets a burst through, and then so many a second', () => {
    const rate = createSourceRate({ burst: 2, perSecond: 1, sources: 10 })
    expect([0, 0, 0, 500, 1_000, 1_000].map((now) => rate.allow('a', now))).to.deep.equal([
      true,
      true,
      false,
      false,
      true,
      false,
    ])
  })

  it('counts sources apart', () => {
    const rate = createSourceRate({ burst: 1, perSecond: 0, sources: 10 })
    expect(rate.allow('a', 0)).to.equal(true)
    expect(rate.allow('a', 0)).to.equal(false)
    expect(rate.allow('b', 0)).to.equal(true)
  })

  it('never saves up more than a burst', () => {
    const rate = createSourceRate({ burst: 1, perSecond: 1, sources: 10 })
    rate.allow('a', 0)
    expect(rate.allow('a', 1_000_000)).to.equal(true)
    expect(rate.allow('a', 1_000_000)).to.equal(false)
  })

  it('forgets the source that was quiet for longest', () => {
    const rate = createSourceRate({ burst: 1, perSecond: 0, sources: 2 })
    for (const source of ['a', 'b', 'a', 'c']) rate.allow(source, 0)
    expect(rate.size).to.equal(2)
    expect(rate.allow('a', 0)).to.equal(false)
    expect(rate.allow('b', 0)).to.equal(true)
  })
})

describe('createSlots()', () => {
  it('gives out no more than it has', () => {
    const slots = createSlots(2)
    const leave = slots.take('192.0.2.1')
    expect(slots.take('192.0.2.2')).to.not.equal(undefined)
    expect(slots.take('192.0.2.3')).to.equal(undefined)
    leave?.()
    expect(slots.take('192.0.2.3')).to.not.equal(undefined)
  })

  it('gives a quarter of them to one source', () => {
    const slots = createSlots(8)
    const network = ['2001:db8::1', '2001:db8::2', '2001:db8::3']
    const [first, , third] = network.map((address) => slots.take(address))
    expect(third).to.equal(undefined)
    expect(slots.take('2001:db8:0:1::1')).to.not.equal(undefined)
    first?.()
    expect(slots.take('2001:db8::3')).to.not.equal(undefined)
  })
})

describe('sourceKey()', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ]
  for (const [address, key] of cases) {
    it(`takes ${address} for ${key}`, () => {
      expect(sourceKey(address)).to.equal(key)
    })
  }
})
