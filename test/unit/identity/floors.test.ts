import { expect } from 'chai'
import { createFloors, noFloors, type Floor } from '../../../src/identity/floors.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

const one = '01'.repeat(16)
const two = '02'.repeat(16)
const floor = (change: Partial<Floor> = {}): Floor => ({
  workloadId: one,
  lowestGoodGeneration: 3,
  untilMs: 1_000,
  ...change,
})

describe('Floors', () => {
  it('knows the lowest good generation, 1 where nothing was revoked', () => {
    const floors = createFloors(4, [floor()])
    expect(floors.version).to.equal(4)
    expect(floors.lowestGood(one)).to.equal(3)
    expect(floors.lowestGood(two)).to.equal(1)
    expect(noFloors.lowestGood(one)).to.equal(1)
  })

  it('drops floors only after their last affected certificate has ended', () => {
    const floors = createFloors(4, [floor(), floor({ workloadId: two, untilMs: 2_000 })])
    expect(floors.prune(999)).to.equal(floors)
    const later = floors.prune(1_000)
    expect(later.version).to.equal(4)
    expect([...later.entries.keys()]).to.deep.equal([two])
    expect(floors.lowestGood(one)).to.equal(3)
  })

  const wrong: Record<string, Partial<Floor>> = {
    'a workload id in upper case': { workloadId: '0F'.repeat(16) },
    'a short workload id': { workloadId: '01' },
    'generation 0': { lowestGoodGeneration: 0 },
    'generation 1.5': { lowestGoodGeneration: 1.5 },
    'a time before the epoch': { untilMs: -1 },
    'no time': { untilMs: NaN },
  }
  for (const [what, change] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expectIdentityError('ERR_FLOORS', () => createFloors(1, [floor(change)]))
    })
  }

  it('refuses two floors for one workload, and a version that is none', () => {
    expectIdentityError('ERR_FLOORS', () => createFloors(1, [floor(), floor()]))
    expectIdentityError('ERR_FLOORS', () => createFloors(-1, []))
  })
})
