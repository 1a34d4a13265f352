import { expect } from 'chai'
import { finish, sortInSteps } from '../../../src/base/steps.ts'

interface Item {
  readonly key: number
  readonly at: number
}

const byKey = (a: Item, b: Item): number => a.key - b.key

describe('sortInSteps()', () => {
  for (const count of [0, 1, 256, 257, 3_000]) {
    it(`sorts ${String(count)} as toSorted() does, and changes nothing`, () => {
      const items = Array.from({ length: count }, (_, at) => ({ key: (at * 7_919) % 1_009, at }))
      const before = [...items]
      expect(finish(sortInSteps(items, byKey))).to.deep.equal(items.toSorted(byKey))
      expect(items).to.deep.equal(before)
    })
  }

  it('can be left again and again', () => {
    const items = Array.from({ length: 3_000 }, (_, at) => ({ key: -at, at }))
    let steps = 0
    for (const steppable = sortInSteps(items, byKey); steppable.next().done !== true;) steps += 1
    expect(steps).to.be.greaterThan(10)
  })
})
