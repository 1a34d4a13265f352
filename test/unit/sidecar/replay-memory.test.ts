import { expect } from 'chai'
import { createReplayMemory } from '../../../src/sidecar/relayed/replay-memory.ts'

describe('ReplayMemory', () => {
  it('knows a proof again for as long as it would be good', () => {
    const memory = createReplayMemory()
    expect(memory.use('web', 'a', 100, 0)).to.equal('first')
    expect(memory.use('web', 'a', 100, 99)).to.equal('again')
    expect(memory.size).to.equal(1)
    expect(memory.use('web', 'b', 200, 100)).to.equal('first')
    expect(memory.size).to.equal(1)
  })

  it('tells the same id of two workloads apart', () => {
    const memory = createReplayMemory()
    expect(memory.use('web', 'a', 100, 0)).to.equal('first')
    expect(memory.use('api', 'a', 100, 0)).to.equal('first')
  })

  it('takes nothing more when it is full, and forgets nothing that is good for that', () => {
    const memory = createReplayMemory(8)
    for (const holder of ['a', 'b', 'c', 'd']) {
      for (const id of ['1', '2']) expect(memory.use(holder, id, 100, 0)).to.equal('first')
    }
    expect(memory.use('e', '1', 100, 0)).to.equal('full')
    expect(memory.use('a', '1', 100, 0)).to.equal('again')
    expect(memory.use('e', '1', 200, 100)).to.equal('first')
  })

  it('leaves room for others than one that fills its share', () => {
    const memory = createReplayMemory(8)
    expect([1, 2, 3].map((id) => memory.use('a', String(id), 100, 0))).to.deep.equal([
      'first',
      'first',
      'full',
    ])
    expect(memory.use('b', '1', 100, 0)).to.equal('first')
    expect(memory.use('a', '3', 200, 100)).to.equal('first')
  })

  it('takes nothing at all where it may remember nothing', () => {
    expect(createReplayMemory(0).use('web', 'a', 100, 0)).to.equal('full')
  })
})
