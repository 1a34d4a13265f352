import { expect } from 'chai'
import { unifiedDiff } from '../../../src/cli/text-diff.ts'

const lines = (...all: readonly (string | number)[]): string =>
  all.map((line) => `${String(line)}\n`).join('')
const diff = (before: string, after: string): string[] =>
  unifiedDiff({ name: 'a', text: before }, { name: 'b', text: after })

describe('unifiedDiff()', () => {
  it('is empty where nothing differs', () => {
    expect(diff(lines(1, 2, 3), lines(1, 2, 3))).to.deep.equal([])
    expect(diff('', '')).to.deep.equal([])
  })

  const cases: readonly (readonly [string, string, string, readonly string[]])[] = [
    [
      'a changed line',
      lines(1, 2, 3),
      lines(1, 'x', 3),
      ['@@ -1,3 +1,3 @@', ' 1', '-2', '+x', ' 3'],
    ],
    ['a new text', '', lines('a', 'b'), ['@@ -0,0 +1,2 @@', '+a', '+b']],
    ['a text that is gone', lines('a'), '', ['@@ -1 +0,0 @@', '-a']],
    ['a line at the end', lines(1), lines(1, 2), ['@@ -1 +1,2 @@', ' 1', '+2']],
    ['a line at the start', lines(2), lines(1, 2), ['@@ -1 +1,2 @@', '+1', ' 2']],
    ['a moved line', lines(1, 2), lines(2, 1), ['@@ -1,2 +1,2 @@', '-1', ' 2', '+1']],
  ]
  for (const [name, before, after, expected] of cases) {
    it(`shows ${name}`, () => {
      expect(diff(before, after)).to.deep.equal(['--- a', '+++ b', ...expected])
    })
  }

  it('shows three lines around each change, and leaves out those between', () => {
    const all = Array.from({ length: 20 }, (_none, index) => String(index + 1))
    const after = all.with(3, 'x').with(16, 'y')
    const shown = diff(lines(...all), lines(...after))
    expect(shown.filter((line) => line.startsWith('@@'))).to.deep.equal([
      '@@ -1,7 +1,7 @@',
      '@@ -14,7 +14,7 @@',
    ])
    expect(shown).to.have.length(2 + 2 * 9)
  })
})
