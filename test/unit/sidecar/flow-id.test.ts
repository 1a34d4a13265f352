import { expect } from 'chai'
import { createFlowId } from '../../../src/sidecar/flow-id.ts'

describe('createFlowId()', () => {
  it('gives 16 bytes that no other flow has', () => {
    const ids = Array.from({ length: 2_000 }, createFlowId)
    expect(new Set(ids).size).to.equal(ids.length)
    for (const id of ids) expect(id).to.match(/^[0-9a-f]{32}$/)
  })
})
