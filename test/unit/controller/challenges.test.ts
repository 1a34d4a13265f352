import { expect } from 'chai'
import { challengeLifeMs, createChallenges } from '../../../src/controller/enrolment/challenges.ts'

describe('createChallenges()', () => {
  const nonceOf = (challenge: { readonly nonce: Buffer } | undefined): Buffer => {
    if (challenge === undefined) throw new Error('no challenge')
    return challenge.nonce
  }

  it('takes a nonce once', () => {
    const challenges = createChallenges()
    const nonce = nonceOf(challenges.issue('a', 0))
    expect(challenges.consume(nonce, 'a', 1)).to.equal('good')
    expect(challenges.consume(nonce, 'a', 1)).to.equal('unknown-or-used')
  })

  it('uses a nonce up that comes too late or from another source', () => {
    const challenges = createChallenges()
    const late = nonceOf(challenges.issue('a', 0))
    expect(challenges.consume(late, 'a', challengeLifeMs)).to.equal('expired')
    expect(challenges.consume(late, 'a', 1)).to.equal('unknown-or-used')
    const stolen = nonceOf(challenges.issue('a', 0))
    expect(challenges.consume(stolen, 'b', 1)).to.equal('other-source')
    expect(challenges.consume(stolen, 'a', 1)).to.equal('unknown-or-used')
  })

  it('bounds what is open, in all and for one source', () => {
    const challenges = createChallenges({ total: 3, perSource: 2 })
    challenges.issue('a', 0)
    challenges.issue('a', 0)
    expect(challenges.issue('a', 0)).to.equal(undefined)
    expect(challenges.issue('b', 0)).to.not.equal(undefined)
    expect(challenges.issue('c', 0)).to.equal(undefined)
    expect(challenges.open).to.equal(3)
  })

  it('makes room when nonces expire or are used', () => {
    const challenges = createChallenges({ total: 2, perSource: 2 })
    const first = nonceOf(challenges.issue('a', 0))
    challenges.issue('a', 0)
    challenges.consume(first, 'a', 1)
    expect(challenges.issue('a', 1)).to.not.equal(undefined)
    expect(challenges.issue('a', challengeLifeMs + 1)).to.not.equal(undefined)
    expect(challenges.open).to.equal(1)
  })
})
