import { expect } from 'chai'
import { decodeProfile, type Attribute } from '../../src/identity/index.ts'
import type { AttestRequest } from '../../src/rpc/generated/blazon/v1/AttestRequest.ts'
import type { Incident__Output } from '../../src/rpc/generated/blazon/v1/Incident.ts'
import { runBlazon } from '../support/cli-run.ts'
import type { ControllerClient } from '../support/controller-client.ts'
import {
  attestWith,
  renewWith,
  sha256,
  type AttestAttempt,
  type EnrolledWorkload,
} from '../support/enrolment-client.ts'
import { createFullDisk } from '../support/full-disk-store.ts'
import { expectStatus } from '../support/expect-status.ts'
import { newKeys, type TestKeys } from '../support/test-ca.ts'
import {
  createMovableClock,
  startTestController,
  testRule,
  type MovableClock,
  type TestController,
} from '../support/test-controller.ts'
import { northRegion, southRegion, testKeyFile } from '../support/test-iid.ts'
import { testAccount, testInstance, type TestInstance } from '../support/test-instance.ts'
import { watchWith } from '../support/watch-reader.ts'

const minuteMs = 60_000

/** Lets the instances of the test account in. */
const instanceRule = (more = ''): string => `
kind: EnrolmentRule
name: instances
spec:
  match: { aws.account: '${testAccount}' }
  names: ['*']
  claims: { app.*: '*', os.*: '*' }
  ${more}
`

describe('controller: instances on a full disk', function () {
  this.timeout(20_000)

  it('refuses a second claimant all the same, and stops both once it can be written', async () => {
    const disk = createFullDisk()
    const files = { 'iid-keys.json': testKeyFile() }
    await using mesh = await startTestController({ openStore: disk.open, files })
    const admin = await mesh.admin()
    await admin.call('PutAccount', { accountId: testAccount })
    await mesh.apply(instanceRule())
    const evidence = testInstance('web').evidence(Date.now())
    const [first, second] = [newKeys(), newKeys()]
    await mesh.enrol('web', { nodeKeys: first, evidence })
    disk.isFull = true
    for (const nodeKeys of [first, second]) {
      await expectStatus(mesh.enrol('web', { nodeKeys, evidence }), 'RESOURCE_EXHAUSTED', /disk/)
    }
    disk.isFull = false
    await expectStatus(
      mesh.enrol('web', { nodeKeys: second, evidence }),
      'PERMISSION_DENIED',
      /as good a right/,
    )
    const { incidents } = await admin.call('ListIncidents', {})
    expect(incidents.map(({ kind, times }) => [kind, times])).to.deep.equal([['two-claimants', 1]])
  })
})

describe('controller: an account that is unbound on a failing disk', function () {
  this.timeout(20_000)

  it('is unbound with all that it has revoked, or not at all', async () => {
    const disk = createFullDisk()
    const files = { 'iid-keys.json': testKeyFile() }
    await using mesh = await startTestController({ openStore: disk.open, files })
    const admin = await mesh.admin()
    await admin.call('PutAccount', { accountId: testAccount })
    await mesh.apply(instanceRule())
    const evidence = testInstance('web').evidence(Date.now())
    const workload = await mesh.enrol('web', { nodeKeys: newKeys(), evidence })
    const first = disk.hold()
    const unbinding = admin.call('DeleteAccount', { accountId: testAccount, revoke: true })
    await first.begun
    const second = disk.hold()
    first.release()
    await second.begun
    disk.isFull = true
    second.release()
    await expectStatus(unbinding, 'UNAVAILABLE', /the change was made/)
    disk.isFull = false
    const report = { runId: 'run', sequence: 1 }
    await expectStatus(mesh.connect(workload).call('ReportFlows', report), 'UNAUTHENTICATED')
  })
})

describe('controller: instances', function () {
  this.timeout(20_000)

  let clock: MovableClock
  let mesh: TestController
  let admin: ControllerClient
  const web = testInstance('web')
  beforeEach(async () => {
    clock = createMovableClock()
    mesh = await startTestController({ clock, files: { 'iid-keys.json': testKeyFile() } })
    admin = await mesh.admin()
    await admin.call('PutAccount', { accountId: testAccount, name: 'test' })
    await mesh.apply(instanceRule())
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const enrol = (
    instance: TestInstance,
    nodeKeys: TestKeys,
    pendingTimeMs: number,
    more: Partial<AttestAttempt> = {},
  ): Promise<EnrolledWorkload> =>
    mesh.enrol('web', { nodeKeys, evidence: instance.evidence(pendingTimeMs), ...more })
  const grant = ({ accountId, region, instanceId }: TestInstance): Promise<unknown> =>
    admin.call('GrantEnrolment', { account: accountId, region, instanceId, reason: 'test' })
  const incidents = async (): Promise<Incident__Output[]> =>
    (await admin.call('ListIncidents', {})).incidents
  const onlyIncident = async (): Promise<Incident__Output> => {
    const [one, ...others] = await incidents()
    if (one === undefined) throw new Error('expected an incident')
    expect(others).to.deep.equal([])
    return one
  }
  const details = (incident: Incident__Output, wanted: string): string[] =>
    incident.details.filter(({ key }) => key === wanted).map(({ value }) => value)

  describe('what the document says', () => {
    it('stands in the profile, as signed', async () => {
      const pendingTimeMs = clock.now() - minuteMs
      const { response } = await enrol(web, newKeys(), pendingTimeMs)
      const { entries } = decodeProfile(response.svid?.profile ?? Buffer.alloc(0))
      const shown = Object.fromEntries(
        [...entries].map(([key, { provenance, values }]) => [key, [provenance, ...values]]),
      )
      expect(shown).to.deep.equal({
        'aws.account': ['signed', testAccount],
        'aws.architecture': ['signed', 'arm64'],
        'aws.image-id': ['signed', 'ami-0cbde744623b7506b'],
        'aws.instance-id': ['signed', web.instanceId],
        'aws.instance-type': ['signed', 't4g.small'],
        'aws.pending-time': [
          'signed',
          new Date(pendingTimeMs).toISOString().replace(/\.[0-9]+Z$/, 'Z'),
        ],
        'aws.private-ip': ['signed', '10.0.1.242'],
        'aws.region': ['signed', northRegion.name],
        'aws.version': ['signed', '2017-09-30'],
        'aws.zone': ['signed', `${northRegion.name}a`],
      })
    })

    it('is not for the sidecar to change: whatever it must not set is dropped and told', async () => {
      const families = [
        'aws.account',
        'aws.region',
        'aws.tag.name',
        'aws.iam-role',
        'aws.role',
        'k8s.namespace',
        'k8s.service-account',
        'vuln.critical',
        'vuln.state',
        'label.env',
      ]
      const attributes = families.map((key): Attribute => ({
        key,
        value: 'forged',
        provenance: 'signed',
      }))
      const allowed: Attribute = { key: 'os.user', value: 'www', provenance: 'signed' }
      const { response } = await enrol(web, newKeys(), clock.now(), {
        attributes: [...attributes, allowed],
      })
      const { entries } = decodeProfile(response.svid?.profile ?? Buffer.alloc(0))
      expect(response.dropped.map(({ key }) => key)).to.have.members(families)
      for (const key of families) expect(entries.get(key)?.values ?? []).not.to.include('forged')
      expect(entries.get('aws.account')).to.deep.equal({
        provenance: 'signed',
        values: [testAccount],
      })
      expect(entries.get('os.user')?.provenance).to.equal('observed')
    })

    it('is shown with the node', async () => {
      const nodeKeys = newKeys()
      const pendingTimeMs = Math.floor(clock.now() / 1_000) * 1_000
      await enrol(web, nodeKeys, pendingTimeMs)
      for (const match of ['', web.nodeId, web.instanceId, sha256(nodeKeys.spki)]) {
        const { nodes } = await admin.call('ListNodes', { match })
        expect(nodes, match).to.have.length(1)
        expect(nodes[0]).to.deep.include({
          nodeId: web.nodeId,
          method: 'aws-iid',
          nodeKeySha256: sha256(nodeKeys.spki),
          pendingTimeMs,
          frozen: false,
        })
        expect(nodes[0]?.attributes.map(({ key }) => key)).to.include('aws.zone')
      }
      expect((await admin.call('ListNodes', { match: 'i-00000000' })).nodes).to.deep.equal([])
    })
  })

  describe('the account table', () => {
    it('admits nobody while it is empty, whatever the rules say', async () => {
      await admin.call('DeleteAccount', { accountId: testAccount })
      await expectStatus(
        enrol(web, newKeys(), clock.now()),
        'PERMISSION_DENIED',
        /account 123456789012 is not one of this controller's/,
      )
    })

    it('admits the accounts in it and no other', async () => {
      await mesh.apply(instanceRule().replace(`'${testAccount}'`, `'*'`))
      const stranger = testInstance('web', '210987654321')
      await expectStatus(
        enrol(stranger, newKeys(), clock.now()),
        'PERMISSION_DENIED',
        /210987654321/,
      )
      await enrol(web, newKeys(), clock.now())
    })

    it('is asked again at each renewal', async () => {
      const workload = await enrol(web, newKeys(), clock.now())
      await admin.call('DeleteAccount', { accountId: testAccount })
      const client = mesh.connect(workload)
      await expectStatus(renewWith(client, workload), 'PERMISSION_DENIED', /is not one of/)
      await admin.call('PutAccount', { accountId: testAccount })
      await renewWith(client, workload)
    })

    it('revokes what an unbound account has, where that is asked for', async () => {
      const workload = await enrol(web, newKeys(), clock.now())
      using stream = watchWith(mesh.connect(workload))
      await stream.next('snapshot')
      const { revoked } = await admin.call('DeleteAccount', {
        accountId: testAccount,
        revoke: true,
      })
      expect(revoked).to.equal(1)
      expect((await stream.ended)?.code).to.equal(16)
      await expectStatus(renewWith(mesh.connect(workload), workload), 'UNAUTHENTICATED')
    })

    it('outlives a restart, and shows who said what', async () => {
      await admin.call('PutAccount', { accountId: '210987654321', tagsTrusted: true })
      await mesh.restart()
      const { accounts } = await (await mesh.admin()).call('ListAccounts', {})
      expect(accounts.map(({ accountId, verified }) => [accountId, verified])).to.deep.equal([
        [testAccount, 'operator'],
        ['210987654321', 'operator'],
      ])
      expect(accounts[1]).to.deep.include({ tagsTrusted: true, author: 'ada', arn: '' })
    })

    for (const accountId of ['', '12345678901', '1234567890123', '12345678901x']) {
      it(`refuses ${JSON.stringify(accountId)} as an account`, async () => {
        await expectStatus(admin.call('PutAccount', { accountId }), 'INVALID_ARGUMENT', /12 digits/)
      })
    }

    describe('and tags', () => {
      const byTag = `
kind: NetworkPolicy
name: by-tag
spec: { from: { aws.tag.role: web }, to: { aws.tag.role: db }, action: allow }
`
      it('lets policies go by tags alone only while every account is trusted for them', async () => {
        await expectStatus(mesh.apply(byTag), 'INVALID_ARGUMENT', /aws\.account/)
        await admin.call('PutAccount', { accountId: testAccount, tagsTrusted: true })
        await mesh.apply(byTag)
        for (const accountId of [testAccount, '210987654321']) {
          await expectStatus(
            admin.call('PutAccount', { accountId }),
            'FAILED_PRECONDITION',
            /NetworkPolicy by-tag/,
          )
        }
        await admin.call('DeleteDocument', { kind: 'NetworkPolicy', name: 'by-tag' })
        await admin.call('PutAccount', { accountId: '210987654321' })
        await expectStatus(mesh.apply(byTag), 'INVALID_ARGUMENT', /aws\.account/)
      })

      it('takes no untrusted account beside such policies, not even as the first', async () => {
        await admin.call('PutAccount', { accountId: testAccount, tagsTrusted: true })
        await mesh.apply(byTag)
        await admin.call('DeleteAccount', { accountId: testAccount })
        await expectStatus(
          admin.call('PutAccount', { accountId: '210987654321' }),
          'FAILED_PRECONDITION',
          /NetworkPolicy by-tag/,
        )
        await admin.call('PutAccount', { accountId: '210987654321', tagsTrusted: true })
      })
    })
  })

  describe('the form of the document', () => {
    for (const form of ['pkcs7', 'signature'] as const) {
      it(`is not taken as ${form} unless every rule that matches says so`, async () => {
        const attempt = (): Promise<EnrolledWorkload> =>
          enrol(web, nodeKeys, 0, { evidence: web.evidence(pendingTimeMs, form) })
        const nodeKeys = newKeys()
        const pendingTimeMs = clock.now()
        await expectStatus(attempt(), 'PERMISSION_DENIED', new RegExp(`does not take the ${form}`))
        const lax = instanceRule(`forms: [rsa2048, ${form}]`)
        await mesh.apply(lax.replace('name: instances', 'name: lax'))
        // One rule that takes it does not make another one take it.
        await expectStatus(attempt(), 'PERMISSION_DENIED', /rule instances does not take/)
        await mesh.apply(lax)
        const workload = await attempt()
        await mesh.apply(instanceRule())
        await expectStatus(
          renewWith(mesh.connect(workload), workload),
          'PERMISSION_DENIED',
          /rule instances does not take/,
        )
      })
    }

    const broken: Readonly<Record<string, () => Partial<AttestAttempt>>> = {
      'a document of another region under this one’s name': () => {
        const renamed = { ...southRegion, name: northRegion.name }
        return {
          evidence: testInstance('web', testAccount, renamed).evidence(clock.now()),
        }
      },
      'no document': () => ({ evidence: () => ({ awsIid: {} }) }),
      'a blob that is none': () => ({
        evidence: () => ({ awsIid: { rsa2048: Buffer.from('3000', 'hex') } }),
      }),
      'evidence by STS': () => ({ evidence: () => ({ awsSts: {} }) }),
      'a certificate, where no CA is configured': () => ({ evidence: () => ({ x509: {} }) }),
    }
    it('is refused without a word of why, where it does not verify', async () => {
      const answers = new Set<string>()
      for (const [what, attempt] of Object.entries(broken)) {
        const details = await expectStatus(
          enrol(web, newKeys(), clock.now(), attempt()),
          'UNAUTHENTICATED',
        )
        expect(details, what).to.match(/reference [0-9a-f]{8}/)
        answers.add(details.replace(/reference [0-9a-f]{8}/, 'reference'))
      }
      expect([...answers]).to.have.length(1)
    })
  })

  describe('rules', () => {
    it('that require what this controller cannot check refuse, even beside others that do not', async () => {
      const strict = instanceRule('require: [sts-proof, ec2]')
      await mesh.apply(strict.replace('name: instances', 'name: strict'))
      await expectStatus(
        enrol(web, newKeys(), clock.now()),
        'FAILED_PRECONDITION',
        /rule strict requires ec2 and sts-proof, which is not available on this controller yet/,
      )
    })

    it('cannot be chosen by a node: what one of them leaves out, none of them lets stand', async () => {
      const strict = `
kind: EnrolmentRule
name: strict
spec: { match: { aws.region: ${northRegion.name} }, names: [web], ttl: 10m }
`
      await mesh.apply(strict)
      const attributes: Attribute[] = [{ key: 'app.role', value: 'root', provenance: 'claimed' }]
      const workload = await enrol(web, newKeys(), clock.now(), { attributes })
      expect(workload.response.dropped.map(({ key }) => key)).to.deep.equal(['app.role'])
      const { workloads } = await admin.call('ListWorkloads', {})
      expect(workloads[0]?.notAfterMs).to.be.at.most(clock.now() + 10 * minuteMs)
    })
  })

  describe('the first enrolment', () => {
    it('is refused when the instance was started too long ago, unless it is granted', async () => {
      const nodeKeys = newKeys()
      const pendingTimeMs = clock.now() - 16 * minuteMs
      const details = await expectStatus(
        enrol(web, nodeKeys, pendingTimeMs),
        'PERMISSION_DENIED',
        /more than 15m ago/,
      )
      const [, command = ''] = /`blazon (nodes grant [^`]+)`/.exec(details) ?? []
      const contextFile = '/nowhere/context.json'
      const { stderr } = await runBlazon(command.split(' '), { contextFile })
      expect(stderr).to.match(/^error: not logged in/)
      await grant(web)
      await enrol(web, nodeKeys, pendingTimeMs)
      expect(await incidents()).to.deep.equal([])
    })

    it('is refused earlier where a rule says so', async () => {
      await mesh.apply(instanceRule('firstEnrolmentWithin: 1m'))
      await expectStatus(
        enrol(web, newKeys(), clock.now() - 2 * minuteMs),
        'PERMISSION_DENIED',
        /more than 1m ago/,
      )
    })

    it('is refused with a pending time in the future', async () => {
      await expectStatus(
        enrol(web, newKeys(), clock.now() + 2 * minuteMs),
        'PERMISSION_DENIED',
        /in the future/,
      )
    })

    it('uses a grant up, and finds it gone when it has expired', async () => {
      const old = clock.now() - 60 * minuteMs
      await grant(web)
      await enrol(web, newKeys(), old)
      await expectStatus(enrol(web, newKeys(), old), 'PERMISSION_DENIED', /another node key/)
      const other = testInstance('other')
      await grant(other)
      clock.skip(61 * minuteMs)
      await expectStatus(enrol(other, newKeys(), old), 'PERMISSION_DENIED', /too long/)
    })

    it('keeps a grant for which the enrolment failed', async () => {
      const old = clock.now() - 60 * minuteMs
      const workloadKeys = newKeys()
      await enrol(testInstance('other'), newKeys(), clock.now(), { workloadKeys })
      await grant(web)
      const nodeKeys = newKeys()
      await expectStatus(enrol(web, nodeKeys, old, { workloadKeys }), 'INVALID_ARGUMENT')
      await enrol(web, nodeKeys, old)
    })

    it('is not granted for an account that is not bound', async () => {
      const stranger = testInstance('web', '210987654321')
      await expectStatus(grant(stranger), 'FAILED_PRECONDITION', /not bound/)
    })

    const wrongGrants = {
      'an account of letters': { account: 'x', region: 'eu-west-1', instanceId: web.instanceId },
      'no region': { account: testAccount, region: '', instanceId: web.instanceId },
      'no instance': { account: testAccount, region: 'eu-west-1', instanceId: 'web' },
      'ten days': {
        account: testAccount,
        region: 'eu-west-1',
        instanceId: web.instanceId,
        ttlSeconds: 864_000,
      },
    }
    for (const [what, request] of Object.entries(wrongGrants)) {
      it(`cannot be granted with ${what}`, async () => {
        await expectStatus(admin.call('GrantEnrolment', request), 'INVALID_ARGUMENT')
      })
    }
  })

  describe('the node key', () => {
    it('stays good for the instance, with whatever document comes after', async () => {
      const nodeKeys = newKeys()
      const started = clock.now()
      await enrol(web, nodeKeys, started)
      clock.skip(60 * minuteMs)
      await enrol(web, nodeKeys, started)
      await enrol(web, nodeKeys, clock.now())
      expect(await incidents()).to.deep.equal([])
    })

    it('is refused with a document from before the last start', async () => {
      const nodeKeys = newKeys()
      const started = clock.now()
      await enrol(web, nodeKeys, started - minuteMs)
      await enrol(web, nodeKeys, started)
      await expectStatus(
        enrol(web, nodeKeys, started - minuteMs),
        'PERMISSION_DENIED',
        /newer document/,
      )
      await mesh.restart()
      admin = await mesh.admin()
      await expectStatus(enrol(web, nodeKeys, started - minuteMs), 'PERMISSION_DENIED')
      const incident = await onlyIncident()
      expect(incident).to.deep.include({ kind: 'old-document', subject: web.nodeId, times: 2 })
    })

    it('is refused at a second instance: its image was baked with it', async () => {
      const nodeKeys = newKeys()
      const first = await enrol(web, nodeKeys, clock.now())
      const second = testInstance('second')
      await expectStatus(
        enrol(second, nodeKeys, clock.now()),
        'PERMISSION_DENIED',
        /belongs to another instance/,
      )
      const incident = await onlyIncident()
      expect(incident).to.deep.include({ kind: 'node-key-reused', subject: second.nodeId })
      expect(details(incident, 'bound-to')).to.deep.equal([web.nodeId])
      expect(details(incident, 'refused-node-key')).to.deep.equal([sha256(nodeKeys.spki)])
      await renewWith(mesh.connect(first), first)
    })

    it('may be one of several where the rules say so', async () => {
      await mesh.apply(instanceRule('keysPerNode: 2'))
      const started = clock.now()
      await enrol(web, newKeys(), started)
      await enrol(web, newKeys(), started)
      await expectStatus(enrol(web, newKeys(), started), 'PERMISSION_DENIED')
    })
  })

  describe('a stolen document', () => {
    it('stops both claimants while nobody can tell them apart, in one incident that names both', async () => {
      const [first, second] = [newKeys(), newKeys()]
      const started = clock.now()
      const workload = await enrol(web, first, started)
      using stream = watchWith(mesh.connect(workload))
      await stream.next('snapshot')
      await expectStatus(enrol(web, second, started), 'PERMISSION_DENIED', /as good a right/)
      expect((await stream.ended)?.code).to.equal(16)
      await expectStatus(renewWith(mesh.connect(workload), workload), 'UNAUTHENTICATED')
      for (const keys of [first, second, newKeys()]) {
        await expectStatus(enrol(web, keys, started), 'PERMISSION_DENIED', /two node keys claim/)
      }
      const incident = await onlyIncident()
      expect(incident).to.deep.include({ kind: 'two-claimants', subject: web.nodeId, times: 4 })
      expect(details(incident, 'node-key')).to.have.members([
        sha256(first.spki),
        sha256(second.spki),
      ])
      const { nodes } = await admin.call('ListNodes', { match: web.nodeId })
      expect(nodes.map(({ frozen }) => frozen)).to.deep.equal([true, true])
      await expectStatus(grant(web), 'FAILED_PRECONDITION', /resolve the incident/)
    })

    it('stops a claimant wherever else it comes from, too', async () => {
      await mesh.apply(testRule)
      const [first, second] = [newKeys(), newKeys()]
      const helped = await mesh.enrol('helper', { nodeKeys: second })
      const started = clock.now()
      await enrol(web, first, started)
      await expectStatus(enrol(web, second, started), 'PERMISSION_DENIED')
      await expectStatus(renewWith(mesh.connect(helped), helped), 'UNAUTHENTICATED')
      await expectStatus(
        mesh.enrol('another', { nodeKeys: second }),
        'PERMISSION_DENIED',
        /is frozen/,
      )
    })

    it('stops one that is enrolling by other evidence at the very moment', async () => {
      await mesh.apply(testRule)
      const token = await mesh.token()
      const [first, second] = [newKeys(), newKeys()]
      const started = clock.now()
      await enrol(web, first, started)
      const clients = [mesh.connect(), mesh.connect()] as const
      const [ours, theirs] = await Promise.all(
        clients.map((client) => client.call('Challenge', {})),
      )
      const helped = attestWith(clients[0], {
        name: 'helper',
        nodeKeys: first,
        token,
        nonce: ours?.nonce ?? Buffer.alloc(0),
      }).catch(() => undefined)
      // The token is looked at in a thread, the document at once: this one is decided on second.
      await new Promise((resolve) => setTimeout(resolve, 4))
      const claim = attestWith(clients[1], {
        name: 'web',
        nodeKeys: second,
        evidence: web.evidence(started),
        nonce: theirs?.nonce ?? Buffer.alloc(0),
      })
      await expectStatus(claim, 'PERMISSION_DENIED', /as good a right/)
      await helped
      const { nodes } = await admin.call('ListNodes', {})
      expect(nodes.map(({ frozen }) => frozen)).to.deep.equal([true, true])
    })

    it('lets exactly one of two win that come at once, and stops both', async () => {
      const keys = [newKeys(), newKeys()]
      const started = clock.now()
      const results = await Promise.allSettled(keys.map((one) => enrol(web, one, started)))
      expect(results.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected'])
      const incident = await onlyIncident()
      expect(details(incident, 'node-key')).to.have.members(keys.map(({ spki }) => sha256(spki)))
      for (const result of results) {
        if (result.status === 'rejected') continue
        await expectStatus(renewWith(mesh.connect(result.value), result.value), 'UNAUTHENTICATED')
      }
    })

    it('stays stopped over a restart, until one is kept; the other is barred', async () => {
      const [first, second] = [newKeys(), newKeys()]
      const started = clock.now()
      await enrol(web, first, started)
      await expectStatus(enrol(web, second, started), 'PERMISSION_DENIED')
      await mesh.restart()
      admin = await mesh.admin()
      await expectStatus(enrol(web, first, started), 'PERMISSION_DENIED', /two node keys claim/)

      const { incidentId } = await onlyIncident()
      await admin.call('ResolveIncident', {
        incidentId,
        resolution: 'the second was a scanner',
        keepNodeKeySha256: sha256(first.spki),
      })
      const back = await enrol(web, first, started)
      await renewWith(mesh.connect(back), back)
      await expectStatus(
        enrol(web, second, started),
        'PERMISSION_DENIED',
        /not that of the instance/,
      )
      await renewWith(mesh.connect(back), back)
      const { incidents: all } = await admin.call('ListIncidents', { all: true })
      expect(all.map(({ kind, resolvedBy }) => [kind, resolvedBy])).to.have.deep.members([
        ['document-replayed', ''],
        ['two-claimants', 'ada'],
      ])
    })

    it('leaves the second in charge where it is the one that is kept', async () => {
      const [thief, real] = [newKeys(), newKeys()]
      const started = clock.now()
      await enrol(web, thief, started)
      await expectStatus(enrol(web, real, started), 'PERMISSION_DENIED')
      const { incidentId } = await onlyIncident()
      await admin.call('ResolveIncident', {
        incidentId,
        resolution: 'the first was a thief',
        keepNodeKeySha256: sha256(real.spki),
      })
      await enrol(web, real, started)
      await expectStatus(
        enrol(web, thief, started),
        'PERMISSION_DENIED',
        /not that of the instance/,
      )
    })

    it('leaves neither where neither is kept, and no room for a third without a grant', async () => {
      const [first, second, third] = [newKeys(), newKeys(), newKeys()]
      const started = clock.now()
      await enrol(web, first, started)
      await expectStatus(enrol(web, second, started), 'PERMISSION_DENIED')
      const { incidentId } = await onlyIncident()
      await admin.call('ResolveIncident', { incidentId, resolution: 'both look odd' })
      for (const keys of [first, second]) {
        await expectStatus(
          enrol(web, keys, started),
          'PERMISSION_DENIED',
          /not that of the instance/,
        )
      }
      await expectStatus(enrol(web, third, started), 'PERMISSION_DENIED', /grant/)
      await grant(web)
      await enrol(web, third, started)
    })

    it('that is no longer fresh stops nobody, and is counted in one incident', async () => {
      const [first, second] = [newKeys(), newKeys()]
      const started = clock.now()
      const workload = await enrol(web, first, started)
      clock.skip(20 * minuteMs)
      for (let attempt = 0; attempt < 3; attempt++) {
        await expectStatus(
          enrol(web, second, started),
          'PERMISSION_DENIED',
          /another node key is bound/,
        )
      }
      await renewWith(mesh.connect(workload), workload)
      const incident = await onlyIncident()
      expect(incident).to.deep.include({ kind: 'document-replayed', subject: web.nodeId, times: 3 })
      expect(details(incident, 'bound-node-key')).to.deep.equal([sha256(first.spki)])
      expect(details(incident, 'refused-node-key')).to.deep.equal([sha256(second.spki)])
    })

    it('after a restart of the instance stops nobody who was bound before it', async () => {
      const [first, second] = [newKeys(), newKeys()]
      await enrol(web, first, clock.now())
      clock.skip(600 * minuteMs)
      const restarted = clock.now()
      await expectStatus(enrol(web, second, restarted), 'PERMISSION_DENIED', /another node key/)
      const workload = await enrol(web, first, restarted)
      await expectStatus(enrol(web, second, restarted), 'PERMISSION_DENIED', /another node key/)
      await renewWith(mesh.connect(workload), workload)
    })

    it('does not come in by an Attest that was recorded and is sent again', async () => {
      let recorded: AttestRequest | undefined
      const started = clock.now()
      await enrol(web, newKeys(), started, {
        request: (right) => {
          recorded = right
          return right
        },
      })
      await expectStatus(mesh.connect().call('Attest', recorded ?? {}), 'UNAUTHENTICATED')
      expect(await incidents()).to.deep.equal([])
    })
  })

  describe('a lost node key', () => {
    it('is replaced by a grant, and what it had is revoked', async () => {
      const [old, fresh] = [newKeys(), newKeys()]
      const started = clock.now()
      const before = await enrol(web, old, started)
      clock.skip(20 * minuteMs)
      await grant(web)
      const after = await enrol(web, fresh, started)
      await expectStatus(renewWith(mesh.connect(before), before), 'UNAUTHENTICATED')
      await renewWith(mesh.connect(after), after)
      expect(await incidents()).to.deep.equal([])
    })

    it('that comes back stops both', async () => {
      const [old, fresh] = [newKeys(), newKeys()]
      const started = clock.now()
      await enrol(web, old, started)
      await grant(web)
      const after = await enrol(web, fresh, started)
      await mesh.restart()
      admin = await mesh.admin()
      await expectStatus(enrol(web, old, started), 'PERMISSION_DENIED', /as good a right/)
      await expectStatus(renewWith(mesh.connect(after), after), 'UNAUTHENTICATED')
      const incident = await onlyIncident()
      expect(incident.kind).to.equal('two-claimants')
      expect(details(incident, 'node-key')).to.have.members([old, fresh].map((k) => sha256(k.spki)))
    })
  })
})
