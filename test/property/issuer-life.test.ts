import fc from 'fast-check'
import { expect } from 'chai'
import { nextStates, type IssuerLife, type LifeAction } from '../../src/ca/issuer-life.ts'
import { issuerStates } from '../../src/identity/bundle.ts'
import { propertyRuns } from '../support/property-runs.ts'

const lifeMs = 7_200_000

const life = (index: number): fc.Arbitrary<IssuerLife> =>
  fc
    .record({ state: fc.constantFrom(...issuerStates), notBefore: fc.nat({ max: 3 * lifeMs }) })
    .map(({ state, notBefore }) => ({
      id: String(index),
      state,
      notBefore,
      notAfter: notBefore + lifeMs,
    }))
const lives = fc.tuple(...[0, 1, 2, 3].map(life)).chain((all) => fc.subarray([...all]))

function carryOut(all: readonly IssuerLife[], action: LifeAction, now: number): IssuerLife[] {
  switch (action.kind) {
    case 'prepare':
      return [
        ...all,
        {
          id: `new ${String(all.length)}`,
          state: 'prepared',
          notBefore: now,
          notAfter: now + lifeMs,
        },
      ]
    case 'activate':
      return all.map((one) => (one.id === action.id ? { ...one, state: 'active' } : one))
    case 'retire':
      return all.map((one) => (one.id === action.id ? { ...one, state: 'old' } : one))
    case 'remove':
      return all.filter((one) => one.id !== action.id)
  }
}

describe('nextStates(), from any states', () => {
  it('comes to rest within four rounds with exactly one active key that lives', () => {
    const check = (start: IssuerLife[], now: number, lastLeaf: number): void => {
      let all = start
      for (let round = 0; round < 4; round++) {
        for (const action of nextStates(all, now, () => lastLeaf)) all = carryOut(all, action, now)
      }
      expect(nextStates(all, now, () => lastLeaf)).to.deep.equal([])
      const active = all.filter(({ state }) => state === 'active')
      expect(active).to.have.lengthOf(1)
      expect(active[0]?.notAfter).to.be.greaterThan(now)
    }
    const time = fc.nat({ max: 4 * lifeMs })
    fc.assert(fc.property(lives, time, time, check), propertyRuns())
  })

  it('never takes a key out of the tainted state, nor drops one whose leaves live', () => {
    const check = (start: IssuerLife[], now: number): void => {
      for (const action of nextStates(start, now, () => now + 1)) {
        if (action.kind === 'prepare') continue
        const target = start.find(({ id }) => id === action.id)
        if (action.kind === 'remove') expect(target?.notAfter).to.be.at.most(now)
        else expect(target?.state).to.equal(action.kind === 'activate' ? 'prepared' : 'active')
      }
    }
    fc.assert(fc.property(lives, fc.nat({ max: 4 * lifeMs }), check), propertyRuns())
  })
})
