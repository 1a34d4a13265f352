import { expect } from 'chai'
import { createCsr } from '../../src/identity/index.ts'
import type { ClientIdentity, ControllerClient } from '../support/controller-client.ts'
import { createFullDisk } from '../support/full-disk-store.ts'
import { renewWith } from '../support/enrolment-client.ts'
import { expectStatus } from '../support/expect-status.ts'
import { createTestCa, newKeys } from '../support/test-ca.ts'
import {
  createMovableClock,
  createRecordingLogger,
  startTestController,
  testRule,
  type TestController,
} from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'

/** One of each form; test/unit/controller/admin-roles.test.ts has them all. */
const adminCalls: Readonly<Record<string, (client: ControllerClient) => Promise<unknown>>> = {
  Status: (client) => client.call('Status', {}),
  FollowFlows: (client) =>
    new Promise((resolve, reject) => {
      const stream = client.followFlows()
      stream.on('error', reject)
      stream.on('end', resolve)
    }),
}

const meshCalls: Readonly<Record<string, (client: ControllerClient) => Promise<unknown>>> = {
  Renew: (client) => client.call('Renew', {}),
  ReportFlows: (client) => client.call('ReportFlows', { runId: 'run', sequence: 1 }),
  Watch: async (client) => {
    const error = await watchWith(client).ended
    if (error !== undefined) throw error
  },
}

describe('controller: callers', function () {
  this.timeout(20_000)

  let mesh: TestController
  before(async () => {
    mesh = await startTestController()
    await mesh.apply(testRule)
  })
  after(() => mesh[Symbol.asyncDispose]())

  for (const [name, call] of Object.entries(adminCalls)) {
    it(`refuses Admin.${name} to a workload and to a stranger`, async () => {
      await expectStatus(call(mesh.connect()), 'UNAUTHENTICATED', /showed no certificate/)
      const workload = await mesh.enrol('web')
      await expectStatus(call(mesh.connect(workload)), 'PERMISSION_DENIED', /administrator/)
    })
  }

  for (const [name, call] of Object.entries(meshCalls)) {
    it(`refuses Mesh.${name} to an administrator and to a stranger`, async () => {
      await expectStatus(call(mesh.connect()), 'UNAUTHENTICATED', /showed no certificate/)
      await expectStatus(call(await mesh.admin()), 'PERMISSION_DENIED', /SVID/)
    })
  }

  it('refuses every call, in the same words, to a certificate that does not hold', async () => {
    const foreign = createTestCa({ trustDomain: 'evil.example' })
    const impostor = createTestCa({ trustDomain: 'acme.example' })
    const strangers: readonly ClientIdentity[] = [
      foreign.workload({ name: 'web' }),
      impostor.workload({ name: 'web' }),
      impostor.admin('admin'),
      impostor.controller(),
      impostor.workload({ name: 'web', notBefore: 0, notAfter: 1_000 }),
    ]
    const answers = new Set<string>()
    for (const identity of strangers) {
      const client = mesh.connect(identity)
      for (const call of [adminCalls['Status'], meshCalls['Watch'], meshCalls['Renew']]) {
        answers.add(await expectStatus(call?.(client) ?? Promise.resolve(), 'UNAUTHENTICATED'))
      }
      answers.add(await expectStatus(client.call('Challenge', {}), 'UNAUTHENTICATED'))
    }
    expect([...answers]).to.deep.equal(['the certificate of this connection is not accepted'])
  })

  it('answers health checks of anybody', async () => {
    const answer = await mesh.connect().health('blazon.v1.Mesh')
    expect(answer.status).to.equal('SERVING')
    await expectStatus(mesh.connect().health('nobody.Knows'), 'NOT_FOUND')
  })
})

describe('controller: certificates that stop to hold under an open connection', function () {
  this.timeout(20_000)

  it('refuses an expired one, and says why in the log alone', async () => {
    const clock = createMovableClock()
    const log = createRecordingLogger()
    await using mesh = await startTestController({ clock, log })
    await mesh.apply(testRule)
    const workload = await mesh.enrol('web')
    const client = mesh.connect(workload)
    await client.call('ReportFlows', { runId: 'run', sequence: 1 })
    clock.skip(2 * 3_600_000)
    const report = client.call('ReportFlows', { runId: 'run', sequence: 2 })
    const details = await expectStatus(report, 'UNAUTHENTICATED')
    expect(details).to.not.match(/expired/)
    const refusal = log.records.find(({ message }) => message === 'call refused')
    expect(refusal?.fields['reason']).to.equal('expired')
  })

  it('refuses one below the floor', async () => {
    await using mesh = await startTestController()
    await mesh.apply(testRule)
    const workload = await mesh.enrol('web')
    const client = mesh.connect(workload)
    await client.call('ReportFlows', { runId: 'run', sequence: 1 })
    await (await mesh.admin()).call('RevokeWorkload', { workload: 'web', reason: 'test' })
    await expectStatus(client.call('ReportFlows', { runId: 'run', sequence: 2 }), 'UNAUTHENTICATED')
    await expectStatus(renewWith(mesh.connect(workload), workload), 'UNAUTHENTICATED')
  })

  it('lets an administrator in with a renewed certificate', async () => {
    await using mesh = await startTestController()
    const admin = await mesh.admin()
    const { privateKey } = newKeys()
    const { chain } = await admin.call('RenewAdministrator', { csr: createCsr(privateKey) })
    const renewed = mesh.connect({ chain, privateKey })
    expect((await renewed.call('Status', {})).trustDomain).to.equal('acme.example')
  })

  it('makes no change for an administrator whose certificate ended before its turn came', async () => {
    const clock = createMovableClock()
    const disk = createFullDisk()
    await using mesh = await startTestController({ clock, openStore: disk.open })
    const admin = await mesh.admin()
    const { begun, release } = disk.hold()
    const first = admin.call('CreateJoinToken', {})
    await begun
    const waiting = [
      admin.call('RenewAdministrator', { csr: createCsr(newKeys().privateKey) }),
      admin.call('CreateJoinToken', {}),
      admin.call('Apply', { text: testRule }),
    ]
    const refused = waiting.map((call) => expectStatus(call, 'UNAUTHENTICATED'))
    // Sent last on the same connection, so that all of them wait by the time it is answered.
    await admin.call('Status', {})
    clock.skip(8 * 24 * 3_600_000)
    release()
    await first
    await Promise.all(refused)
  })
})
