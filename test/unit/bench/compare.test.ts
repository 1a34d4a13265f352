import { expect } from 'chai'
import { comparedRow } from '../../../bench/compare.ts'

const rate = { test: 'connect', metric: 'rate', unit: '1/s', better: 'more' } as const

describe('comparedRow()', () => {
  const samples = new Map([
    ['direct', [100]],
    ['ours', [30, 50, 40]],
    ['nginx', [20, 10, 30]],
    ['haproxy', [15]],
    ['stunnel', []],
  ])

  it('holds our median against the best of the others', () => {
    expect(comparedRow({ ...rate, factor: 1.5 }, 'ours', samples)).to.include({
      ours: 40,
      min: 30,
      max: 50,
      direct: 100,
      bestPeer: 'nginx',
      ratio: 2,
      target: 30,
      met: true,
    })
  })

  it('takes the least as best where less is better', () => {
    const row = comparedRow({ ...rate, better: 'less', factor: 1.1 }, 'ours', samples)
    expect(row).to.include({ bestPeer: 'haproxy', target: 16.5, met: false })
    expect(row.peers).to.deep.equal({ nginx: 20, haproxy: 15 })
  })

  it('compares with the one that is named, whoever is better', () => {
    const row = comparedRow({ ...rate, factor: 2, against: 'haproxy' }, 'ours', samples)
    expect(row).to.include({ bestPeer: 'haproxy', target: 30, ratio: 2.667, met: true })
    expect(row.peers).to.deep.equal({ nginx: 20, haproxy: 15 })
  })

  it('compares with the direct path where there is nobody else', () => {
    const alone = new Map([
      ['direct', [100]],
      ['ours', [40]],
    ])
    const row = comparedRow({ ...rate, factor: 2 }, 'ours', alone)
    expect(row).to.include({ ratio: 0.4, met: true })
    expect(row).to.not.have.property('target')
  })
})
