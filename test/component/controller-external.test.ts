import { expect } from 'chai'
import type { Snapshot__Output } from '../../src/rpc/generated/blazon/v1/Snapshot.ts'
import { startTestController, type TestController } from '../support/test-controller.ts'
import { testKeyFile } from '../support/test-iid.ts'
import { testAccount, testInstance } from '../support/test-instance.ts'
import { watchWith } from '../support/watch-reader.ts'

const rules = `
kind: EnrolmentRule
name: web-nodes
spec: { match: { label.join: test }, names: [web], assign: { label.app: web } }
---
kind: EnrolmentRule
name: instances
spec: { match: { aws.account: '${testAccount}' }, names: ['*'], assign: { label.app: db } }
`

/** The address that the documents of test instances give. */
const instanceAddress = [10, 0, 1, 242]

const toOffice = (cidr: string, label = 'web'): string => `
kind: ExternalService
name: office
spec: { cidrs: [${cidr}], attributes: { label.kind: office } }
---
kind: NetworkPolicy
name: to-office
spec: { from: { label.app: ${label} }, to: { external: { label.kind: office } }, action: allow, encryption: optional }
`

describe('controller: external services in Watch', function () {
  this.timeout(20_000)

  let mesh: TestController
  beforeEach(async () => {
    mesh = await startTestController({ files: { 'iid-keys.json': testKeyFile() } })
    await (await mesh.admin()).call('PutAccount', { accountId: testAccount })
    await mesh.apply(rules)
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const names = ({ documents }: Snapshot__Output): string[] => documents.map(({ name }) => name)
  const addresses = ({ meshAddresses }: Snapshot__Output): number[][] =>
    meshAddresses.map((address) => [...address])
  const enrolInstance = (): Promise<unknown> =>
    mesh.enrol('db', { evidence: testInstance('db').evidence(Date.now()) })

  it('go to the workloads that a policy lets reach them, and follow every change', async () => {
    using web = watchWith(mesh.connect(await mesh.enrol('web')))
    expect(names(await web.next('snapshot'))).to.deep.equal([])
    await mesh.apply(toOffice('198.51.100.0/24'))
    expect(names(await web.next('snapshot'))).to.deep.equal(['to-office', 'office'])
    await mesh.apply(toOffice('198.51.100.0/25').split('---')[0] ?? '')
    const [, service] = (await web.next('snapshot')).documents
    expect(service?.specJson.toString()).to.include('198.51.100.0/25')
    await mesh.apply(toOffice('198.51.100.0/25').replace('office }', 'other }'))
    expect(names(await web.next('snapshot'))).to.deep.equal(['to-office'])
    const admin = await mesh.admin()
    await admin.call('DeleteDocument', { kind: 'NetworkPolicy', name: 'to-office' })
    expect(names(await web.next('snapshot'))).to.deep.equal([])
    await admin.call('DeleteDocument', { kind: 'ExternalService', name: 'office' })
    expect(web.waiting('snapshot')).to.equal(0)
  })

  it('go there also where they are only denied, so that no wider one stands for them', async () => {
    using web = watchWith(mesh.connect(await mesh.enrol('web')))
    await web.next('snapshot')
    await mesh.apply(toOffice('0.0.0.0/0'))
    await web.next('snapshot')
    await mesh.apply(`
kind: ExternalService
name: rival
spec: { cidrs: [198.51.100.7] }
---
kind: NetworkPolicy
name: not-to-rival
spec: { from: {}, to: { external: { name: rival } }, action: deny }
`)
    expect(names(await web.next('snapshot'))).to.include.members(['not-to-rival', 'rival'])
  })

  it('are left out, where they are balancers, of what a sidecar gets that cannot prove requests', async () => {
    const web = await mesh.enrol('web')
    await mesh.apply(toOffice('198.51.100.0/24').replace('cidrs:', 'l7: true, cidrs:'))
    using old = watchWith(mesh.connect(web), { schemaVersion: 4 })
    expect(names(await old.next('snapshot'))).to.deep.equal(['to-office'])
    using current = watchWith(mesh.connect(web))
    expect(names(await current.next('snapshot'))).to.deep.equal(['to-office', 'office'])
  })

  it('come with the signed addresses of workloads in them, also of those that enrol later', async () => {
    await mesh.apply(toOffice('10.0.0.0/8'))
    using web = watchWith(mesh.connect(await mesh.enrol('web')))
    expect(addresses(await web.next('snapshot'))).to.deep.equal([])
    await enrolInstance()
    expect(addresses(await web.next('snapshot'))).to.deep.equal([instanceAddress])
    await mesh.apply(toOffice('10.0.1.0/24'))
    expect(addresses(await web.next('snapshot'))).to.deep.equal([instanceAddress])
    await mesh.apply(toOffice('10.0.0.0/24'))
    expect(addresses(await web.next('snapshot'))).to.deep.equal([])
  })

  it('cause no word to those that cannot reach the address of a new workload', async () => {
    await mesh.apply(toOffice('198.51.100.0/24'))
    using web = watchWith(mesh.connect(await mesh.enrol('web')))
    await web.next('snapshot')
    await enrolInstance()
    await mesh.apply(toOffice('198.51.100.0/25'))
    expect((await web.next('snapshot')).documents[1]?.specJson.toString()).to.include('/25')
    expect(web.waiting('snapshot')).to.equal(0)
  })

  it('are kept from sidecars that do not know of them, with all that names them', async () => {
    await mesh.apply(toOffice('10.0.0.0/8', 'db'))
    await enrolInstance()
    await mesh.apply(toOffice('10.0.0.0/8', 'web').replaceAll('office', 'other'))
    using old = watchWith(mesh.connect(await mesh.enrol('web')), { schemaVersion: 2 })
    const snapshot = await old.next('snapshot')
    expect(names(snapshot)).to.deep.equal([])
    expect(addresses(snapshot)).to.deep.equal([])
  })

  it('are kept from sidecars that do not know that they expire, which shows', async () => {
    const documents = toOffice('10.0.0.0/8').replace(
      'cidrs:',
      'expires: 2030-01-01T00:00:00Z, cidrs:',
    )
    await mesh.apply(documents)
    using old = watchWith(mesh.connect(await mesh.enrol('web')), { schemaVersion: 4 })
    expect(names(await old.next('snapshot'))).to.deep.equal(['to-office'])
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', { match: 'web' })
    expect(workloads[0]?.rejected).to.equal(
      'schema version 4 is too old for ExternalService office (needs 5)',
    )
    await mesh.apply(`
kind: NetworkPolicy
name: not-to-office
spec: { from: { label.app: web }, to: { external: { name: office } }, action: deny }
`)
    await mesh.apply('kind: Observe\nname: o\nspec: { scope: {}, expires: 2030-01-01T00:00:00Z }')
    expect(old.waiting('snapshot')).to.equal(0)
  })

  it('are accepted by name without a warning', async () => {
    const text = 'kind: ExternalService\nname: n\nspec: { dns: [api.example.com] }'
    const { warnings } = await (await mesh.admin()).call('Apply', { text, source: 'f' })
    expect(warnings).to.deep.equal([])
  })
})
