import { createHash, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { formatHostPort } from '../../src/base/env.ts'
import { openStore } from '../../src/controller/store/store.ts'
import { documentHistory } from '../../src/controller/store/documents.ts'
import { join } from 'node:path'
import type { ControllerClient } from '../support/controller-client.ts'
import { expectStatus } from '../support/expect-status.ts'
import { allowToOffice } from '../support/office-policy.ts'
import { startTestController, testRule, type TestController } from '../support/test-controller.ts'

const policy = (port: number): string => `
kind: NetworkPolicy
name: web-to-db
spec: { from: { label.app: web }, to: { label.app: db }, ports: [tcp/${String(port)}], action: allow }
`

describe('controller: documents', function () {
  this.timeout(20_000)

  let mesh: TestController
  let admin: ControllerClient
  beforeEach(async () => {
    mesh = await startTestController()
    admin = await mesh.admin()
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const names = async (): Promise<string[]> =>
    (await admin.call('ListDocuments', {})).documents.map(({ document }) => document?.name ?? '')

  it('says what an apply created, updated and left unchanged', async () => {
    const text = `${testRule}---${policy(5432)}`
    const first = await admin.call('Apply', { text })
    expect(first.documents.map(({ action }) => action)).to.deep.equal(['CREATED', 'CREATED'])
    const second = await admin.call('Apply', { text: `${testRule}---${policy(5433)}` })
    expect(second.documents.map(({ action }) => action)).to.deep.equal(['UNCHANGED', 'UPDATED'])
    const [rule, changed] = second.documents
    expect(changed?.revision).to.equal((rule?.revision ?? 0) + 1)
  })

  it('puts nothing in force of a file with one bad document, and lists every problem', async () => {
    const text = `${testRule}---${policy(5432).replace('action: allow', 'action: maybe, colour: red')}---\nkind: Nothing\n`
    const details = await expectStatus(
      admin.call('Apply', { text, source: 'policies.yaml' }),
      'INVALID_ARGUMENT',
    )
    const lines = details.split('\n')
    expect(lines.length).to.be.at.least(3)
    for (const line of lines) expect(line).to.match(/^policies\.yaml:\d+:\d+: /)
    expect(await names()).to.deep.equal([])
  })

  it('changes nothing on a dry run', async () => {
    const answer = await admin.call('Apply', { text: policy(5432), dryRun: true })
    expect(answer.documents.map(({ action }) => action)).to.deep.equal(['CREATED'])
    expect(await names()).to.deep.equal([])
  })

  it('warns of a policy on addresses', async () => {
    const text = policy(5432).replace('label.app: db', 'aws.private-ip: 10.0.0.1')
    const { warnings } = await admin.call('Apply', { text })
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.match(/aws\.private-ip is an address/)
  })

  it('shows documents with author, time and text that applies again', async () => {
    await mesh.apply(policy(5432))
    const [document] = (await admin.call('ListDocuments', { kind: 'NetworkPolicy' })).documents
    expect(document?.author).to.equal('ada')
    expect(Math.abs((document?.changedAtMs ?? 0) - Date.now())).to.be.lessThan(10_000)
    const again = await admin.call('Apply', { text: document?.yaml ?? '' })
    expect(again.documents.map(({ action }) => action)).to.deep.equal(['UNCHANGED'])
  })

  it('keeps every version of a document, with the one that was deleted', async () => {
    await mesh.apply(policy(5432))
    await mesh.apply(policy(5433))
    await admin.call('DeleteDocument', { kind: 'NetworkPolicy', name: 'web-to-db' })
    expect(await names()).to.deep.equal([])
    await mesh.controller[Symbol.asyncDispose]()
    await using store = await openStore(join(mesh.directory, 'controller.db'))
    const history = await documentHistory(store.tables, 'NetworkPolicy', 'web-to-db')
    expect(history.map(({ action }) => action)).to.deep.equal(['created', 'updated', 'deleted'])
    const revisions = history.map(({ revision }) => revision)
    expect(revisions).to.deep.equal([...revisions].sort((a, b) => a - b))
    expect(new Set(history.map(({ author }) => author))).to.deep.equal(new Set(['ada']))
  })

  it('refuses to delete what is not there, and kinds that are none', async () => {
    const gone = { kind: 'NetworkPolicy', name: 'nothing' }
    await expectStatus(admin.call('DeleteDocument', gone), 'NOT_FOUND')
    const kind = { kind: 'Nothing', name: 'nothing' }
    await expectStatus(admin.call('DeleteDocument', kind), 'INVALID_ARGUMENT')
    await expectStatus(admin.call('ListDocuments', { kind: 'Nothing' }), 'INVALID_ARGUMENT')
  })

  it('refuses a file that is too large', async () => {
    const text = `# ${'x'.repeat(4 * 1024 * 1024)}\n${policy(1)}`
    await expectStatus(admin.call('Apply', { text }), 'INVALID_ARGUMENT')
    await expectStatus(
      admin.call('Apply', { text: 'x'.repeat(6 * 1024 * 1024) }),
      'RESOURCE_EXHAUSTED',
    )
  })

  it('explains a verdict for workloads and for attributes', async () => {
    await mesh.apply(`${testRule}---${policy(5432)}`)
    const labelled = (value: string): object => ({
      attributes: { attributes: [{ key: 'label.app', value, provenance: 'ASSIGNED' }] },
    })
    const allowed = await admin.call('Explain', {
      from: labelled('web'),
      to: labelled('db'),
      port: 5432,
    })
    expect(allowed).to.deep.include({ verdict: 'ALLOW', policy: 'web-to-db' })
    await mesh.enrol('web')
    const denied = await admin.call('Explain', {
      from: { workload: 'web' },
      to: labelled('db'),
      port: 5432,
    })
    expect(denied).to.deep.include({ verdict: 'DENY', reason: 'no-policy-matched' })
    expect(denied.nearestMiss).to.match(/web-to-db/)
    await expectStatus(admin.call('Explain', { port: 5432 }), 'INVALID_ARGUMENT', /got none/)
    await expectStatus(
      admin.call('Explain', { from: { workload: 'web' }, to: { workload: 'web' } }),
      'INVALID_ARGUMENT',
      /port/,
    )
  })
})

describe('controller: explain with external services', function () {
  this.timeout(20_000)
  let mesh: TestController
  let admin: ControllerClient

  before(async () => {
    mesh = await startTestController()
    admin = await mesh.admin()
    await mesh.apply(`${testRule}---
kind: ExternalService
name: closed
spec: { cidrs: [192.0.2.0/24], attributes: { label.kind: office }, expires: 2026-01-31T00:00:00Z }
---
kind: ExternalService
name: bank
spec: { cidrs: [203.0.113.0/24], attributes: { label.kind: bank } }
---
${allowToOffice('dns: [office.example.com], ports: [tcp/443]')}`)
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  const web: object = {
    attributes: { attributes: [{ key: 'label.app', value: 'web', provenance: 'ASSIGNED' }] },
  }

  it('says which policy lets a workload reach one', async () => {
    const answer = await admin.call('Explain', { from: web, to: { external: 'office' }, port: 443 })
    expect(answer).to.deep.include({
      verdict: 'ALLOW',
      policy: 'web-to-office',
      encryption: 'OPTIONAL',
    })
  })

  it('names the nearest miss of a denial, either way', async () => {
    const to = await admin.call('Explain', { from: web, to: { external: 'bank' }, port: 443 })
    expect(to).to.deep.include({ verdict: 'DENY', reason: 'no-policy-matched' })
    expect(to.nearestMiss).to.match(/web-to-office.*label\.kind/s)
    const from = await admin.call('Explain', { from: { external: 'office' }, to: web, port: 443 })
    expect(from).to.deep.include({ verdict: 'DENY', reason: 'no-policy-matched' })
    expect(from.nearestMiss).to.match(/web-to-office/)
  })

  it('says so where a service does not have the port', async () => {
    const answer = await admin.call('Explain', { from: web, to: { external: 'office' }, port: 80 })
    expect(answer).to.deep.include({ verdict: 'DENY', reason: 'no-policy-matched' })
    expect(answer.nearestMiss).to.equal(
      'ExternalService office has only tcp/443, so nobody is known at tcp/80',
    )
  })

  it('says so where a service has expired, at either end', async () => {
    const closed = { external: 'closed' }
    for (const ends of [
      { from: web, to: closed },
      { from: closed, to: web },
    ]) {
      const answer = await admin.call('Explain', { ...ends, port: 443 })
      expect(answer).to.deep.include({ verdict: 'DENY', reason: 'no-policy-matched' })
      expect(answer.nearestMiss).to.equal(
        'ExternalService closed expired at 2026-01-31T00:00:00.000Z, so nobody is known by it',
      )
    }
  })

  it('refuses a service that there is not, and two of them', async () => {
    await expectStatus(
      admin.call('Explain', { from: web, to: { external: 'nowhere' }, port: 443 }),
      'INVALID_ARGUMENT',
      /external service, got "nowhere"/,
    )
    await expectStatus(
      admin.call('Explain', { from: { external: 'bank' }, to: { external: 'office' }, port: 443 }),
      'INVALID_ARGUMENT',
      /at one end/,
    )
  })
})

describe('controller: join tokens', function () {
  this.timeout(20_000)

  const faults = {
    uses: { uses: 1_000_000 },
    ttl_seconds: { ttlSeconds: -1 },
    'a label twice': {
      labels: [
        { key: 'app', value: 'a' },
        { key: 'app', value: 'b' },
      ],
    },
    label: { labels: [{ key: 'App Name', value: 'a' }] },
    description: { description: 'x'.repeat(2_000) },
  }
  it('refuses what is out of range', async () => {
    await using mesh = await startTestController()
    const admin = await mesh.admin()
    for (const request of Object.values(faults)) {
      await expectStatus(admin.call('CreateJoinToken', request), 'INVALID_ARGUMENT')
    }
  })
})

describe('controller: process', function () {
  this.timeout(20_000)

  it('writes its roots where everybody can read them, and its key where nobody else can', async () => {
    await using mesh = await startTestController()
    const { controller, directory } = mesh
    const root = new X509Certificate(await readFile(controller.bundleFile))
    const fingerprint = createHash('sha256').update(root.raw).digest('hex')
    expect(controller.fingerprint).to.equal(fingerprint)
    const modeOf = async (name: string): Promise<number> =>
      (await stat(join(directory, name))).mode & 0o777
    expect(await modeOf('bundle.pem')).to.equal(0o644)
    expect(await modeOf('key-encryption.key')).to.equal(0o600)
    expect(await modeOf('controller.db')).to.equal(0o600)
  })

  it('keeps its root over a restart', async () => {
    await using mesh = await startTestController()
    const { fingerprint } = mesh.controller
    await mesh.restart()
    expect(mesh.controller.fingerprint).to.equal(fingerprint)
  })

  it('serves /live, /ready and /metrics, and nothing else', async () => {
    await using mesh = await startTestController()
    await mesh.admin()
    const base = `http://${formatHostPort(mesh.controller.metricsAddress)}`
    const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
      const answer = await fetch(`${base}${path}`, { method })
      return [answer.status, await answer.text()]
    }
    expect(await get('/live')).to.deep.equal([200, 'live\n'])
    expect(await get('/ready')).to.deep.equal([200, 'ready\n'])
    const [code, text] = await get('/metrics')
    expect(code).to.equal(200)
    expect(text).to.match(
      /blazon_controller_calls_total\{method="Enrolment\.ClaimAdministrator",status="OK"\} 1/,
    )
    expect((await get('/'))[0]).to.equal(404)
    expect((await get('/live', 'POST'))[0]).to.equal(404)
  })

  it('does not share its directory with another controller', async () => {
    await using mesh = await startTestController()
    const refusal = await openStore(join(mesh.directory, 'controller.db')).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(refusal).to.have.property('code', 'ERR_STORE_LOCKED')
  })
})
