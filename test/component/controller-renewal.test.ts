import { expect } from 'chai'
import { systemClock } from '../../src/base/clock.ts'
import { createCsr, decodeProfile } from '../../src/identity/index.ts'
import { renewWith, sha256, type EnrolledWorkload } from '../support/enrolment-client.ts'
import { expectStatus } from '../support/expect-status.ts'
import { newKeys } from '../support/test-ca.ts'
import {
  createMovableClock,
  startTestController,
  testRule,
  type MovableClock,
  type TestController,
} from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'

const labels = (app: string): string => `
kind: LabelAssignment
name: apps
spec: { select: { label.join: test }, labels: { label.app: ${app} } }
`

describe('controller: renewal', function () {
  this.timeout(20_000)

  let clock: MovableClock
  let mesh: TestController
  beforeEach(async () => {
    clock = createMovableClock()
    mesh = await startTestController({
      clock,
      config: {
        timings: { tickMs: 20, graceMs: 30_000, reauthenticateMs: 50, heartbeatMs: 100 },
      },
    })
    await mesh.apply(testRule)
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const shown = async (): Promise<{ generation: number; serial: string; revoked: boolean }> => {
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', { match: 'web' })
    const [one] = workloads
    if (one === undefined) throw new Error('no workload')
    return one
  }
  /** Opens a Watch stream for long enough to have the certificate counted as in use. */
  const activate = async (workload: EnrolledWorkload): Promise<void> => {
    using stream = watchWith(mesh.connect(workload))
    await stream.next('snapshot')
  }

  it('gives an unchanged workload a new certificate of the same generation', async () => {
    const first = await mesh.enrol('web')
    const second = await renewWith(mesh.connect(first), first)
    expect(second.serial).to.not.equal(first.serial)
    await activate(second)
    expect(await shown()).to.deep.include({ generation: 1, serial: second.serial, revoked: false })
  })

  it('answers a repeated request with the same certificate, before and after it is in use', async () => {
    const first = await mesh.enrol('web')
    const workloadKeys = newKeys()
    const csr = createCsr(workloadKeys.privateKey)
    const client = mesh.connect(first)
    const second = await renewWith(client, first, { workloadKeys, csr })
    const again = await renewWith(client, first, { workloadKeys, csr })
    expect(again.chain).to.deep.equal(second.chain)
    await activate(second)
    const late = await renewWith(client, first, { workloadKeys, csr })
    expect(late.chain).to.deep.equal(second.chain)
    expect((await shown()).revoked).to.equal(false)
  })

  it('freezes both when a superseded certificate renews', async () => {
    const first = await mesh.enrol('web')
    const second = await renewWith(mesh.connect(first), first)
    await activate(second)
    using live = watchWith(mesh.connect(second))
    await live.next('snapshot')
    await expectStatus(renewWith(mesh.connect(first), first), 'UNAUTHENTICATED')
    expect((await live.ended)?.code).to.equal(16)
    await expectStatus(renewWith(mesh.connect(second), second), 'UNAUTHENTICATED')
    expect((await shown()).revoked).to.equal(true)

    const { nodeKeys } = first
    const token = await mesh.token()
    await expectStatus(mesh.enrol('web', { nodeKeys, token }), 'PERMISSION_DENIED', /frozen/)
    const admin = await mesh.admin()
    const { incidents } = await admin.call('ListIncidents', {})
    expect(incidents.map(({ kind }) => kind)).to.deep.equal(['superseded-serial'])
    const details = Object.fromEntries(
      incidents[0]?.details.map((one) => [one.key, one.value]) ?? [],
    )
    expect(details).to.deep.include({
      'spiffe-id': 'spiffe://acme.example/ns/default/workload/web',
      'node-key': sha256(nodeKeys.spki),
      'superseded-serial': first.serial,
      'active-serial': second.serial,
    })
    await admin.call('RevokeWorkload', { workload: 'web', reinstate: true })
    const back = await mesh.enrol('web', { nodeKeys, token })
    await activate(back)
    expect((await shown()).generation).to.equal(2)
  })

  it('lets a frozen workload enrol again, or never, as its incident is resolved', async () => {
    const admin = await mesh.admin()
    for (const isKept of [true, false]) {
      const name = isKept ? 'kept' : 'gone'
      const first = await mesh.enrol(name)
      const second = await renewWith(mesh.connect(first), first)
      await activate(second)
      await expectStatus(renewWith(mesh.connect(first), first), 'UNAUTHENTICATED')
      const { incidents } = await admin.call('ListIncidents', {})
      const [incident] = incidents
      const keepNodeKeySha256 = isKept ? sha256(first.nodeKeys.spki) : ''
      const request = { incidentId: incident?.incidentId ?? '', resolution: 'seen' }
      await expectStatus(
        admin.call('ResolveIncident', { ...request, keepNodeKeySha256: '00'.repeat(32) }),
        'INVALID_ARGUMENT',
        /one of the claimants/,
      )
      await admin.call('ResolveIncident', { ...request, keepNodeKeySha256 })
      const again = mesh.enrol(name, { nodeKeys: first.nodeKeys })
      if (isKept) await again
      else await expectStatus(again, 'PERMISSION_DENIED', /revoked/)
    }
    expect((await admin.call('ListIncidents', {})).incidents).to.deep.equal([])
  })

  it('refuses Watch to a superseded certificate', async () => {
    const first = await mesh.enrol('web')
    const second = await renewWith(mesh.connect(first), first)
    await activate(second)
    using stream = watchWith(mesh.connect(first))
    expect((await stream.ended)?.code).to.equal(16)
    expect((await shown()).revoked).to.equal(false)
  })

  it('gives no token to a superseded certificate', async () => {
    const first = await mesh.enrol('web')
    const second = await renewWith(mesh.connect(first), first)
    await activate(second)
    await expectStatus(mesh.connect(first).call('IssueWorkloadToken', {}), 'UNAUTHENTICATED')
    expect((await shown()).revoked).to.equal(false)
  })

  it('refuses a renewal that the node key did not sign', async () => {
    const workload = await mesh.enrol('web')
    const client = mesh.connect(workload)
    await expectStatus(renewWith(client, workload, { nodeKeys: newKeys() }), 'UNAUTHENTICATED')
  })

  it('refuses a renewal signed for another serial', async () => {
    const workload = await mesh.enrol('web')
    const other = await mesh.enrol('api', { nodeKeys: workload.nodeKeys })
    const client = mesh.connect(workload)
    await expectStatus(renewWith(client, { ...workload, serial: other.serial }), 'UNAUTHENTICATED')
  })

  it('refuses a nonce twice', async () => {
    const workload = await mesh.enrol('web')
    const client = mesh.connect(workload)
    const { nonce } = await client.call('Challenge', {})
    await renewWith(client, workload, { nonce })
    await expectStatus(renewWith(client, workload, { nonce }), 'UNAUTHENTICATED')
  })

  it('refuses another name', async () => {
    const workload = await mesh.enrol('web')
    await expectStatus(
      renewWith(mesh.connect(workload), workload, { name: 'db' }),
      'INVALID_ARGUMENT',
      /name does not change/,
    )
  })

  it('refuses a renewal once no rule matches any more', async () => {
    const workload = await mesh.enrol('web')
    await (await mesh.admin()).call('DeleteDocument', { kind: 'EnrolmentRule', name: 'test-nodes' })
    await expectStatus(
      renewWith(mesh.connect(workload), workload),
      'PERMISSION_DENIED',
      /no enrolment rule/,
    )
  })

  it('asks for a renewal when labels change, and revokes the old generation once it is done', async () => {
    const first = await mesh.enrol('web')
    using before = watchWith(mesh.connect(first))
    await before.next('snapshot')
    await before.next('floors')
    await mesh.apply(labels('payments'))
    expect((await before.next('renewNow')).reason).to.match(/attributes/)

    const second = await renewWith(mesh.connect(first), first)
    const profile = decodeProfile(second.response.svid?.profile ?? Buffer.alloc(0))
    expect(profile.entries.get('label.app')?.values).to.deep.equal(['payments'])
    using after = watchWith(mesh.connect(second))
    await after.next('floors')
    const { floors } = await after.next('floors')
    expect(floors.map((floor) => floor.lowestGoodGeneration)).to.deep.equal([2])
    await expectStatus(
      mesh.connect(first).call('ReportFlows', { runId: 'run', sequence: 1 }),
      'UNAUTHENTICATED',
    )
  })

  it('revokes the old generation of a workload that does not renew in time', async () => {
    using stream = watchWith(mesh.connect(await mesh.enrol('web')))
    await stream.next('snapshot')
    await mesh.apply(labels('payments'))
    await stream.next('renewNow')
    clock.skip(31_000)
    expect((await stream.ended)?.code).to.equal(16)
  })

  it('leaves a workload alone whose labels were put back in time', async () => {
    await mesh.apply(labels('web'))
    using stream = watchWith(mesh.connect(await mesh.enrol('web')))
    await stream.next('floors')
    await mesh.apply(labels('payments'))
    await stream.next('renewNow')
    await mesh.apply(labels('web'))
    using other = watchWith(mesh.connect(await mesh.enrol('db')))
    await other.next('floors')
    clock.skip(31_000)
    // Ticks are five times as many as heartbeats: by then the floor would have come.
    for (let beat = 0; beat < 3; beat++) await stream.next('heartbeat')
    expect(stream.waiting('floors')).to.equal(0)
    expect(other.waiting('floors')).to.equal(0)
  })

  it('raises a floor that was due when the controller stopped', async () => {
    const first = await mesh.enrol('web')
    await mesh.apply(labels('payments'))
    const second = await renewWith(mesh.connect(first), first)
    await mesh.restart()
    using stream = watchWith(mesh.connect(await mesh.enrol('db')))
    expect((await stream.next('floors')).floors).to.deep.equal([])
    clock.skip(31_000)
    const { floors } = await stream.next('floors')
    expect(floors.map((floor) => floor.lowestGoodGeneration)).to.deep.equal([2])
    expect(second.serial).to.not.equal(first.serial)
  })
})

describe('controller: revocation', function () {
  this.timeout(20_000)

  it('lets a revoked workload come back with a higher generation, unless it may not', async () => {
    await using mesh = await startTestController()
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    const token = await mesh.token()
    const { nodeKeys } = await mesh.enrol('web', { token })
    await admin.call('RevokeWorkload', { workload: 'web' })
    await mesh.enrol('web', { token, nodeKeys })
    const { workloads } = await admin.call('ListWorkloads', {})
    expect(workloads[0]).to.deep.include({ generation: 2, revoked: false })

    await admin.call('RevokeWorkload', { workload: 'web', refuseRenewal: true })
    await expectStatus(mesh.enrol('web', { token, nodeKeys }), 'PERMISSION_DENIED', /revoked/)
    await mesh.restart()
    await expectStatus(mesh.enrol('web', { token, nodeKeys }), 'PERMISSION_DENIED', /revoked/)
  })

  it('outlasts a clock that is put forward and back again', async () => {
    let aheadMs = 0
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
    await using mesh = await startTestController({
      clock,
      config: { timings: { maintenanceMs: 20 } },
    })
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    const workload = await mesh.enrol('web')
    await admin.call('RevokeWorkload', { workload: 'web' })
    aheadMs = 2 * 3_600_000
    await new Promise((resolve) => setTimeout(resolve, 100))
    aheadMs = 0
    await expectStatus(
      mesh.connect(workload).call('ReportFlows', { runId: 'run', sequence: 1 }),
      'UNAUTHENTICATED',
    )
  })

  it('refuses a name that means several workloads, and one that means none', async () => {
    await using mesh = await startTestController()
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    await mesh.enrol('web')
    await mesh.enrol('web')
    await expectStatus(
      admin.call('RevokeWorkload', { workload: 'web' }),
      'FAILED_PRECONDITION',
      /are 2 workloads/,
    )
    await expectStatus(admin.call('RevokeWorkload', { workload: 'db' }), 'NOT_FOUND')
  })
})
