import { expect } from 'chai'
import { parseRollup } from '../../../bench/load/memory.ts'

const rollup = `5581a8ba6000-7ffd23bf3000 ---p 00000000 00:00 0    [rollup]
Rss:               54000 kB
Pss:               31234 kB
Pss_Dirty:         20000 kB
Pss_Anon:          19000 kB
Shared_Clean:      30000 kB
Shared_Dirty:          0 kB
Private_Clean:      4000 kB
Private_Dirty:     20000 kB
`

describe('parseRollup()', () => {
  it('takes the proportional size, and what is private, whether written or not', () => {
    expect(parseRollup(rollup)).to.deep.equal({ proportional: 31_234 * 1_024, own: 24_000 * 1_024 })
  })

  it('throws where a figure is missing', () => {
    expect(() => parseRollup('Rss: 54000 kB\n')).to.throw('expected Pss')
  })
})
