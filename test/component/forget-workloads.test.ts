import { expect } from 'chai'
import { expectStatus } from '../support/expect-status.ts'
import { eventually } from '../support/poll.ts'
import {
  createMovableClock,
  createRecordingLogger,
  startTestController,
  testRule,
} from '../support/test-controller.ts'

const minuteMs = 60_000

describe('controller: workloads that have ended', function () {
  this.timeout(20_000)

  it('are forgotten after a while, with their labels, but not those that are revoked', async () => {
    const clock = createMovableClock()
    // The client goes by a clock of its own, which has to be in the controller's certificate.
    clock.skip(-100 * minuteMs)
    const log = createRecordingLogger()
    const timings = { maintenanceMs: 20, workloadsKeptMs: 30 * minuteMs }
    await using mesh = await startTestController({ clock, log, config: { timings } })
    await mesh.apply(testRule)
    const web = await mesh.enrol('web')
    await mesh.enrol('db')
    const workloads = async (): Promise<readonly string[]> => {
      const answer = await (await mesh.admin()).call('ListWorkloads', {})
      return answer.workloads.map(({ name }) => name).sort()
    }
    const idOf = async (match: string): Promise<string> => {
      const answer = await (await mesh.admin()).call('ListWorkloads', { match })
      return answer.workloads[0]?.workloadId ?? 'none'
    }
    const former = await idOf('web')
    const admin = await mesh.admin()
    await admin.call('RevokeWorkload', { workload: 'db', refuseRenewal: true })
    await admin.call('SetLabels', { workload: 'web', set: [{ key: 'team', value: 'red' }] })
    clock.skip(80 * minuteMs)
    await mesh.enrol('young')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await workloads()).to.deep.equal(['db', 'web', 'young'])

    clock.skip(20 * minuteMs)
    await eventually('the end', async () => !(await workloads()).includes('web'))
    const record = await eventually('the record', () =>
      log.records.find(({ message }) => message === 'workloads that have ended forgotten'),
    )
    expect(record.fields).to.deep.equal({ workloads: 1 })
    await mesh.restart()
    expect(await workloads()).to.deep.equal(['db', 'young'])
    await expectStatus(
      (await mesh.admin()).call('RevokeWorkload', { workload: former }),
      'NOT_FOUND',
    )

    await mesh.enrol('web', { nodeKeys: web.nodeKeys })
    expect(await idOf('web')).to.not.equal(former)
    const { workloads: found } = await (await mesh.admin()).call('ListWorkloads', { match: 'web' })
    expect(found[0]?.attributes.map(({ key }) => key)).to.not.include('label.team')
  })
})
