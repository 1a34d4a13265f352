import { createHash, createSecretKey, randomBytes } from 'node:crypto'
import { access, readFile, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { issueJoinToken } from '../../src/attest/index.ts'
import { createCsr, decodeProfile, type Attribute } from '../../src/identity/index.ts'
import type { AttestRequest } from '../../src/rpc/generated/blazon/v1/AttestRequest.ts'
import {
  attestWith,
  encodeSubject,
  renewWith,
  type AttestAttempt,
} from '../support/enrolment-client.ts'
import { expectStatus } from '../support/expect-status.ts'
import { newKeys } from '../support/test-ca.ts'
import {
  createMovableClock,
  startTestController,
  testRule,
  type TestController,
} from '../support/test-controller.ts'

describe('controller: enrolment', function () {
  this.timeout(20_000)

  let mesh: TestController
  beforeEach(async () => {
    mesh = await startTestController()
    await mesh.apply(testRule)
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  it('issues an SVID whose profile says what the token and the rules say', async () => {
    const workload = await mesh.enrol('web')
    const profile = decodeProfile(workload.response.svid?.profile ?? Buffer.alloc(0))
    expect(profile.entries.get('label.join')).to.deep.equal({
      provenance: 'assigned',
      values: ['test'],
    })
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', { match: 'web' })
    expect(workloads).to.have.length(1)
    expect(workloads[0]?.spiffeId).to.equal('spiffe://acme.example/ns/default/workload/web')
    expect(workloads[0]?.generation).to.equal(1)
    expect(workloads[0]?.serial).to.equal(workload.serial)
  })

  it('reports what does not stand, and why', async () => {
    const claimed: Attribute[] = [
      { key: 'label.app', value: 'payments', provenance: 'assigned' },
      { key: 'aws.account', value: '123456789012', provenance: 'signed' },
      { key: 'image.name', value: 'nginx', provenance: 'observed' },
      { key: 'app.role', value: 'front', provenance: 'signed' },
    ]
    const { response } = await mesh.enrol('web', { attributes: claimed })
    const dropped = Object.fromEntries(response.dropped.map(({ key, reason }) => [key, reason]))
    expect(dropped).to.have.all.keys('label.app', 'aws.account', 'image.name')
    expect(dropped['image.name']).to.equal('enrolment rule test-nodes does not list this value')
    const profile = decodeProfile(response.svid?.profile ?? Buffer.alloc(0))
    expect(profile.entries.get('app.role')?.provenance).to.equal('claimed')
    expect(profile.entries.has('label.app')).to.equal(false)
  })

  it('refuses a token that another node key has used', async () => {
    const token = await mesh.token({ uses: 5 })
    await mesh.enrol('web', { token })
    await expectStatus(mesh.enrol('web', { token }), 'PERMISSION_DENIED', /another node key/)
  })

  it('takes as many node keys for a token as the rule says, and those again', async () => {
    await mesh.apply(testRule.replace('names:', 'keysPerNode: 2\n  names:'))
    const token = await mesh.token({ uses: 5 })
    const [first, second] = [newKeys(), newKeys()]
    for (const nodeKeys of [first, second, first, second]) {
      await mesh.enrol('web', { token, nodeKeys })
    }
    await expectStatus(mesh.enrol('web', { token }), 'PERMISSION_DENIED', /rules allow 2/)
    await mesh.apply(testRule)
    await mesh.enrol('web', { token, nodeKeys: second })
  })

  it('counts a workload of a node once, and refuses one beyond the uses', async () => {
    const token = await mesh.token({ uses: 1 })
    const nodeKeys = newKeys()
    await mesh.enrol('web', { token, nodeKeys })
    await mesh.enrol('web', { token, nodeKeys })
    await expectStatus(
      mesh.enrol('api', { token, nodeKeys }),
      'PERMISSION_DENIED',
      /good for 1 workloads/,
    )
  })

  it('admits one of many that come at once with a token for one, and none of the others', async () => {
    const token = await mesh.token({ uses: 1 })
    const own = await mesh.token()
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 8 }, () => mesh.enrol('web', { token })),
      mesh.enrol('api', { token: own }),
    ])
    const admitted = outcomes.map(({ status }) => status === 'fulfilled')
    expect(admitted.filter(Boolean)).to.have.length(2)
    expect(admitted.at(-1)).to.equal(true)
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', {})
    expect(workloads.map(({ name }) => name).toSorted()).to.deep.equal(['api', 'web'])
  })

  it('remembers a used token over a restart', async () => {
    const token = await mesh.token()
    const nodeKeys = newKeys()
    await mesh.enrol('web', { token, nodeKeys })
    await mesh.restart()
    await expectStatus(mesh.enrol('api', { token, nodeKeys }), 'PERMISSION_DENIED')
    await expectStatus(mesh.enrol('web', { token }), 'PERMISSION_DENIED', /another node key/)
  })

  it('gives a node that attests again the same workload, and another node another one', async () => {
    const nodeKeys = newKeys()
    const token = await mesh.token()
    await mesh.enrol('web', { nodeKeys, token })
    await mesh.enrol('web', { nodeKeys, token })
    await mesh.enrol('web')
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', { match: 'web' })
    expect(new Set(workloads.map(({ workloadId }) => workloadId)).size).to.equal(2)
  })

  it('uses a nonce once, whether the call succeeds or not', async () => {
    const client = mesh.connect()
    const { nonce } = await client.call('Challenge', {})
    const token = await mesh.token({ uses: 5 })
    const nodeKeys = newKeys()
    await attestWith(client, { token, name: 'web', nonce, nodeKeys })
    await expectStatus(
      attestWith(client, { token, name: 'api', nonce, nodeKeys }),
      'UNAUTHENTICATED',
    )

    const spent = (await client.call('Challenge', {})).nonce
    const wrong = { token, name: 'web', nonce: spent, nodeKeys, signedPurpose: 'renew' } as const
    await expectStatus(attestWith(client, wrong), 'UNAUTHENTICATED')
    await expectStatus(
      attestWith(client, { token, name: 'web', nonce: spent, nodeKeys }),
      'UNAUTHENTICATED',
    )
  })

  const otherSubject = (right: AttestRequest): AttestRequest => ({
    ...right,
    subject: encodeSubject('db', []),
  })
  const forgeries: Readonly<Record<string, Partial<AttestAttempt>>> = {
    'a nonce that was never given': { nonce: Buffer.alloc(32, 7) },
    'a signature for another purpose': { signedPurpose: 'renew' },
    'a signature for another controller': { controllerKeySha256: '00'.repeat(32) },
    'a signature for another trust domain': { trustDomain: 'evil.example' },
    'a subject that was not signed': { request: otherSubject },
    'evidence that was not signed': {
      request: (right) => ({ ...right, evidence: Buffer.alloc(0) }),
    },
    'a node key that did not sign': {
      request: (right) => ({ ...right, nodeKey: newKeys().spki }),
    },
    'a CSR that was not signed': {
      request: (right) => ({ ...right, csr: createCsr(newKeys().privateKey) }),
    },
    'a token that is none': { token: 'e30.e30.e30' },
  }
  it('refuses every forged proof in the same words', async () => {
    const token = await mesh.token({ uses: 100 })
    const answers = new Set<string>()
    for (const [what, forgery] of Object.entries(forgeries)) {
      const client = mesh.connect()
      await client.call('Challenge', {})
      const details = await expectStatus(
        attestWith(client, { token, name: 'web', ...forgery }),
        'UNAUTHENTICATED',
      )
      expect(details, what).to.match(/reference [0-9a-f]{8}/)
      answers.add(details.replace(/reference [0-9a-f]{8}/, 'reference'))
    }
    expect([...answers]).to.have.length(1)
  })

  it('refuses a token that this controller did not make', async () => {
    const { token } = await issueJoinToken({
      key: { keyId: 'another', secret: createSecretKey(randomBytes(32)) },
      trustDomain: 'acme.example',
      labels: { join: 'test' },
      ttlMs: 60_000,
      now: Date.now(),
    })
    await expectStatus(mesh.enrol('web', { token }), 'UNAUTHENTICATED')
  })

  it('refuses a name that no matching rule lists', async () => {
    await mesh.apply(testRule.replace("names: ['*']", 'names: [web]'))
    await mesh.enrol('web')
    await expectStatus(mesh.enrol('db'), 'PERMISSION_DENIED', /may not host .*"db"/)
  })

  for (const name of ['', '../web', 'a/b', 'Web', '/blazon/controller', 'x'.repeat(129)]) {
    it(`refuses ${JSON.stringify(name.slice(0, 20))} as a name`, async () => {
      await expectStatus(mesh.enrol(name), 'INVALID_ARGUMENT', /workload name/)
    })
  }

  it('admits nobody without a matching rule', async () => {
    const token = await mesh.token({ labels: { join: 'other' } })
    await expectStatus(mesh.enrol('web', { token }), 'PERMISSION_DENIED', /no enrolment rule/)
    await (await mesh.admin()).call('DeleteDocument', { kind: 'EnrolmentRule', name: 'test-nodes' })
    await expectStatus(mesh.enrol('web'), 'PERMISSION_DENIED', /no enrolment rule/)
  })

  it('refuses a key that was certified before', async () => {
    const workloadKeys = newKeys()
    await mesh.enrol('web', { workloadKeys })
    await expectStatus(mesh.enrol('api', { workloadKeys }), 'INVALID_ARGUMENT', /certified before/)
    await mesh.restart()
    await expectStatus(mesh.enrol('api', { workloadKeys }), 'INVALID_ARGUMENT', /certified before/)
  })

  it('refuses the node key as the key of a workload', async () => {
    const keys = newKeys()
    await expectStatus(
      mesh.enrol('web', { nodeKeys: keys, workloadKeys: keys }),
      'INVALID_ARGUMENT',
      /node key/,
    )
  })

  it('counts a refused enrolment against no token', async () => {
    const token = await mesh.token({ uses: 1 })
    const workloadKeys = newKeys()
    await mesh.enrol('api', { workloadKeys })
    await expectStatus(mesh.enrol('web', { token, workloadKeys }), 'INVALID_ARGUMENT')
    await mesh.enrol('web', { token })
  })

  describe('malformed requests', () => {
    const unknownField = Buffer.from([0xfa, 0x07, 0x01, 0x00])
    const cases: Readonly<Record<string, Buffer>> = {
      'an unknown field': unknownField,
      'a field in another wire type': Buffer.from([0x08, 0x01]),
      'a field that comes twice': Buffer.from([0x0a, 0x01, 0x00, 0x0a, 0x01, 0x00]),
      'a field that is cut off': Buffer.from([0x0a, 0x20, 0x00]),
    }
    for (const [what, bytes] of Object.entries(cases)) {
      it(`refuses ${what}`, async () => {
        await expectStatus(mesh.connect().callRaw('Attest', bytes), 'INVALID_ARGUMENT')
      })
    }

    it('refuses a nonce of another length', async () => {
      const client = mesh.connect()
      await client.call('Challenge', {})
      const token = await mesh.token()
      await expectStatus(
        attestWith(client, { token, name: 'web', nonce: Buffer.alloc(31) }),
        'INVALID_ARGUMENT',
        /32 bytes, got 31/,
      )
    })

    it('refuses a stranger more bytes than an enrolment can have', async () => {
      await expectStatus(
        mesh.connect().callRaw('Attest', Buffer.alloc(300 * 1024)),
        'RESOURCE_EXHAUSTED',
      )
    })
  })
})

describe('controller: enrolment rate', function () {
  this.timeout(20_000)

  it('refuses a source that calls too often, before anything is looked at', async () => {
    await using mesh = await startTestController({
      config: { limits: { enrolmentBurst: 3, enrolmentPerSecond: 0.001 } },
    })
    const client = mesh.connect()
    for (let call = 0; call < 3; call++) await client.call('Challenge', {})
    await expectStatus(client.call('Challenge', {}), 'RESOURCE_EXHAUSTED', /too many calls/)
    await expectStatus(client.callRaw('Attest', Buffer.alloc(0)), 'RESOURCE_EXHAUSTED')
  })

  it('bounds the challenges that are open', async () => {
    await using mesh = await startTestController({ config: { limits: { challenges: 2 } } })
    const client = mesh.connect()
    for (let call = 0; call < 2; call++) await client.call('Challenge', {})
    await expectStatus(client.call('Challenge', {}), 'RESOURCE_EXHAUSTED', /challenges are open/)
  })
})

describe('controller: challenges of callers it knows', function () {
  this.timeout(20_000)

  it('are not used up by strangers', async () => {
    await using mesh = await startTestController({ config: { limits: { challenges: 2 } } })
    await mesh.apply(testRule)
    const workload = await mesh.enrol('web')
    const stranger = mesh.connect()
    for (let call = 0; call < 2; call++) await stranger.call('Challenge', {})
    await expectStatus(stranger.call('Challenge', {}), 'RESOURCE_EXHAUSTED')
    await renewWith(mesh.connect(workload), workload)
  })

  it('are good for nobody else', async () => {
    await using mesh = await startTestController()
    await mesh.apply(testRule)
    const [web, db] = [await mesh.enrol('web'), await mesh.enrol('db')]
    const { nonce } = await mesh.connect(web).call('Challenge', {})
    const client = mesh.connect(db)
    await client.call('Challenge', {})
    await expectStatus(renewWith(client, db, { nonce }), 'UNAUTHENTICATED')
  })
})

describe('controller: first administrator', function () {
  this.timeout(20_000)

  it('keeps the secret in a file that only its owner reads, until it is used', async () => {
    await using mesh = await startTestController()
    const file = mesh.controller.secretFile ?? ''
    expect((await stat(file)).mode & 0o777).to.equal(0o600)
    await mesh.admin()
    const isThere = await access(file).then(
      () => true,
      () => false,
    )
    expect(isThere).to.equal(false)
  })

  it('takes the secret once, and never while there is an administrator', async () => {
    await using mesh = await startTestController()
    const csr = (): Buffer => createCsr(newKeys().privateKey)
    const client = mesh.connect()
    const guess = createHash('sha256').update('guess').digest('base64url')
    await expectStatus(
      client.call('ClaimAdministrator', { secret: guess, csr: csr(), name: 'eve' }),
      'UNAUTHENTICATED',
    )
    await mesh.admin()
    await expectStatus(
      client.call('ClaimAdministrator', { secret: guess, csr: csr(), name: 'eve' }),
      'FAILED_PRECONDITION',
    )
    await mesh.restart()
    expect(mesh.controller.secretFile).to.equal(undefined)
  })

  it('takes no secret a second time, not even once the administrator it made is gone', async () => {
    const clock = createMovableClock()
    await using mesh = await startTestController({ clock })
    const secret = await readFile(mesh.controller.secretFile ?? '', 'utf8')
    await mesh.admin()
    clock.skip(8 * 24 * 3_600_000)
    const csr = createCsr(newKeys().privateKey)
    const claim = mesh.connect().call('ClaimAdministrator', { secret, csr, name: 'eve' })
    await expectStatus(claim, 'FAILED_PRECONDITION', /was used/)
  })
})
