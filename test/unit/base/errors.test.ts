import { expect } from 'chai'
import { createBackoff } from '../../../src/base/backoff.ts'
import { codeOf, messageOf, quote } from '../../../src/base/errors.ts'

describe('quote()', () => {
  it('escapes control characters', () => {
    expect(quote('a\n\u001b[31m')).to.equal('"a\\n\\u001b[31m"')
  })

  it('cuts long text and says how long it was', () => {
    expect(quote('x'.repeat(100))).to.equal(`"${'x'.repeat(80)}"… (100 characters)`)
  })
})

describe('messageOf()', () => {
  it('follows the causes', () => {
    const cause = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
    expect(messageOf(new Error('cannot reach it', { cause }))).to.equal(
      'cannot reach it: connection refused',
    )
    expect(codeOf(cause)).to.equal('ECONNREFUSED')
    expect(codeOf('text')).to.equal(undefined)
  })
})

describe('createBackoff()', () => {
  it('doubles up to its longest delay and starts over after a success', () => {
    const backoff = createBackoff({ firstMs: 100, longestMs: 350, random: () => 1 })
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).to.deep.equal([
      100, 200, 350, 350,
    ])
    backoff.reset()
    expect(backoff.next()).to.equal(100)
  })

  it('never waits less than half its delay', () => {
    expect(createBackoff({ firstMs: 100, longestMs: 100, random: () => 0 }).next()).to.equal(50)
  })
})
