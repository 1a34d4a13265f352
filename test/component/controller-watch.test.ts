import { expect } from 'chai'
import { fromWireBundle, fromWireFloors } from '../../src/identity/index.ts'
import { eventually, expectStatus } from '../support/expect-status.ts'
import {
  createMovableClock,
  startTestController,
  testRule,
  type TestController,
} from '../support/test-controller.ts'
import type { EnrolledWorkload } from '../support/enrolment-client.ts'
import { watchWith, type WatchReader } from '../support/watch-reader.ts'

/** Gives each workload a label with its own name. */
const labelRules = ['web', 'db', 'cache']
  .map(
    (name) => `---
kind: EnrolmentRule
name: ${name}-nodes
spec: { match: { label.join: test }, names: [${name}], assign: { label.app: ${name} } }
`,
  )
  .join('')

const webToDb = `
kind: NetworkPolicy
name: web-to-db
spec: { from: { label.app: web }, to: { label.app: db }, ports: [tcp/5432], action: allow }
`

describe('controller: Watch', function () {
  this.timeout(20_000)

  let mesh: TestController
  beforeEach(async () => {
    mesh = await startTestController()
    await mesh.apply(labelRules)
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const watch = (workload: EnrolledWorkload): WatchReader => watchWith(mesh.connect(workload))

  it('begins with floors, a snapshot with bundle and policies, and the time', async () => {
    await mesh.apply(webToDb)
    using stream = watch(await mesh.enrol('web'))
    const snapshot = await stream.next('snapshot')
    expect(snapshot.documents.map(({ name }) => name)).to.deep.equal(['web-to-db'])
    expect(fromWireBundle(snapshot.bundle).trustDomain).to.equal('acme.example')
    expect(fromWireFloors(await stream.next('floors')).entries.size).to.equal(0)
    const { controllerTimeMs } = await stream.next('heartbeat')
    expect(Math.abs(controllerTimeMs - Date.now())).to.be.lessThan(5_000)
  })

  it('sends a change of policy to those it concerns alone', async () => {
    using web = watch(await mesh.enrol('web'))
    using cache = watch(await mesh.enrol('cache'))
    const before = await web.next('snapshot')
    await cache.next('snapshot')
    await mesh.apply(webToDb)
    const after = await web.next('snapshot')
    expect(after.version).to.be.greaterThan(before.version)
    expect(after.documents.map(({ name }) => name)).to.deep.equal(['web-to-db'])

    await (await mesh.admin()).call('DeleteDocument', { kind: 'NetworkPolicy', name: 'web-to-db' })
    expect((await web.next('snapshot')).documents).to.deep.equal([])
    expect(cache.waiting('snapshot')).to.equal(0)
  })

  it('sends nothing for what is applied once more unchanged', async () => {
    await mesh.apply(webToDb)
    using web = watch(await mesh.enrol('web'))
    const { version } = await web.next('snapshot')
    await mesh.apply(webToDb)
    await mesh.apply(webToDb.replace('5432', '5433'))
    const next = await web.next('snapshot')
    expect(next.version).to.equal(version + 1)
  })

  it('records what a sidecar acknowledges, and why it rejects', async () => {
    using web = watch(await mesh.enrol('web'))
    const { version } = await web.next('snapshot')
    web.send({ reject: { version, reason: 'no such kind' } })
    const admin = await mesh.admin()
    const shown = async (): Promise<[string | undefined, number | undefined]> => {
      const { workloads } = await admin.call('ListWorkloads', { match: 'web' })
      return [workloads[0]?.rejected, workloads[0]?.policyVersion]
    }
    await eventually(async () => {
      expect(await shown()).to.deep.equal(['no such kind', 0])
    })
    web.send({ acknowledge: { version } })
    await eventually(async () => {
      expect(await shown()).to.deep.equal(['', version])
    })
  })

  it('makes one incident of a version, however many sidecars reject it and how often', async () => {
    using web = watch(await mesh.enrol('web'))
    using db = watch(await mesh.enrol('db'))
    const { version } = await web.next('snapshot')
    await db.next('snapshot')
    for (const stream of [web, db, web])
      stream.send({ reject: { version, reason: 'no such kind' } })
    // Rejecting what nobody is to enforce any more is no incident.
    web.send({ reject: { version: 0, reason: 'too old' } })
    const admin = await mesh.admin()
    await eventually(async () => {
      const { incidents } = await admin.call('ListIncidents', {})
      expect(incidents.map(({ kind, subject, times }) => [kind, subject, times])).to.deep.equal([
        ['policy-rejected', `policy version ${String(version)}`, 3],
      ])
      const keys = incidents[0]?.details.map(({ key }) => key)
      expect(keys?.filter((key) => key === 'workload')).to.have.length(2)
      expect(incidents[0]?.details).to.deep.include({ key: 'reason', value: 'no such kind' })
    })
  })

  it('shows who watches, with its listeners', async () => {
    const client = mesh.connect(await mesh.enrol('web'))
    using web = watchWith(client, { listeners: [{ address: '127.0.0.1', port: 8080 }] })
    await web.next('snapshot')
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', {})
    expect(workloads[0]).to.deep.include({
      watching: true,
      sidecarVersion: 'test',
      listeners: [{ address: '127.0.0.1', port: 8080 }],
    })
  })

  it('tells everybody of a revocation, and ends the streams of the revoked', async () => {
    const revoked = await mesh.enrol('web')
    using web = watch(revoked)
    using db = watch(await mesh.enrol('db'))
    await web.next('snapshot')
    await db.next('floors')
    const answer = await (
      await mesh.admin()
    ).call('RevokeWorkload', { workload: 'web', reason: 'stolen' })
    expect(answer).to.deep.include({ lowestGoodGeneration: 2, notified: 2 })
    const floors = fromWireFloors(await db.next('floors'))
    expect(floors.lowestGood(answer.workloadId)).to.equal(2)
    expect((await web.ended)?.details).to.match(/not accepted/)
    using again = watch(revoked)
    expect((await again.ended)?.code).to.equal(16)
  })

  it('replaces an older stream of the same workload', async () => {
    const workload = await mesh.enrol('web')
    using first = watch(workload)
    await first.next('snapshot')
    using second = watch(workload)
    await second.next('snapshot')
    expect((await first.ended)?.details).to.match(/newer stream/)
    expect((await (await mesh.admin()).call('Status', {})).watching).to.equal(1)
  })

  it('forgets a stream that its sidecar has left', async () => {
    const stream = watch(await mesh.enrol('web'))
    await stream.next('snapshot')
    stream[Symbol.dispose]()
    const admin = await mesh.admin()
    await eventually(async () => {
      expect((await admin.call('Status', {})).watching).to.equal(0)
    })
  })

  const faults = {
    'anything before the open message': [{ acknowledge: { version: 1 } }],
    'a second open message': [
      { open: { schemaVersion: 1, capture: 'explicit' } },
      { open: { schemaVersion: 1, capture: 'explicit' } },
    ],
    'an acknowledgement of what was never sent': [
      { open: { schemaVersion: 1, capture: 'explicit' } },
      { acknowledge: { version: 1_000_000 } },
    ],
    'an unknown capture': [{ open: { schemaVersion: 1, capture: 'magic' } }],
    'no schema version': [{ open: { capture: 'explicit' } }],
    'a listener without an address': [
      { open: { schemaVersion: 1, capture: 'explicit', listeners: [{ address: 'x', port: 1 }] } },
    ],
    'an empty message': [{}],
  } as const
  for (const [what, messages] of Object.entries(faults)) {
    it(`ends a stream with ${what}`, async () => {
      using stream = watchWith(mesh.connect(await mesh.enrol('web')), null)
      const [first, ...others] = messages
      stream.send(first as never)
      if (others.length > 0) await stream.next('snapshot')
      for (const message of others) stream.send(message)
      const error = await stream.ended
      expect(error?.code, error?.details).to.equal(3)
    })
  }
})

describe('controller: sidecars that are too old', function () {
  this.timeout(20_000)

  let mesh: TestController
  beforeEach(async () => {
    mesh = await startTestController()
    await mesh.apply(labelRules)
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const conditional = webToDb.replace('action: allow', 'action: allow, when: port == 5432')
  const quarantine =
    'kind: Guardrail\nname: quarantine\nspec: { to: { label.app: db }, action: deny }\n'
  const byRequest = webToDb.replace('action: allow', 'action: allow, http: [{ methods: [GET] }]')
  const old = (workload: EnrolledWorkload, schemaVersion = 1): WatchReader =>
    watchWith(mesh.connect(workload), { schemaVersion })
  const rejectedOf = async (match: string): Promise<string | undefined> =>
    (await (await mesh.admin()).call('ListWorkloads', { match })).workloads[0]?.rejected

  it('refuses what they could not enforce, and names them', async () => {
    using db = old(await mesh.enrol('db'))
    await db.next('snapshot')
    for (const text of [quarantine, conditional]) {
      const named = /\(needs 2\) cannot be enforced by the sidecars of db \(schema version 1\)/
      await expectStatus(mesh.apply(text), 'FAILED_PRECONDITION', named)
    }
    expect(db.waiting('snapshot')).to.equal(0)
    await mesh.apply(conditional.replace('label.app: db', 'label.app: cache'))
  })

  it('refuses http rules with the same words, and sends them to those that read requests', async () => {
    using web = watchWith(mesh.connect(await mesh.enrol('web')))
    const db = await mesh.enrol('db')
    const before = old(db, 3)
    await Promise.all([web.next('snapshot'), before.next('snapshot')])
    const named =
      /web-to-db \(needs 4\) cannot be enforced by the sidecars of db \(schema version 3\)/
    await expectStatus(mesh.apply(byRequest), 'FAILED_PRECONDITION', named)
    before[Symbol.dispose]()
    using after = watchWith(mesh.connect(db))
    await after.next('snapshot')
    await mesh.apply(byRequest)
    for (const stream of [web, after]) {
      const { documents } = await stream.next('snapshot')
      expect(documents.map(({ specJson }) => specJson.toString())[0]).to.include('"http"')
    }
    const explained = await (
      await mesh.admin()
    ).call('Explain', { from: { workload: 'web' }, to: { workload: 'db' }, port: 5432 })
    expect(explained.verdict).to.equal('ALLOW')
    expect(explained.policies[0]?.because).to.include('each request on it has to meet an http rule')
  })

  it('sends nothing where http rules concern them, because others would not read requests', async () => {
    await mesh.apply(byRequest)
    using web = old(await mesh.enrol('web'), 3)
    await web.next('heartbeat')
    expect(web.waiting('snapshot')).to.equal(0)
    expect(await rejectedOf('web')).to.match(/too old for NetworkPolicy web-to-db \(needs 4\)/)
  })

  it('leaves out an allow, which is stricter, and says so', async () => {
    await mesh.apply(conditional)
    using web = old(await mesh.enrol('web'))
    expect((await web.next('snapshot')).documents).to.deep.equal([])
    expect(await rejectedOf('web')).to.match(/too old for NetworkPolicy web-to-db \(needs 2\)/)
  })

  it('sends nothing where leaving out would let more through, and opens an incident', async () => {
    await mesh.apply(`${webToDb}---\n${quarantine}`)
    using db = old(await mesh.enrol('db'))
    await db.next('heartbeat')
    expect(db.waiting('snapshot')).to.equal(0)
    expect(await rejectedOf('db')).to.match(/too old for Guardrail quarantine \(needs 2\)/)
    const admin = await mesh.admin()
    await eventually(async () => {
      const { incidents } = await admin.call('ListIncidents', {})
      expect(incidents.map(({ kind }) => kind)).to.deep.equal(['policy-rejected'])
    })
    await admin.call('DeleteDocument', { kind: 'Guardrail', name: 'quarantine' })
    const { documents } = await db.next('snapshot')
    expect(documents.map(({ name }) => name)).to.deep.equal(['web-to-db'])
    expect(await rejectedOf('db')).to.equal('')
  })
})

describe('controller: Watch over time', function () {
  this.timeout(20_000)

  it('ends a stream when the certificate of its caller ends', async () => {
    await using mesh = await startTestController({
      config: { svidTtlMs: 2_000, minSvidTtlMs: 1_000 },
    })
    await mesh.apply(testRule)
    const workload = await mesh.enrol('web')
    using stream = watchWith(mesh.connect(workload))
    await stream.next('snapshot')
    const error = await stream.ended
    expect(error?.code).to.equal(16)
  })

  it('makes an incident of a version that is not acknowledged for 60 s, once for each sidecar', async () => {
    const clock = createMovableClock()
    await using mesh = await startTestController({ clock, config: { timings: { tickMs: 20 } } })
    await mesh.apply(testRule)
    using web = watchWith(mesh.connect(await mesh.enrol('web')))
    using db = watchWith(mesh.connect(await mesh.enrol('db')))
    const { version } = await web.next('snapshot')
    await db.next('snapshot')
    db.send({ acknowledge: { version } })
    const admin = await mesh.admin()
    clock.skip(59_000)
    for (let call = 0; call < 3; call++) await admin.call('Status', {})
    expect((await admin.call('ListIncidents', {})).incidents).to.deep.equal([])
    clock.skip(2_000)
    const shown = async (): Promise<unknown[]> => {
      const { incidents } = await admin.call('ListIncidents', {})
      return incidents.map(({ kind, subject, times }) => [kind, subject, times])
    }
    const expected = [['policy-unacknowledged', `policy version ${String(version)}`, 1]]
    await eventually(async () => {
      expect(await shown()).to.deep.equal(expected)
    })
    using other = watchWith(mesh.connect(await mesh.enrol('other')))
    await other.next('heartbeat')
    expect(await shown()).to.deep.equal(expected)
  })

  it('sends the time again and again', async () => {
    await using mesh = await startTestController({ config: { timings: { heartbeatMs: 50 } } })
    await mesh.apply(testRule)
    using stream = watchWith(mesh.connect(await mesh.enrol('web')))
    const first = await stream.next('heartbeat')
    const second = await stream.next('heartbeat')
    expect(second.controllerTimeMs).to.be.at.least(first.controllerTimeMs)
  })

  it('gives streams an UNAVAILABLE when the controller stops, so that they come back', async () => {
    const mesh = await startTestController()
    await mesh.apply(testRule)
    using stream = watchWith(mesh.connect(await mesh.enrol('web')))
    const { version } = await stream.next('snapshot')
    const workload = await mesh.enrol('db')
    await mesh.restart()
    expect((await stream.ended)?.code).to.be.oneOf([1, 14])
    using again = watchWith(mesh.connect(workload))
    expect((await again.next('snapshot')).version).to.be.greaterThan(version)
    await mesh[Symbol.asyncDispose]()
  })
})
