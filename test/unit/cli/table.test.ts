import { expect } from 'chai'
import { pairLines, paint, tableLines } from '../../../src/cli/table.ts'

describe('tableLines()', () => {
  it('aligns columns under their titles and leaves no trailing blanks', () => {
    const lines = tableLines(
      [{ title: 'NAME' }, { title: 'COUNT', align: 'right' }, { title: 'NOTE' }],
      [
        ['web', '7', ''],
        ['orders-db', '1200', 'old'],
      ],
      false,
    )
    expect(lines).to.deep.equal([
      'NAME       COUNT  NOTE',
      'web            7',
      'orders-db   1200  old',
    ])
  })

  it('counts characters, not UTF-16 units', () => {
    const lines = tableLines(
      [{ title: 'A' }, { title: 'B' }],
      [
        ['🦁é', 'x'],
        ['abc', 'y'],
      ],
      false,
    )
    expect(lines).to.deep.equal(['A    B', '🦁é   x', 'abc  y'])
  })

  it('keeps the least width of a column', () => {
    expect(tableLines([{ title: 'A', least: 4 }, { title: 'B' }], [], false)).to.deep.equal([
      'A     B',
    ])
  })

  it('colours the text of a cell, never its padding', () => {
    const [, row] = tableLines(
      [{ title: 'AAAA' }, { title: 'B' }],
      [[{ text: 'no', tone: 'bad' }, 'x']],
      true,
    )
    expect(row).to.equal('\u001b[31mno\u001b[39m    x')
  })

  it('shows control characters of untrusted text instead of sending them to the terminal', () => {
    const [, row] = tableLines([{ title: 'A' }], [['\u001b[2J\u202eevil\n\u009b1m']], false)
    expect(row).to.equal('\\x1b[2J\\u202eevil\\x0a\\x9b1m')
  })
})

describe('pairLines()', () => {
  it('puts the values in one column', () => {
    expect(
      pairLines(
        [
          ['a', '1'],
          ['long', { text: '2', tone: 'good' }],
        ],
        false,
      ),
    ).to.deep.equal(['a:    1', 'long: 2'])
  })
})

describe('paint()', () => {
  it('leaves text alone where colours are not wanted', () => {
    expect(paint('deny', 'bad', false)).to.equal('deny')
    expect(paint('deny', 'bad', true)).to.contain('\u001b[31m')
  })
})
