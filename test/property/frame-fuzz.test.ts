import { expect } from 'chai'
import { createRandom, fuzzFrames } from '../support/frame-fuzz.ts'

describe('mutated frame sequences', () => {
  it('end in an error of the tunnel or in nothing, within the limits', () => {
    const { ends } = fuzzFrames(5_000, 1)
    // Both must be there in numbers, or the mutations are too wild or too tame to say anything.
    expect(ends['open']).to.be.greaterThan(500)
    expect(ends['ERR_FRAME']).to.be.greaterThan(500)
    const codes = ['open', 'ERR_FRAME', 'ERR_TUNNEL_CLOSED', 'ERR_TUNNEL_LIMIT']
    expect(Object.keys(ends)).to.have.members(codes)
  }).timeout(60_000)

  it('are the same for the same seed', () => {
    expect(fuzzFrames(200, 7)).to.deep.equal(fuzzFrames(200, 7))
    const [one, other] = [createRandom(1), createRandom(2)]
    expect(one(1_000_000)).to.not.equal(other(1_000_000))
  })
})
