import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { FlowRecord } from '../../src/rpc/generated/blazon/v1/FlowRecord.ts'
import type { Flow__Output } from '../../src/rpc/generated/blazon/v1/Flow.ts'
import type { ControllerClient } from '../support/controller-client.ts'
import type { EnrolledWorkload } from '../support/enrolment-client.ts'
import { expectStatus } from '../support/expect-status.ts'
import { startTestController, testRule, type TestController } from '../support/test-controller.ts'

const bucket = (): number => {
  const now = Date.now()
  return now - (now % 10_000)
}

const record = (change: Partial<FlowRecord> = {}): FlowRecord => ({
  bucketStartMs: bucket(),
  direction: 'EGRESS',
  destinationAddress: '10.0.0.2',
  destinationPort: 5432,
  verdict: 'ALLOW',
  reason: 'allowed-by-policy',
  policy: 'web-to-db',
  encryption: 'REQUIRED',
  opened: 1,
  closed: 1,
  bytesSent: 100,
  bytesReceived: 200,
  ...change,
})

interface Reporter {
  readonly workload: EnrolledWorkload
  readonly client: ControllerClient
  readonly id: string
  readonly spiffeId: string
}

describe('controller: flows', function () {
  this.timeout(20_000)

  let mesh: TestController
  let admin: ControllerClient
  let web: Reporter
  let db: Reporter
  beforeEach(async () => {
    mesh = await startTestController()
    await mesh.apply(testRule)
    admin = await mesh.admin()
    web = await reporter('web')
    db = await reporter('db')
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const reporter = async (name: string): Promise<Reporter> => {
    const workload = await mesh.enrol(name)
    const { workloads } = await admin.call('ListWorkloads', { match: name })
    const { workloadId = '', spiffeId = '' } = workloads[0] ?? {}
    return { workload, client: mesh.connect(workload), id: workloadId, spiffeId }
  }
  const peer = (other: Reporter): Partial<FlowRecord> => ({
    peerWorkloadId: other.id,
    peerSpiffeId: other.spiffeId,
  })
  const report = (from: Reporter, sequence: number, records: FlowRecord[], lost = 0) =>
    from.client.call('ReportFlows', { runId: 'run-1', sequence, lost, records })
  const flows = async (): Promise<readonly Flow__Output[]> =>
    (await admin.call('ListFlows', {})).flows

  it('stitches what both ends report under one flow id', async () => {
    const flowIds = [randomBytes(16)]
    const start = { bucketStartMs: bucket() }
    await report(web, 1, [record({ ...start, ...peer(db), flowIds })])
    expect((await flows()).map(({ stitched }) => stitched)).to.deep.equal([false])
    await report(db, 1, [record({ ...start, ...peer(web), direction: 'INGRESS', flowIds })])
    const [flow, ...others] = await flows()
    expect(others).to.deep.equal([])
    expect(flow).to.deep.include({ stitched: true, opened: 1, bytesSent: 100 })
    expect(flow?.from).to.deep.include({ workloadId: web.id, verdict: 'ALLOW' })
    expect(flow?.to).to.deep.include({ workloadId: db.id, verdict: 'ALLOW' })
  })

  it('leaves the other end without a verdict until it has reported', async () => {
    await report(web, 1, [record(peer(db))])
    const [flow] = await flows()
    expect(flow?.to).to.deep.include({ workloadId: db.id, verdict: 'VERDICT_UNSPECIFIED' })
  })

  it('does not let a third workload confirm a flow that it has no part in', async () => {
    const flowIds = [randomBytes(16)]
    const mallory = await reporter('mallory')
    await report(web, 1, [record({ ...peer(db), flowIds })])
    await report(mallory, 1, [record({ ...peer(web), direction: 'INGRESS', flowIds })])
    expect((await flows()).map(({ stitched }) => stitched)).to.deep.equal([false, false])
  })

  it('counts a repeated report once, after a restart too', async () => {
    const records = [record(peer(db))]
    await report(web, 1, records)
    await report(web, 1, records)
    await mesh.restart()
    admin = await mesh.admin()
    web = { ...web, client: mesh.connect(web.workload) }
    await report(web, 1, records)
    await report(web, 2, records)
    const opened = (await flows()).reduce((sum, flow) => sum + flow.opened, 0)
    expect(opened).to.equal(2)
  })

  it('refuses a gap in the sequence', async () => {
    await report(web, 1, [])
    await expectStatus(report(web, 3, []), 'FAILED_PRECONDITION', /expected report 2/)
  })

  it('shows what sidecars had to drop', async () => {
    await report(web, 1, [], 7)
    await report(web, 2, [], 5)
    expect((await admin.call('ListFlows', {})).lost).to.equal(12)
  })

  it('selects by workload and verdict', async () => {
    const denied = { verdict: 'DENY', reason: 'no-policy-matched', policy: '' } as const
    await report(web, 1, [record(peer(db)), record({ destinationPort: 6379, ...denied })])
    const deny = await admin.call('ListFlows', { verdict: 'DENY' })
    expect(deny.flows.map(({ destinationPort }) => destinationPort)).to.deep.equal([6379])
    const ofDb = await admin.call('ListFlows', { workload: 'db' })
    expect(ofDb.flows.map(({ destinationPort }) => destinationPort)).to.deep.equal([5432])
    await expectStatus(admin.call('ListFlows', { workload: 'nobody' }), 'NOT_FOUND')
    await expectStatus(admin.call('ListFlows', { limit: 10_001 }), 'INVALID_ARGUMENT')
  })

  it('follows flows as they come', async () => {
    const stream = admin.followFlows()
    const first = new Promise<Flow__Output>((resolve, reject) => {
      stream.once('data', resolve)
      stream.once('error', reject)
    })
    // The stream stands once its headers are there.
    await new Promise((resolve) => {
      stream.once('metadata', resolve)
    })
    await report(web, 1, [record(peer(db))])
    expect((await first).from?.workloadId).to.equal(web.id)
    stream.cancel()
  })

  const faults: Readonly<Record<string, Partial<FlowRecord>>> = {
    bucket_start_ms: { bucketStartMs: bucket() + 1 },
    'bucket_start_ms ': { bucketStartMs: bucket() + 3_600_000 },
    direction: { direction: 'DIRECTION_UNSPECIFIED' },
    verdict: { verdict: 'VERDICT_UNSPECIFIED' },
    reason: { reason: 'because' },
    peer_workload_id: { peerWorkloadId: 'web', peerSpiffeId: 'spiffe://acme.example/x' },
    peer_spiffe_id: { peerWorkloadId: '0'.repeat(32) },
    destination_address: { destinationAddress: 'db.example' },
    destination_port: { destinationPort: 65_536 },
    flow_ids: { flowIds: [Buffer.alloc(15)] },
    'flow_ids ': { flowIds: Array.from({ length: 17 }, () => Buffer.alloc(16)) },
    policy: { policy: 'x'.repeat(300) },
  }
  it('refuses a report whole for one wrong record, naming the field', async () => {
    for (const [field, fault] of Object.entries(faults)) {
      const details = await expectStatus(
        report(web, 1, [record(), record(fault)]),
        'INVALID_ARGUMENT',
      )
      expect(details).to.contain(`${field.trim()}: expected`)
    }
    expect(await flows()).to.deep.equal([])
  })
})
