import { expect } from 'chai'
import { between } from '../../../bench/report/markers.ts'
import { numberText } from '../../../bench/report/number-text.ts'
import { barPlot } from '../../../bench/report/plot.ts'
import { resultTable } from '../../../bench/report/table.ts'
import { quantile, rowOf, type Measure, type Row } from '../../../bench/row.ts'

const measure: Measure = { test: 'a & b', metric: 'rate', unit: '1/s', better: 'more' }

describe('rowOf()', () => {
  it('gives the median, the least and the greatest of the rounds', () => {
    expect(rowOf(measure, [30, 10, 20])).to.include({ ours: 20, min: 10, max: 30, met: true })
    expect(rowOf(measure, [30, 10, 20, 40])).to.include({ ours: 25, min: 10, max: 40 })
  })

  it('meets a target from its better side', () => {
    const samples = [100]
    const verdict = (better: Measure['better'], target: number): boolean =>
      rowOf({ ...measure, better, target }, samples).met
    expect(verdict('more', 100)).to.equal(true)
    expect(verdict('more', 101)).to.equal(false)
    expect(verdict('less', 100)).to.equal(true)
    expect(verdict('less', 99)).to.equal(false)
  })

  it('refuses to make a number of no rounds', () => {
    expect(() => rowOf(measure, [])).to.throw('at least one round')
  })
})

describe('quantile()', () => {
  it('never lies below the part that was asked for', () => {
    const sorted = Array.from({ length: 100 }, (_, at) => at)
    expect(quantile(sorted, 0.99)).to.equal(99)
    expect(quantile(sorted, 1)).to.equal(99)
    expect(quantile(sorted, 0)).to.equal(0)
    expect(quantile([], 0.5)).to.be.NaN
  })
})

describe('resultTable()', () => {
  it('has columns for what is there, and one note for the rows that share it', () => {
    const rows = [
      rowOf({ ...measure, target: 50, note: 'on one core' }, [40]),
      rowOf({ ...measure, note: 'on one core' }, [1_234_567]),
    ]
    const table = resultTable(rows)
    expect(table).to.include('| target | met |')
    expect(table).to.not.include('direct')
    expect(table).to.include('**no**')
    expect(table).to.include('**1,230,000**')
    expect(table.match(/on one core/g)).to.have.length(1)
  })

  it('shows the best peer and the path without the mesh', () => {
    const row: Row = {
      ...rowOf(measure, [90]),
      direct: 120,
      peers: { other: 100 },
      bestPeer: 'other',
      ratio: 0.9,
    }
    expect(resultTable([row])).to.include('| 120 | other 100 | 0.9 |')
  })
})

describe('numberText()', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0.12345, '0.123'],
    [1.2345, '1.23'],
    [12.345, '12.3'],
    [1_234.5, '1,235'],
    [12_345_678, '12,300,000'],
    [Number.NaN, '–'],
  ]
  for (const [value, text] of cases) {
    it(`writes ${String(value)} as ${text}`, () => expect(numberText(value)).to.equal(text))
  }
})

describe('barPlot()', () => {
  it('draws one bar for each row, coloured by its target, with text made safe', () => {
    const rows = [
      rowOf({ ...measure, target: 50 }, [40]),
      rowOf({ ...measure, target: 50 }, [60]),
      rowOf(measure, [70]),
    ]
    const plot = barPlot('rates', rows)
    expect(plot.match(/<rect class="(\w+)"/g)).to.deep.equal([
      '<rect class="missed"',
      '<rect class="bar"',
      '<rect class="plain"',
    ])
    expect(plot).to.include('a &amp; b')
    expect(plot.match(/class="target"/g)).to.have.length(2)
  })

  it('keeps to its scale where everything is zero', () => {
    expect(barPlot('none', [rowOf(measure, [0])])).to.not.match(/NaN|Infinity/)
  })
})

describe('between()', () => {
  it('replaces what stands between two markers, and nothing else', () => {
    const text = 'a\n<!-- t -->\nold\n<!-- /t -->\nb'
    expect(between(text, 't', 'new')).to.equal('a\n<!-- t -->\nnew\n<!-- /t -->\nb')
  })

  it('throws where a marker is missing', () => {
    expect(() => between('<!-- t -->', 't', 'new')).to.throw('expected <!-- t -->')
  })
})
