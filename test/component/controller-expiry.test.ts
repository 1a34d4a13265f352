import { expect } from 'chai'
import { readCertificate } from '../../src/identity/index.ts'
import { renewWith } from '../support/enrolment-client.ts'
import { eventually, expectStatus } from '../support/expect-status.ts'
import {
  createMovableClock,
  startTestController,
  testRule,
  type MovableClock,
  type TestController,
} from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'

const minuteMs = 60_000

describe('controller: documents of identity that expire', function () {
  this.timeout(20_000)

  let clock: MovableClock
  let mesh: TestController
  beforeEach(async () => {
    clock = createMovableClock()
    mesh = await startTestController({ clock, config: { timings: { tickMs: 20 } } })
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const inTenMinutes = (): string => new Date(clock.now() + 10 * minuteMs).toISOString()

  const labelsOf = async (workload: string): Promise<string[]> => {
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', { match: workload })
    return (workloads[0]?.attributes ?? [])
      .map(({ key }) => key)
      .filter((key) => key !== 'label.join')
  }

  it('take their labels with them: asked to renew, and the former profile revoked', async () => {
    await mesh.apply(`${testRule}---
kind: LabelAssignment
name: on-call
spec: { select: { label.join: test }, labels: { label.on-call: 'yes' }, expires: ${inTenMinutes()} }
`)
    const web = await mesh.enrol('web')
    const db = await mesh.enrol('db')
    expect(await labelsOf('web')).to.deep.equal(['label.on-call'])
    const client = mesh.connect(web)
    using watch = watchWith(client)
    await watch.next('snapshot')
    clock.skip(10 * minuteMs)
    await watch.next('renewNow')
    const renewed = await renewWith(client, web)
    expect(await labelsOf('web')).to.deep.equal([])

    // The other one does not renew: what it was before is not good any longer than a minute.
    const [leaf] = db.chain
    const { workload } = readCertificate(leaf ?? Buffer.alloc(0))
    clock.skip(minuteMs)
    using newer = watchWith(mesh.connect(renewed))
    await eventually(async () => {
      const { floors } = await newer.next('floors')
      const floor = floors.find(({ workloadId }) => workloadId === workload?.workloadId)
      expect(floor?.lowestGoodGeneration).to.equal((workload?.generation ?? 0) + 1)
    })
    await expectStatus(mesh.connect(db).call('IssueJwt', { audience: ['a'] }), 'UNAUTHENTICATED')
  })

  it('admit nobody any more, and renew nobody', async () => {
    await mesh.apply(testRule.replace('spec:', `spec:\n  expires: ${inTenMinutes()}`))
    const web = await mesh.enrol('web')
    const token = await mesh.token()
    clock.skip(10 * minuteMs)
    await expectStatus(mesh.enrol('db', { token }), 'PERMISSION_DENIED')
    await expectStatus(renewWith(mesh.connect(web), web), 'PERMISSION_DENIED')
    await mesh.apply(testRule)
    await renewWith(mesh.connect(web), web)
    await mesh.enrol('db', { token })
  })

  it('are in force again where the clock is set back', async () => {
    await mesh.apply(`${testRule}---
kind: LabelAssignment
name: on-call
spec: { select: { label.join: test }, labels: { label.on-call: 'yes' }, expires: ${inTenMinutes()} }
`)
    const web = await mesh.enrol('web')
    const client = mesh.connect(web)
    using watch = watchWith(client)
    await watch.next('snapshot')
    // The controller must have seen the one time before the other: it looks every so often.
    clock.skip(10 * minuteMs)
    await watch.next('renewNow')
    const renewed = await renewWith(client, web)
    expect(await labelsOf('web')).to.deep.equal([])
    using newer = watchWith(mesh.connect(renewed))
    await newer.next('snapshot')
    clock.skip(-minuteMs / 2)
    await newer.next('renewNow')
    await renewWith(mesh.connect(renewed), renewed)
    expect(await labelsOf('web')).to.deep.equal(['label.on-call'])
  })
})
