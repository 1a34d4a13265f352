import { expect } from 'chai'
import { silentLogger } from '../../../src/base/logger.ts'
import type { FlowReport } from '../../../src/rpc/generated/blazon/v1/FlowReport.ts'
import type { FlowCount, FlowRecorder } from '../../../src/sidecar/flow-recorder.ts'
import { createFlowReporter, type FlowReporter } from '../../../src/sidecar/flow-reporter.ts'

const count: FlowCount = {
  direction: 'ingress',
  peerSpiffeId: '',
  peerWorkloadId: '',
  destination: { host: '10.0.0.2', port: 80 },
  verdict: 'deny',
  reason: 'no-tunnel',
  policy: '',
  encryption: 'required',
  bucketStartMs: 0,
  opened: 1,
  closed: 1,
  bytesSent: 0,
  bytesReceived: 0,
  flowIds: [],
}

/** A recorder with so many records at each `take`, and a sink that fails as often as it is told. */
function fixture(
  takes: number[],
  limit?: number,
): {
  reporter: FlowReporter
  sent: FlowReport[]
  lost: number[]
  fail: (times: number) => void
} {
  const sent: FlowReport[] = []
  const lost: number[] = []
  let failures = 0
  const recorder: Pick<FlowRecorder, 'take' | 'takeLost'> = {
    take: () => Array.from({ length: takes.shift() ?? 0 }, () => count),
    takeLost: () => 0,
  }
  const reporter = createFlowReporter({
    recorder: recorder as FlowRecorder,
    sink: {
      reportFlows: async (report) => {
        sent.push(report)
        if (failures-- > 0) throw new Error('unreachable')
        return await Promise.resolve({ sequence: Number(report.sequence) })
      },
    },
    log: silentLogger,
    onLost: (number) => lost.push(number),
    ...(limit === undefined ? {} : { limit }),
  })
  return {
    reporter,
    sent,
    lost,
    fail: (times) => {
      failures = times
    },
  }
}

const never = new AbortController().signal
const outcome = (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'sent',
    () => 'failed',
  )

describe('createFlowReporter()', () => {
  it('sends nothing when there is nothing', async () => {
    const { reporter, sent } = fixture([0])
    await reporter.flush(never)
    expect(sent).to.be.empty
  })

  it('numbers reports from 1 without gaps, 500 records at most in each', async () => {
    const { reporter, sent } = fixture([1_200])
    await reporter.flush(never)
    expect(sent.map(({ sequence, records }) => [sequence, records?.length])).to.deep.equal([
      [1, 500],
      [2, 500],
      [3, 200],
    ])
    expect(new Set(sent.map(({ runId }) => runId)).size).to.equal(1)
  })

  it('sends the same report under the same number until it is acknowledged', async () => {
    const { reporter, sent, fail } = fixture([2, 3])
    fail(1)
    expect(await outcome(reporter.flush(never))).to.equal('failed')
    expect(reporter.waiting()).to.equal(2)
    expect(await outcome(reporter.flush(never))).to.equal('sent')
    expect(sent.map(({ sequence, records }) => [sequence, records?.length])).to.deep.equal([
      [1, 2],
      [1, 2],
      [2, 3],
    ])
    expect(reporter.waiting()).to.equal(0)
  })

  it('keeps a bounded number of records while nobody takes them, and tells how many were lost', async () => {
    const { reporter, sent, lost, fail } = fixture([3, 3, 0], 4)
    fail(2)
    await outcome(reporter.flush(never))
    await outcome(reporter.flush(never))
    expect(reporter.waiting()).to.equal(4)
    expect(lost).to.deep.equal([2])
    await reporter.flush(never)
    expect(sent.at(-1)).to.include({ sequence: 2, lost: 2 })
  })
})
