import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { systemClock } from '../../src/base/clock.ts'
import { ControllerError } from '../../src/controller/controller-error.ts'
import type { FlowHalf } from '../../src/controller/flows/half.ts'
import { createFlowRecorder, type FlowRecorder } from '../../src/controller/flows/recorder.ts'
import { createControllerMetrics } from '../../src/controller/metrics.ts'
import { expectRejection } from '../support/expect-error.ts'
import { halfBetween, reportOf } from '../support/flow-halves.ts'
import { eventually } from '../support/poll.ts'
import { createRecordingLogger } from '../support/test-controller.ts'

const flowThread = new URL('../../src/controller/flows/flow-thread.ts', import.meta.url)

describe('createFlowRecorder()', function () {
  this.timeout(30_000)

  let directory: string
  let threads: Worker[]
  let program: URL
  let metrics: ReturnType<typeof createControllerMetrics>
  let log: ReturnType<typeof createRecordingLogger>
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'blazon-flows-'))
    threads = []
    program = flowThread
    metrics = createControllerMetrics({ withProcess: false })
    log = createRecordingLogger()
  })
  afterEach(() => rm(directory, { recursive: true }))

  const start = (options: { mostWaiting?: number } = {}): FlowRecorder =>
    createFlowRecorder(
      {
        file: join(directory, 'flows.db'),
        maxBytes: 1e9,
        ...options,
        startThread: (settings) => {
          const thread = new Worker(program, { env: {}, execArgv: [], workerData: settings })
          threads.push(thread)
          return thread
        },
      },
      { clock: systemClock, metrics, log },
    )
  const range = {
    sinceMs: 0,
    untilMs: 1e15,
    workloadIds: undefined,
    verdict: undefined,
    limit: 10_000,
  }
  const openedIn = async (flows: FlowRecorder): Promise<number> =>
    (await flows.list(range)).flows.reduce((sum, { opened }) => sum + opened, 0)
  const value = async (name: string): Promise<number> => {
    const metric = await metrics.registry.getSingleMetric(`blazon_controller_${name}`)?.get()
    return (metric?.values ?? []).reduce((sum, one) => sum + one.value, 0)
  }
  const web = halfBetween('web', 'db')

  it('loses no report, and counts none twice, when its thread dies under way', async () => {
    await using flows = start()
    await flows.report('web', reportOf(1, [web]))
    for (let sequence = 2; sequence < 6; sequence++) {
      const reported = flows.report('web', reportOf(sequence, [web]))
      await threads.at(-1)?.terminate()
      await reported
    }
    expect(await openedIn(flows)).to.equal(5)
    expect(threads).to.have.length(5)
    expect(await value('flow_thread_failures_total')).to.equal(4)
    expect(await value('flow_records_total')).to.equal(5)
    expect(log.records.map(({ message }) => message)).to.include(
      'the thread that keeps flows has ended, and is started again',
    )
  })

  it('counts a report once that was on disk when its thread died before saying so', async () => {
    await using flows = start()
    await flows.report('web', reportOf(1, [web]))
    await threads.at(-1)?.terminate()
    await flows.report('web', reportOf(1, [web]))
    expect(await openedIn(flows)).to.equal(1)
  })

  it('refuses while its thread keeps failing, and takes reports again when it does not', async () => {
    program = new URL(`data:text/javascript,throw new Error('no flows today')`)
    await using flows = start()
    const refused = flows.report('web', reportOf(1, [web]))
    await expectRejection(refused, ControllerError, 'ERR_UNAVAILABLE')
    await expectRejection(flows.list(range), ControllerError, 'ERR_UNAVAILABLE')
    expect(await value('flow_reports_refused_total')).to.equal(1)
    expect(await value('flow_records_waiting')).to.equal(0)
    program = flowThread
    await eventually('the thread', () =>
      flows.report('web', reportOf(1, [web])).then(
        () => true,
        () => false,
      ),
    )
    expect(await openedIn(flows)).to.equal(1)
  })

  it('lets only so many records wait', async () => {
    await using flows = start({ mostWaiting: 4 })
    const report = (reporter: string): Promise<void> => flows.report(reporter, reportOf(1, [web]))
    const taken = ['a', 'b', 'c', 'd'].map(report)
    await expectRejection(report('e'), ControllerError, 'ERR_LIMIT')
    expect(await value('flow_records_waiting')).to.equal(4)
    await Promise.all(taken)
    await report('e')
    expect(await value('flow_reports_refused_total')).to.equal(1)
  })

  it('lets a quarter of them be of one workload', async () => {
    await using flows = start({ mostWaiting: 8 })
    const two = [web, halfBetween('web', 'db', { destinationPort: 1 })]
    const taken = flows.report('web', reportOf(1, two))
    await expectRejection(flows.report('web', reportOf(2, [web])), ControllerError, 'ERR_LIMIT')
    await flows.report('api', reportOf(1, two))
    await taken
    await flows.report('web', reportOf(2, [web]))
  })

  it('writes what waits when it is disposed of, and takes nothing more', async () => {
    const flows = start()
    const last = flows.report('web', reportOf(1, [web]))
    await flows[Symbol.asyncDispose]()
    await last
    const late = flows.report('web', reportOf(2, [web]))
    await expectRejection(late, ControllerError, 'ERR_UNAVAILABLE')
    await using again = start()
    expect(await openedIn(again)).to.equal(1)
  })

  it('costs the thread of the controller little more than handing over', async () => {
    await using flows = start()
    const halves = (lane: number): FlowHalf[] =>
      Array.from({ length: 500 }, (_, port) =>
        halfBetween(`web-${String(lane)}`, 'db', { destinationPort: port }),
      )
    const reports = Array.from({ length: 40 }, (_, lane) => reportOf(1, halves(lane)))
    await flows.report('first', reportOf(1, []))
    const before = process.threadCpuUsage()
    await Promise.all(reports.map((report, lane) => flows.report(`web-${String(lane)}`, report)))
    const { user, system } = process.threadCpuUsage(before)
    expect(await value('flow_records_total')).to.equal(20_000)
    // Writing them takes some 30 µs each, and would hold everything else up meanwhile.
    expect((user + system) / 20_000, 'µs each').to.be.lessThan(10)
  })
})
