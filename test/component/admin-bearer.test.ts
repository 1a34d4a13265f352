import { generateKeyPairSync } from 'node:crypto'
import { Metadata } from '@grpc/grpc-js'
import { expect } from 'chai'
import { eventually, expectStatus } from '../support/expect-status.ts'
import {
  bearer,
  startOidcIssuer,
  type TestOidcIssuer,
  type TokenClaims,
} from '../support/oidc-issuer.ts'
import {
  createMovableClock,
  createRecordingLogger,
  startTestController,
  testRule,
  type TestController,
} from '../support/test-controller.ts'

describe('controller: bearer tokens', function () {
  this.timeout(20_000)

  const log = createRecordingLogger()
  const clock = createMovableClock()
  let issuer: TestOidcIssuer
  let mesh: TestController
  before(async () => {
    issuer = await startOidcIssuer()
    mesh = await startTestController({ config: { oidc: issuer.config() }, log, clock })
    await mesh.apply(testRule)
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
    await issuer[Symbol.asyncDispose]()
  })

  const status = (token: string): Promise<unknown> =>
    mesh.connect().call('Status', {}, bearer(token))

  it('let their holder in, with the strongest role that their claim stands for', async () => {
    const apply = { text: testRule, dryRun: true }
    const token = { name: 'CreateJoinToken', request: { uses: 1 } } as const
    const client = mesh.connect()
    const viewer = bearer(await issuer.token({ groups: ['staff', 'others'] }))
    await client.call('Status', {}, viewer)
    await expectStatus(client.call('Apply', apply, viewer), 'PERMISSION_DENIED', /editor/)
    const editor = bearer(await issuer.token({ groups: ['dev', 'staff'] }))
    await client.call('Apply', apply, editor)
    await expectStatus(client.call(token.name, token.request, editor), 'PERMISSION_DENIED')
    await client.call(token.name, token.request, bearer(await issuer.token({ groups: 'ops' })))
  })

  it('name their holder and the issuer as the author', async () => {
    const text = testRule.replace('test-nodes', 'by-token')
    const client = mesh.connect()
    await client.call('Apply', { text }, bearer(await issuer.token()))
    const { documents } = await client.call(
      'ListDocuments',
      { name: 'by-token' },
      bearer(await issuer.token()),
    )
    expect(documents[0]?.author).to.equal(`grace@acme.example (${new URL(issuer.url).host})`)
  })

  const nowSeconds = (): number => Math.floor(Date.now() / 1_000)
  const claims: Readonly<Record<string, () => TokenClaims>> = {
    'another audience': () => ({ aud: 'other' }),
    'no audience': () => ({ aud: undefined }),
    'another issuer': () => ({ iss: 'https://evil.example' }),
    'the issuer with a slash': () => ({ iss: `${issuer.url}/` }),
    'no issuer': () => ({ iss: undefined }),
    'an end in the past': () => ({ exp: nowSeconds() - 10 }),
    'no end': () => ({ exp: undefined }),
    'a beginning in the future': () => ({ nbf: nowSeconds() + 60 }),
    'no subject': () => ({ sub: undefined }),
    'an empty subject': () => ({ sub: '' }),
    'a subject of two lines': () => ({ sub: 'u-1\nroot', email: undefined }),
    'a subject without end': () => ({ sub: 'u'.repeat(257), email: undefined }),
  }
  for (const [name, change] of Object.entries(claims)) {
    it(`are refused with ${name}, and the wire does not say why`, async () => {
      const details = await expectStatus(status(await issuer.token(change())), 'UNAUTHENTICATED')
      expect(details).to.equal('this token is not accepted')
    })
  }

  it('are refused without a role, whatever else they say', async () => {
    for (const groups of [[], ['nobody'], undefined, 7, { admin: true }]) {
      await expectStatus(
        status(await issuer.token({ groups })),
        'PERMISSION_DENIED',
        /carries no role/,
      )
    }
  })

  it('are refused when signed by a key that is not the issuer’s', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await expectStatus(status(await issuer.token({}, { key: privateKey })), 'UNAUTHENTICATED')
  })

  it('are refused with an unknown key id, and the keys are not fetched for each of them', async () => {
    await status(await issuer.token())
    const before = issuer.keyRequests
    for (let attempt = 0; attempt < 5; attempt++) {
      const token = await issuer.token({}, { header: { kid: `other-${String(attempt)}` } })
      await expectStatus(status(token), 'UNAUTHENTICATED')
    }
    expect(issuer.keyRequests - before).to.be.at.most(1)
  })

  it('are refused when the public key was used as the secret of an HMAC', async () => {
    const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' })
    for (const secret of [
      Buffer.from(pem),
      issuer.publicKey.export({ type: 'spki', format: 'der' }),
    ]) {
      const token = await issuer.token({}, { header: { alg: 'HS256' }, key: secret })
      await expectStatus(status(token), 'UNAUTHENTICATED')
    }
  })

  it('are refused without a signature', async () => {
    const [, payload] = (await issuer.token()).split('.')
    for (const alg of ['none', 'None', 'NONE']) {
      const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT', kid: 'first' }))
      await expectStatus(
        status(`${header.toString('base64url')}.${payload ?? ''}.`),
        'UNAUTHENTICATED',
      )
    }
  })

  it('are refused when they are of another type', async () => {
    for (const typ of ['blazon-join+jwt', 'logout+jwt', 'dpop+jwt']) {
      await expectStatus(status(await issuer.token({}, { header: { typ } })), 'UNAUTHENTICATED')
    }
  })

  it('are refused when they are another family of our own', async () => {
    await expectStatus(status(await mesh.token()), 'UNAUTHENTICATED')
    const web = await mesh.enrol('web')
    const { token } = await mesh.connect(web).call('IssueJwt', { audience: ['blazon'] })
    await expectStatus(status(token), 'UNAUTHENTICATED')
  })

  for (const [name, value] of [
    ['another scheme', 'Basic YWRhOnB3'],
    ['nothing behind the scheme', 'Bearer'],
    ['no scheme', 'abc'],
  ] as const) {
    it(`are refused with ${name}`, async () => {
      const metadata = new Metadata()
      metadata.set('authorization', value)
      await expectStatus(mesh.connect().call('Status', {}, metadata), 'INVALID_ARGUMENT')
    })
  }

  it('are refused beside a certificate', async () => {
    const admin = await mesh.admin()
    const token = bearer(await issuer.token())
    await expectStatus(admin.call('Status', {}, token), 'UNAUTHENTICATED', /got both/)
    const web = await mesh.enrol('web-with-token')
    await expectStatus(mesh.connect(web).call('Status', {}, token), 'UNAUTHENTICATED', /got both/)
  })

  it('are good for the Admin service alone', async () => {
    const token = bearer(await issuer.token())
    await expectStatus(
      mesh.connect().call('IssueJwt', { audience: ['a'] }, token),
      'UNAUTHENTICATED',
    )
    const csr = Buffer.alloc(10)
    await expectStatus(
      mesh.connect().call('RenewAdministrator', { csr }, token),
      'PERMISSION_DENIED',
      /only a certificate/,
    )
  })

  it('are in no log', async () => {
    const token = await issuer.token()
    await status(token)
    await expectStatus(status(`${token}x`), 'UNAUTHENTICATED')
    const [, , signature = 'none'] = token.split('.')
    expect(JSON.stringify(log.records)).to.not.contain(signature)
  })

  it('end their streams when they end', async () => {
    const exp = Math.floor(clock.now() / 1_000) + 60
    const stream = mesh.connect().followFlows(bearer(await issuer.token({ exp })))
    const ended = new Promise<{ readonly details: string }>((resolve) => {
      stream.on('error', resolve)
    })
    stream.resume()
    await new Promise((resolve) => stream.once('metadata', resolve))
    clock.skip(61_000)
    expect((await ended).details).to.equal('this token is not accepted')
    clock.skip(-61_000)
  })
})

describe('controller: issuers of bearer tokens', function () {
  this.timeout(20_000)

  it('are not there by default', async () => {
    await using issuer = await startOidcIssuer()
    await using mesh = await startTestController()
    await expectStatus(
      mesh.connect().call('Status', {}, bearer(await issuer.token())),
      'UNAUTHENTICATED',
      /takes no tokens/,
    )
  })

  it('may set a type of their own, and then it counts', async () => {
    await using issuer = await startOidcIssuer()
    await using mesh = await startTestController({
      config: { oidc: issuer.config({ typ: 'at+jwt' }) },
    })
    const call = async (typ: string): Promise<unknown> =>
      mesh.connect().call('Status', {}, bearer(await issuer.token({}, { header: { typ } })))
    await call('at+jwt')
    await expectStatus(call('JWT'), 'UNAUTHENTICATED')
  })

  it('may hold roles deep in a claim', async () => {
    await using issuer = await startOidcIssuer()
    const roles = { claim: ['realm', 'roles'], admin: ['ops'] }
    await using mesh = await startTestController({ config: { oidc: issuer.config({ roles }) } })
    const call = async (claims: TokenClaims): Promise<unknown> =>
      mesh.connect().call('Status', {}, bearer(await issuer.token(claims)))
    await call({ realm: { roles: ['ops'] } })
    await expectStatus(call({ realm: ['ops'], roles: ['ops'] }), 'PERMISSION_DENIED')
  })

  it('may be found by another way only if they say who they are', async () => {
    await using issuer = await startOidcIssuer()
    await using mesh = await startTestController({ config: { oidc: issuer.config() } })
    issuer.answerDiscovery({ issuer: 'https://evil.example', jwks_uri: `${issuer.url}/keys` })
    await expectStatus(
      mesh.connect().call('Status', {}, bearer(await issuer.token())),
      'UNAVAILABLE',
      /cannot be fetched/,
    )
  })

  it('are not taken in without bound', async () => {
    await using issuer = await startOidcIssuer()
    await using mesh = await startTestController({ config: { oidc: issuer.config() } })
    issuer.padKeys(2 * 1024 * 1024)
    await expectStatus(
      mesh.connect().call('Status', {}, bearer(await issuer.token())),
      'UNAVAILABLE',
      /cannot be fetched/,
    )
    issuer.padKeys(0)
    await mesh.connect().call('Status', {}, bearer(await issuer.token()))
  })

  it('that are not there make a call fail, and are not asked at every call', async () => {
    const issuer = await startOidcIssuer()
    await using mesh = await startTestController({ config: { oidc: issuer.config() } })
    const token = bearer(await issuer.token())
    await issuer[Symbol.asyncDispose]()
    await eventually(async () => {
      await expectStatus(mesh.connect().call('Status', {}, token), 'UNAVAILABLE')
    })
  })
})
