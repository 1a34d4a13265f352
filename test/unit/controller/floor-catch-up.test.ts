import { expect } from 'chai'
import { createFloorCatchUp } from '../../../src/controller/workloads/floor-catch-up.ts'

describe('createFloorCatchUp()', () => {
  it('gives out what is due, once', () => {
    const catchUp = createFloorCatchUp()
    catchUp.plan('web', 2, 100)
    expect(catchUp.due(99)).to.deep.equal([])
    expect(catchUp.due(100)).to.deep.equal([{ workloadId: 'web', generation: 2 }])
    expect(catchUp.due(100)).to.deep.equal([])
  })

  it('keeps the earlier time for one generation, whichever came first', () => {
    const catchUp = createFloorCatchUp()
    catchUp.plan('web', 2, 100)
    catchUp.plan('web', 2, 50)
    catchUp.plan('web', 2, 200)
    expect(catchUp.due(50)).to.have.length(1)
  })

  it('does not put off an older generation for a newer one', () => {
    const catchUp = createFloorCatchUp()
    catchUp.plan('web', 2, 100)
    catchUp.plan('web', 3, 200)
    expect(catchUp.due(100)).to.deep.equal([{ workloadId: 'web', generation: 2 }])
  })

  it('takes a plan back', () => {
    const catchUp = createFloorCatchUp()
    catchUp.plan('web', 2, 100)
    catchUp.cancel('web', 3)
    expect(catchUp.size).to.equal(1)
    catchUp.cancel('web', 2)
    expect(catchUp.size).to.equal(0)
  })
})
