import { expect } from 'chai'
import { matchesGlob } from '../../../src/policy/glob.ts'
import { nearestWord } from '../../../src/policy/did-you-mean.ts'

describe('matchesGlob()', () => {
  const cases: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
    ['', '', true],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['a*', 'b', false],
    ['a*c', 'abc', true],
    ['a*c', 'abcb', false],
    ['*a*b*', 'xxaxxbxx', true],
    ['*ab', 'aab', true],
    ['a.c', 'abc', false],
    ['**', 'x', true],
  ]
  for (const [pattern, text, matches] of cases) {
    it(`${matches ? 'fits' : 'does not fit'} ${JSON.stringify(text)} to ${JSON.stringify(pattern)}`, () => {
      expect(matchesGlob(pattern, text)).to.equal(matches)
    })
  }

  it('ends soon on a pattern made to go on for ever', () => {
    expect(matchesGlob('a*'.repeat(250) + 'b', 'a'.repeat(512))).to.equal(false)
  })
})

describe('nearestWord()', () => {
  const known = ['NetworkPolicy', 'from', 'to', 'label.app']
  for (const [word, nearest] of [
    ['networkpolicy', 'NetworkPolicy'],
    ['form', 'from'],
    ['lable.app', 'label.app'],
    ['encryption', undefined],
    ['x'.repeat(1_000), undefined],
  ] as const) {
    it(`finds ${String(nearest)} for ${word.slice(0, 20)}`, () => {
      expect(nearestWord(word, known)).to.equal(nearest)
    })
  }
})
