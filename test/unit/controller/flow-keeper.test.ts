import { expect } from 'chai'
import { codeOf } from '../../../src/base/errors.ts'
import type { Flow } from '../../../src/controller/flows/flow.ts'
import type { FlowFile } from '../../../src/controller/flows/flow-file.ts'
import type { FlowBatch, FlowHalf } from '../../../src/controller/flows/half.ts'
import { createFlowKeeper, type FlowKeeper } from '../../../src/controller/flows/keeper.ts'
import { ControllerError } from '../../../src/controller/controller-error.ts'
import { StoreError } from '../../../src/controller/store/store-error.ts'
import { expectError, expectRejection } from '../../support/expect-error.ts'
import { halfBetween, reportOf } from '../../support/flow-halves.ts'

describe('createFlowKeeper()', () => {
  let batches: FlowBatch[]
  let shown: (readonly Flow[])[]
  let isFull: boolean
  let keeper: FlowKeeper
  beforeEach(() => {
    batches = []
    shown = []
    isFull = false
    const file: FlowFile = {
      add: (batch) => {
        if (isFull) throw new StoreError('ERR_STORE_FULL', 'the disk of the store is full')
        batches.push(batch)
      },
      read: () => ({ halves: batches.flatMap(({ halves }) => halves), links: [] }),
      lost: () => 0,
      reporters: () => [{ workloadId: 'old', runId: 'run', sequence: 7, reportedAtMs: 0 }],
      pruneAged: () => 0,
      pruneReporters: () => undefined,
      pruneCrowded: () => 0,
      [Symbol.dispose]: () => undefined,
    }
    keeper = createFlowKeeper({
      file,
      onChanged: (flows) => shown.push(flows),
      mostPending: 100,
    })
  })

  const report = (
    workloadId: string,
    sequence: number,
    halves: readonly FlowHalf[],
    isFollowed = false,
  ): Promise<{ readonly isNew: boolean }> =>
    keeper.report({ workloadId, report: reportOf(sequence, halves), nowMs: 0, isFollowed })
  const written = (): number =>
    batches.flatMap(({ halves }) => halves).reduce((sum, { opened }) => sum + opened, 0)

  it('holds no more runs than other records while the disk refuses', async () => {
    isFull = true
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, run) => {
        const own = { ...reportOf(1, []), runId: `run-${String(run)}` }
        return keeper.report({ workloadId: 'web', report: own, nowMs: 0, isFollowed: false })
      }),
    )
    const codes = outcomes.map((one) => one.status === 'rejected' && codeOf(one.reason))
    expect(codes.filter((code) => code === 'ERR_LIMIT').length).to.be.at.least(99)
  })

  it('writes reports together, and acknowledges none before', async () => {
    const reports = [
      report('web', 1, [halfBetween('web', 'db')]),
      report('api', 1, [halfBetween('api', 'db')]),
    ]
    let isAcknowledged = false
    void reports[0]?.then(() => {
      isAcknowledged = true
    })
    await new Promise(setImmediate)
    expect(isAcknowledged).to.equal(false)
    keeper.flush()
    expect(await Promise.all(reports)).to.deep.equal([{ isNew: true }, { isNew: true }])
    expect(batches).to.have.length(1)
  })

  it('keeps what cannot be written, and counts its repetition once', async () => {
    isFull = true
    for (let tries = 0; tries < 2; tries++) {
      const refused = report('web', 1, [halfBetween('web', 'db')])
      expectError(() => keeper.flush(), StoreError, 'ERR_STORE_FULL')
      await expectRejection(refused, StoreError, 'ERR_STORE_FULL')
    }
    isFull = false
    const again = report('web', 1, [halfBetween('web', 'db')])
    keeper.flush()
    expect(await again).to.deep.equal({ isNew: false })
    expect(written()).to.equal(1)
  })

  it('refuses more than may wait, whole', async () => {
    isFull = true
    const many = Array.from({ length: 60 }, (_, port) =>
      halfBetween('web', 'db', { destinationPort: port }),
    )
    const first = report('web', 1, many)
    expectError(() => keeper.flush(), StoreError, 'ERR_STORE_FULL')
    await expectRejection(first, StoreError, 'ERR_STORE_FULL')
    await expectRejection(report('api', 1, many), ControllerError, 'ERR_LIMIT')
    isFull = false
    keeper.flush()
    expect(written()).to.equal(60)
  })

  it('goes on from the reports that are on disk', async () => {
    expect(await report('old', 7, [halfBetween('old', 'db')])).to.deep.equal({ isNew: false })
    await expectRejection(report('old', 9, []), ControllerError, 'ERR_PRECONDITION')
    const next = report('old', 8, [halfBetween('old', 'db')])
    keeper.flush()
    expect(await next).to.deep.equal({ isNew: true })
    expect(written()).to.equal(1)
  })

  it('tells of flows that change while somebody follows', async () => {
    const unseen = report('web', 1, [halfBetween('web', 'db')])
    keeper.flush()
    await unseen
    expect(shown).to.deep.equal([])
    const seen = report('web', 2, [halfBetween('web', 'db')], true)
    keeper.flush()
    await seen
    expect(shown.flat().map(({ opened }) => opened)).to.deep.equal([2])
  })

  it('lists by verdict, no more than asked for, newest first', async () => {
    const halves = [1, 2, 3].map((bucket) =>
      halfBetween('web', 'db', { bucketStartMs: bucket * 10_000 }),
    )
    const denied = halfBetween('web', 'db', { verdict: 'deny', reason: 'no-policy-matched' })
    const reported = report('web', 1, [...halves, denied])
    keeper.flush()
    await reported
    const range = { sinceMs: 0, untilMs: 1, workloadIds: undefined, limit: 2 }
    const allowed = keeper.list({ ...range, verdict: 'allow' }).flows
    expect(allowed.map(({ bucketStartMs }) => bucketStartMs)).to.deep.equal([30_000, 20_000])
    expect(keeper.list({ ...range, verdict: 'deny' }).flows).to.have.length(1)
  })
})
