import { expect } from 'chai'
import type { Traffic } from '../../../bench/load/traffic.ts'
import { compareInRounds, type Rounds } from '../../../bench/proxies/rounds.ts'
import type { ProxyTest } from '../../../bench/proxies/tests.ts'

const paths = [
  { name: 'direct', port: 1 },
  { name: 'ours', port: 2 },
  { name: 'other', port: 3 },
]
const options: Rounds = {
  traffic: {} as Traffic,
  paths,
  absent: [],
  ours: 'ours',
  rounds: 3,
  scale: 0.5,
  say: () => undefined,
}

/** A test whose run is `run`, and what it was asked. */
function testOf(run: (port: number) => number): {
  readonly test: ProxyTest
  readonly ports: number[]
  readonly lengths: number[]
} {
  const ports: number[] = []
  const lengths: number[] = []
  const test: ProxyTest = {
    name: 'a test',
    seconds: 4,
    run: (_traffic, port, seconds) => {
      ports.push(port)
      lengths.push(seconds)
      return Promise.resolve({ rate: run(port), errors: 0, work: 1 })
    },
    measures: { rate: { metric: 'rate', unit: '1/s', better: 'more', factor: 2 } },
  }
  return { test, ports, lengths }
}

describe('compareInRounds()', () => {
  it('goes through every path in every round, from another one each time', async () => {
    const { test, ports, lengths } = testOf((port) => port * 10)
    const [row] = await compareInRounds([test], options)
    // One round more than those that count, and longer.
    expect(ports).to.deep.equal([3, 1, 2, 1, 2, 3, 2, 3, 1, 3, 1, 2])
    expect(lengths).to.deep.equal([4, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    expect(row).to.include({ ours: 20, direct: 10, bestPeer: 'other', target: 60, met: false })
    expect(row).to.not.have.property('note')
  })

  it('names another that fails, and asks it no more after the second time', async () => {
    const { test, ports } = testOf((port) => {
      if (port === 3) throw new Error('gone')
      return 1
    })
    const [row] = await compareInRounds([test], options)
    expect(ports.filter((port) => port === 3)).to.have.lengthOf(2)
    expect(row?.peers).to.deep.equal({})
    expect(row?.note).to.equal('other failed in 3 of the rounds.')
  })

  it('names who has not started', async () => {
    const { test } = testOf(() => 1)
    const [row] = await compareInRounds([test], { ...options, absent: ['third'] })
    expect(row?.note).to.equal('third did not start.')
  })

  it('does not count a round with errors', async () => {
    const { test } = testOf(() => 1)
    let runs = 0
    const failing: ProxyTest = {
      ...test,
      run: async (traffic, port, seconds) => {
        const figures = await test.run(traffic, port, seconds)
        return { ...figures, errors: port === 3 && ++runs === 2 ? 1 : 0 }
      },
    }
    const [row] = await compareInRounds([failing], options)
    expect(row?.note).to.equal('other failed in 1 of the rounds.')
    expect(row?.peers).to.deep.equal({ other: 1 })
  })

  it('ends where ours fails', async () => {
    const { test } = testOf((port) => {
      if (port === 2) throw new Error('gone')
      return 1
    })
    const error = await compareInRounds([test], options).catch((reason: unknown) => reason)
    expect(error).to.be.an('error').with.property('message', 'gone')
  })
})
