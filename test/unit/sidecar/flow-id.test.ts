import { expect } from 'chai'
import { createFlowId } from '../../../src/sidecar/flow-id.ts'

describe('createFlowId()', () => {
  it('gives 16 bytes that no other flow has, and that stay as they are', () => {
    const ids = Array.from({ length: 2_000 }, createFlowId)
    const texts = ids.map((id) => id.toString('hex'))
    expect(new Set(texts).size).to.equal(ids.length)
    expect(ids.every(({ length }) => length === 16)).to.equal(true)
  })
})
