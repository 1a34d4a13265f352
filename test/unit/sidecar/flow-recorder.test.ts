import { expect } from 'chai'
import {
  createFlowRecorder,
  flowBucketMs,
  type FlowFacts,
} from '../../../src/sidecar/flow-recorder.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const start = 1_800_000_000_000
const facts: FlowFacts = {
  direction: 'egress',
  peerSpiffeId: 'spiffe://acme.example/ns/default/workload/db',
  peerWorkloadId: '00'.repeat(16),
  destination: { host: '10.0.0.2', port: 5432 },
  verdict: 'allow',
  reason: 'allowed-by-policy',
  policy: 'web-to-db',
  encryption: 'required',
}
const flowId = (byte: number): string => Buffer.alloc(16, byte).toString('hex')

describe('createFlowRecorder()', () => {
  it('counts connections of one kind in one record', () => {
    const recorder = createFlowRecorder({ clock: createFakeClock(start) })
    for (let count = 0; count < 20; count++) {
      const flow = recorder.open(facts, flowId(count))
      flow.progress(100, 10)
      flow.close()
    }
    const [record, ...others] = recorder.take()
    expect(others).to.be.empty
    expect(record).to.include({ opened: 20, closed: 20, bytesSent: 2_000, bytesReceived: 200 })
    expect(record).to.include({ bucketStartMs: start })
    expect(record?.flowIds).to.have.lengthOf(16)
  })

  it('takes over what other recorders have counted, in the bucket where it was', () => {
    const clock = createFakeClock(start)
    const recorder = createFlowRecorder({ clock, limit: 2 })
    const other = createFlowRecorder({ clock })
    recorder.once(facts, flowId(1))
    other.open(facts, flowId(2)).progress(100, 10)
    other.once({ ...facts, policy: 'another' }, flowId(3))
    other.once({ ...facts, policy: 'one too many' }, flowId(4))
    const counts = other.take()
    clock.advance(flowBucketMs)
    recorder.add(counts, 7)
    const [same, another, ...others] = recorder.take()
    expect(others).to.be.empty
    expect(same).to.deep.include({ bucketStartMs: start, opened: 2, closed: 1, bytesSent: 100 })
    expect(same?.flowIds).to.deep.equal([flowId(1), flowId(2)])
    expect(another).to.include({ policy: 'another', opened: 1, closed: 1 })
    expect(recorder.takeLost()).to.equal(8)
  })

  it('keeps kinds apart', () => {
    const recorder = createFlowRecorder({ clock: createFakeClock(start) })
    recorder.once({ ...facts, verdict: 'deny', reason: 'no-policy-matched' }, flowId(1))
    recorder.once({ ...facts, policy: 'another' }, flowId(2))
    recorder.once({ ...facts, destination: { host: '10.0.0.2', port: 80 } }, flowId(3))
    recorder.once({ ...facts, direction: 'ingress' }, flowId(4))
    const records = recorder.take()
    expect(records).to.have.lengthOf(4)
    for (const record of records) expect(record).to.include({ opened: 1, closed: 1 })
  })

  it('spreads the bytes of a long connection over the buckets, each under its flow id', () => {
    const clock = createFakeClock(start)
    const recorder = createFlowRecorder({ clock })
    const flow = recorder.open(facts, flowId(7))
    flow.progress(100, 0)
    expect(recorder.take()[0]).to.include({ opened: 1, closed: 0, bytesSent: 100 })
    expect(recorder.take()).to.be.empty
    clock.advance(10_000)
    flow.progress(250, 5)
    const [second] = recorder.take()
    expect(second).to.include({ opened: 0, closed: 0, bytesSent: 150, bytesReceived: 5 })
    expect(second).to.include({ bucketStartMs: start + 10_000 })
    expect(second?.flowIds).to.deep.equal([flowId(7)])
    flow.close()
    flow.close()
    expect(recorder.take()[0]).to.include({ opened: 0, closed: 1, bytesSent: 0 })
  })

  it('counts the end of a connection in a record that is still to be taken', () => {
    const clock = createFakeClock(start)
    const recorder = createFlowRecorder({ clock })
    const [taken, lasting, short] = [1, 2, 3].map((id) => recorder.open(facts, flowId(id)))
    short?.close()
    expect(recorder.take()[0]).to.include({ opened: 3, closed: 1 })
    taken?.close()
    expect(recorder.take()[0]).to.include({ bucketStartMs: start, opened: 0, closed: 1 })
    clock.advance(10_000)
    lasting?.close()
    expect(recorder.take()[0]).to.include({ bucketStartMs: start + 10_000, closed: 1 })
  })

  it('counts a connection that was cut as closed under the reason it was cut for', () => {
    const recorder = createFlowRecorder({ clock: createFakeClock(start) })
    const flow = recorder.open(facts, flowId(1))
    flow.progress(10, 20)
    flow.close({ verdict: 'deny', reason: 'below-floor', policy: '' })
    const [allowed, denied] = recorder.take()
    expect(allowed).to.include({ verdict: 'allow', opened: 1, closed: 0, bytesSent: 10 })
    expect(denied).to.include({ verdict: 'deny', reason: 'below-floor', opened: 0, closed: 1 })
    expect(denied?.flowIds).to.deep.equal([flowId(1)])
  })

  it('keeps a bounded number of records and counts what is lost', () => {
    const recorder = createFlowRecorder({ clock: createFakeClock(start), limit: 2 })
    for (let port = 1; port <= 5; port++) {
      recorder.once({ ...facts, destination: { host: '10.0.0.2', port } }, flowId(port))
    }
    expect(recorder.take()).to.have.lengthOf(2)
    expect(recorder.takeLost()).to.equal(3)
    expect(recorder.takeLost()).to.equal(0)
  })
})
