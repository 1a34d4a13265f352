import { expect } from 'chai'
import { assemble } from '../../../src/controller/flows/flow.ts'
import { createPendingFlows } from '../../../src/controller/flows/pending.ts'
import { createRecentFlows } from '../../../src/controller/flows/recent.ts'
import { createReporterLedger } from '../../../src/controller/flows/reporter-ledger.ts'
import { createStitcher } from '../../../src/controller/flows/stitcher.ts'
import type { FlowHalf } from '../../../src/controller/flows/half.ts'

const party = (workloadId: string): FlowHalf['reporter'] => ({
  workloadId,
  spiffeId: `id ${workloadId}`,
})

const half = (id: string, change: Partial<FlowHalf> = {}): FlowHalf => ({
  id,
  bucketStartMs: 0,
  direction: 'egress',
  reporter: party('web'),
  peer: party('db'),
  destinationAddress: '10.0.0.2',
  destinationPort: 5432,
  verdict: 'allow',
  reason: 'allowed-by-policy',
  policy: 'web-to-db',
  encryption: 'required',
  opened: 1,
  closed: 1,
  bytesSent: 10,
  bytesReceived: 20,
  ...change,
})
const ingress = (id: string, change: Partial<FlowHalf> = {}): FlowHalf =>
  half(id, { direction: 'ingress', reporter: party('db'), peer: party('web'), ...change })

describe('createStitcher()', () => {
  it('links two halves that name each other and share a flow id', () => {
    const stitcher = createStitcher()
    expect(stitcher.add(half('e'), ['f1', 'f2'], 0)).to.deep.equal([])
    expect(stitcher.add(ingress('i'), ['f2'], 0)).to.deep.equal([{ egressId: 'e', ingressId: 'i' }])
  })

  const strangers: Readonly<Record<string, FlowHalf>> = {
    'names somebody else': ingress('i', { peer: party('mallory') }),
    'is named by nobody': ingress('i', { reporter: party('mallory') }),
    'is of the same side': half('i', { reporter: party('db'), peer: party('web') }),
    'is of another time': ingress('i', { bucketStartMs: 30_000 }),
  }
  for (const [what, stranger] of Object.entries(strangers)) {
    it(`links no half that ${what}`, () => {
      const stitcher = createStitcher()
      stitcher.add(half('e'), ['f'], 0)
      expect(stitcher.add(stranger, ['f'], 0)).to.deep.equal([])
    })
  }

  it('prefers the same bucket, and takes the one beside it', () => {
    const stitcher = createStitcher()
    stitcher.add(half('e0'), ['f'], 0)
    stitcher.add(half('e1', { bucketStartMs: 10_000 }), ['f'], 0)
    expect(stitcher.add(ingress('i1', { bucketStartMs: 10_000 }), ['f'], 0)).to.deep.equal([
      { egressId: 'e1', ingressId: 'i1' },
    ])
    expect(stitcher.add(ingress('i2', { bucketStartMs: 20_000 }), ['f'], 0)).to.deep.equal([
      { egressId: 'e1', ingressId: 'i2' },
    ])
  })

  it('forgets ids by age and by number', () => {
    const stitcher = createStitcher(2)
    for (const id of ['a', 'b', 'c']) stitcher.add(half('e'), [id], 0)
    expect(stitcher.size).to.equal(2)
    stitcher.prune(60_001)
    expect(stitcher.size).to.equal(0)
  })
})

describe('assemble()', () => {
  it('leaves a half alone without a partner', () => {
    const [flow, ...others] = assemble([half('e')], [])
    expect(others).to.deep.equal([])
    expect(flow?.stitched).to.equal(false)
    expect(flow?.from).to.deep.include({ workloadId: 'web', verdict: 'allow' })
    expect(flow?.to).to.deep.include({ workloadId: 'db', verdict: undefined })
  })

  it('counts a pair once, by the end that saw more', () => {
    const flows = assemble(
      [half('e', { opened: 3, bytesSent: 5 }), ingress('i', { opened: 2, bytesSent: 7 })],
      [{ egressId: 'e', ingressId: 'i' }],
    )
    expect(flows).to.have.length(1)
    expect(flows[0]).to.deep.include({ stitched: true, opened: 3, bytesSent: 7 })
  })

  it('shows each verdict of the ingress for one of the egress, and no connection twice', () => {
    const flows = assemble(
      [
        half('e', { opened: 10 }),
        ingress('allowed', { opened: 7 }),
        ingress('denied', { opened: 3, verdict: 'deny', reason: 'denied-by-policy' }),
      ],
      [
        { egressId: 'e', ingressId: 'allowed' },
        { egressId: 'e', ingressId: 'denied' },
      ],
    )
    expect(flows.map(({ to, opened }) => [to.verdict, opened])).to.deep.equal([
      ['allow', 7],
      ['deny', 3],
    ])
  })

  it('leaves links aside whose other half is not there', () => {
    const flows = assemble([half('e')], [{ egressId: 'e', ingressId: 'gone' }])
    expect(flows.map(({ stitched }) => stitched)).to.deep.equal([false])
  })
})

describe('createPendingFlows()', () => {
  it('merges counts by key', () => {
    const pending = createPendingFlows()
    pending.addHalf(half('e'))
    pending.addHalf(half('e', { bytesSent: 5 }))
    pending.addLoss({ workloadId: 'web', bucketStartMs: 0, lost: 1 })
    pending.addLoss({ workloadId: 'web', bucketStartMs: 0, lost: 2 })
    const { halves, losses } = pending.toBatch()
    expect(halves.map(({ opened, bytesSent }) => [opened, bytesSent])).to.deep.equal([[2, 15]])
    expect(losses.map(({ lost }) => lost)).to.deep.equal([3])
  })
})

describe('createRecentFlows()', () => {
  it('counts from the beginning of a bucket, and forgets old ones', () => {
    const recent = createRecentFlows()
    recent.add(half('e'), [])
    recent.add(half('e'), [])
    recent.add(ingress('i'), [{ egressId: 'e', ingressId: 'i' }])
    expect(recent.around(['i']).map(({ opened }) => opened)).to.deep.equal([2])
    recent.prune(120_000)
    expect(recent.size).to.equal(0)
    expect(recent.around(['i'])).to.deep.equal([])
  })
})

describe('createReporterLedger()', () => {
  it('tells new, repeated and missing reports apart', () => {
    const ledger = createReporterLedger([
      { workloadId: 'web', runId: 'r', sequence: 4, reportedAtMs: 0 },
    ])
    expect(ledger.check('web', 'r', 4).kind).to.equal('repeated')
    expect(ledger.check('web', 'r', 5).kind).to.equal('new')
    expect(ledger.check('web', 'r', 6)).to.deep.equal({ kind: 'gap', expected: 5 })
    expect(ledger.check('db', 'r', 6).kind).to.equal('new')
    ledger.advance('web', 'r', 5)
    expect(ledger.check('web', 'r', 5).kind).to.equal('repeated')
  })

  it('remembers the last few runs', () => {
    const ledger = createReporterLedger([])
    for (const run of ['a', 'b', 'c', 'd', 'e']) ledger.advance('web', run, 9)
    expect(ledger.check('web', 'b', 1).kind).to.equal('repeated')
    expect(ledger.check('web', 'a', 1).kind).to.equal('new')
  })
})
