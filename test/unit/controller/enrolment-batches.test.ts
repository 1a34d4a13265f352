import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import type { Enrolled, PlannedEnrolment } from '../../../src/controller/enrolment/enrol.ts'
import { createEnrolmentBatches } from '../../../src/controller/enrolment/enrolment-batches.ts'
import type { Proof } from '../../../src/controller/enrolment/proof.ts'
import { createSerialQueue } from '../../../src/controller/serial-queue.ts'
import type { Store, Tables } from '../../../src/controller/store/store.ts'

interface Applicant {
  readonly node: string
  readonly key: string
  /** Other keys that are bound to its node. */
  readonly bound?: readonly string[]
  readonly refusedBy?: 'plan' | 'store'
}

/** Enrols all at once, and tells in which transactions, in what order, and what each was answered. */
async function enrolTogether(
  applicants: readonly Applicant[],
  waits: {
    underWay?: (arrived: number) => number
    longestWaitMs?: number
    turnsApart?: number
  } = {},
) {
  const commits: string[][] = []
  const finished: string[] = []
  const said = new Map<Proof, Applicant>()
  const tables = { of: 'the transaction' } as unknown as Tables
  let writing: string[] = []
  const change: Store['change'] = async (work) => {
    writing = []
    const result = await work(tables)
    commits.push(writing)
    return result
  }
  const store = { change } as Store
  const plan = (proof: Proof): Promise<PlannedEnrolment> => {
    const one = said.get(proof)
    if (one?.refusedBy === 'plan') return Promise.reject(new Error(`${one.key} is refused`))
    return Promise.resolve({
      concerns: [proof.node.nodeId, proof.nodeKey.keySha256, ...(one?.bound ?? [])],
      write: (given) => {
        expect(given).to.equal(tables)
        if (one?.refusedBy === 'store') return Promise.reject(new Error(`${one.key} not written`))
        writing.push(proof.nodeKey.keySha256)
        return Promise.resolve()
      },
      finish: () => {
        finished.push(proof.nodeKey.keySha256)
        return { key: proof.nodeKey.keySha256 } as unknown as Enrolled
      },
    })
  }
  const enrol = createEnrolmentBatches({
    deferred: store,
    changes: createSerialQueue(),
    plan,
    ...waits,
    underWay: () => waits.underWay?.(said.size) ?? 0,
  })
  const outcomes = await Promise.allSettled(
    applicants.map(async (one, at) => {
      for (let turn = 0; turn < at * (waits.turnsApart ?? 0); turn++) await setImmediate()
      const proof = {
        node: { nodeId: one.node },
        nodeKey: { keySha256: one.key },
      } as unknown as Proof
      said.set(proof, one)
      return enrol(proof)
    }),
  )
  const answers = outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? 'enrolled' : (outcome.reason as Error).message,
  )
  return { commits, finished, answers }
}

const applicants = (count: number): Applicant[] =>
  Array.from({ length: count }, (_, at) => ({ node: `n${String(at)}`, key: `k${String(at)}` }))

describe('enrolments that wait at the same time', () => {
  it('share a transaction, at most 32 of them', async () => {
    const { commits, answers } = await enrolTogether(applicants(70))
    expect(commits.map((keys) => keys.length)).to.deep.equal([32, 32, 6])
    expect(new Set(answers)).to.deep.equal(new Set(['enrolled']))
  })

  it('are joined by those that come while they are expected', async () => {
    const { commits } = await enrolTogether(applicants(3), {
      underWay: (arrived) => 3 - arrived,
      longestWaitMs: 60_000,
      turnsApart: 3,
    })
    expect(commits).to.deep.equal([['k0', 'k1', 'k2']])
  })

  it('do not wait for what nobody has announced, nor for ever for what was', async () => {
    const unannounced = await enrolTogether(applicants(2), { turnsApart: 5 })
    expect(unannounced.commits).to.deep.equal([['k0'], ['k1']])
    const { answers } = await enrolTogether(applicants(1), { underWay: () => 1 })
    expect(answers).to.deep.equal(['enrolled'])
  })

  it('of one node, or of one key, come one after the other', async () => {
    const { commits, answers } = await enrolTogether([
      { node: 'n1', key: 'k1' },
      { node: 'n1', key: 'k2' },
      { node: 'n2', key: 'k1' },
      { node: 'n3', key: 'k3' },
    ])
    expect(commits).to.deep.equal([
      ['k1', 'k3'],
      ['k2', 'k1'],
    ])
    expect(answers).to.have.length(4)
  })

  it('wait for one that concerns a key of theirs through its node', async () => {
    const { commits } = await enrolTogether([
      { node: 'n1', key: 'k1', bound: ['k2'] },
      { node: 'n2', key: 'k2' },
    ])
    expect(commits).to.deep.equal([['k1'], ['k2']])
  })

  it('do not suffer from one that is refused', async () => {
    const { commits, answers } = await enrolTogether([
      { node: 'n1', key: 'k1' },
      { node: 'n2', key: 'k2', refusedBy: 'plan' },
      { node: 'n3', key: 'k3' },
    ])
    expect(commits).to.deep.equal([['k1', 'k3']])
    expect(answers).to.deep.equal(['enrolled', 'k2 is refused', 'enrolled'])
  })

  it('are written one by one where the store refuses one of them', async () => {
    const { commits, finished, answers } = await enrolTogether([
      { node: 'n1', key: 'k1' },
      { node: 'n2', key: 'k2', refusedBy: 'store' },
      { node: 'n3', key: 'k3' },
    ])
    expect(commits).to.deep.equal([['k1'], ['k3']])
    expect(finished).to.deep.equal(['k1', 'k3'])
    expect(answers).to.deep.equal(['enrolled', 'k2 not written', 'enrolled'])
  })

  it('are finished only once the transaction is durable', async () => {
    const { finished, answers } = await enrolTogether([
      { node: 'n1', key: 'k1', refusedBy: 'store' },
    ])
    expect(finished).to.deep.equal([])
    expect(answers).to.deep.equal(['k1 not written'])
  })
})
