import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { parseOrigin } from '../../src/controller/index.ts'
import { eventually, expectStatus } from '../support/expect-status.ts'
import { gatewayClient, type GatewayAnswer, type GatewayClient } from '../support/gateway-client.ts'
import { startOidcIssuer, type TestOidcIssuer } from '../support/oidc-issuer.ts'
import {
  createMovableClock,
  createRecordingLogger,
  startTestController,
  testRule,
  type MovableClock,
  type TestController,
} from '../support/test-controller.ts'

const gateway = {
  listen: { host: '127.0.0.1', port: 0 },
  origins: [],
  certificate: undefined,
  plainHttp: false,
}

/** The cookie that an answer sets. */
function cookieOf({ headers }: GatewayAnswer): string {
  const [header = ''] = headers['set-cookie'] ?? []
  return /^__Host-blazon-session=([\w-]*);/.exec(header)?.[1] ?? ''
}

describe('gateway', function () {
  this.timeout(20_000)

  const log = createRecordingLogger()
  let clock: MovableClock
  let issuer: TestOidcIssuer
  let mesh: TestController
  let http: GatewayClient
  let cookie: string
  beforeEach(async () => {
    clock = createMovableClock()
    issuer = await startOidcIssuer()
    mesh = await startTestController({ config: { gateway, oidc: issuer.config() }, clock, log })
    const { gatewayAddress } = mesh.controller
    if (gatewayAddress === undefined) throw new Error('BUG: no gateway')
    http = gatewayClient(gatewayAddress, mesh.root)
    cookie = cookieOf(await http.call('sign-in', { secret: await newSecret() }))
  })
  afterEach(async () => {
    await mesh[Symbol.asyncDispose]()
    await issuer[Symbol.asyncDispose]()
  })

  const newLink = async (): Promise<string> =>
    (await (await mesh.admin()).call('CreateSignInLink', {})).url
  const newSecret = async (): Promise<string> => (await newLink()).split('#sign-in=')[1] ?? ''
  const signInAs = async (groups: string[]): Promise<string> => {
    const headers = { authorization: `Bearer ${await issuer.token({ groups })}` }
    return cookieOf(await http.call('sign-in', {}, undefined, headers))
  }

  it('leaves room for others where one address takes all the connections that it gets', async () => {
    const address = mesh.controller.gatewayAddress ?? gateway.listen
    const greedy = Array.from({ length: 1_000 }, () =>
      connect({ ...address, localAddress: '127.0.0.2' }).on('error', () => undefined),
    )
    await Promise.all(greedy.map((socket) => once(socket, 'connect')))
    expect((await http.call('session', {}, cookie)).status).to.equal(200)
    for (const socket of greedy) socket.destroy()
  })

  describe('signing in', () => {
    it('gives a cookie that is for this host, HTTPS and no script', async () => {
      const answer = await http.call('sign-in', { secret: await newSecret() })
      expect(answer.status).to.equal(200)
      expect(answer.json).to.deep.include({ name: 'ada', role: 'admin' })
      const [header = ''] = answer.headers['set-cookie'] ?? []
      expect(header).to.match(
        /^__Host-blazon-session=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
      )
      const session = await http.call('session', {}, cookieOf(answer))
      expect(session.json).to.deep.include({ name: 'ada', role: 'admin' })
    })

    it('puts the secret of a link into its fragment, behind the name that the gateway answers to', async () => {
      const url = new URL(await newLink())
      expect([url.origin, url.pathname, url.search]).to.deep.equal([http.origin, '/', ''])
      expect(url.hash).to.match(/^#sign-in=[\w-]{43}$/)
    })

    it('takes a secret once', async () => {
      const secret = await newSecret()
      expect((await http.call('sign-in', { secret })).status).to.equal(200)
      const again = await http.call('sign-in', { secret })
      expect([again.status, again.json['status']]).to.deep.equal([401, 'UNAUTHENTICATED'])
      expect(cookieOf(again)).to.equal('')
    })

    it('takes a secret for five minutes', async () => {
      const secret = await newSecret()
      clock.skip(5 * 60_000)
      expect((await http.call('sign-in', { secret })).status).to.equal(401)
    })

    it('takes no secret that was guessed, and not without end', async () => {
      const statuses: number[] = []
      for (let attempt = 0; attempt < 25; attempt++) {
        statuses.push((await http.call('sign-in', { secret: 'a'.repeat(43) })).status)
      }
      expect(statuses[0]).to.equal(401)
      expect(statuses.at(-1)).to.equal(429)
    })

    it('takes no secret in the address', async () => {
      const secret = await newSecret()
      for (const path of [`/api/v1/sign-in?secret=${secret}`, `/?sign-in=${secret}`]) {
        expect((await http.send({ path, body: '{}' })).status).to.equal(404)
      }
      expect((await http.call('sign-in', { secret })).status).to.equal(200)
    })

    it('takes a bearer token, and gives a session that ends with it', async () => {
      const exp = Math.floor(clock.now() / 1_000) + 300
      const headers = { authorization: `Bearer ${await issuer.token({ exp })}` }
      const session = cookieOf(await http.call('sign-in', {}, undefined, headers))
      expect((await http.call('Admin/Status', {}, session)).status).to.equal(200)
      clock.skip(300_000)
      expect((await http.call('Admin/Status', {}, session)).status).to.equal(401)
    })

    it('takes no certificate holder for longer than their certificate', async () => {
      expect((await http.call('Admin/Status', {}, cookie)).status).to.equal(200)
      clock.skip(8 * 3_600_000)
      expect((await http.call('Admin/Status', {}, cookie)).status).to.equal(401)
    })

    it('is not for a session: it cannot make itself a successor', async () => {
      const answer = await http.call('Admin/CreateSignInLink', {}, cookie)
      expect(answer.status).to.equal(404)
    })

    it('ends the session that the browser had before', async () => {
      const second = await http.call('sign-in', { secret: await newSecret() }, cookie)
      expect(second.status).to.equal(200)
      expect((await http.call('Admin/Status', {}, cookie)).status).to.equal(401)
    })

    it('leaves no secret in the log', async () => {
      const secret = await newSecret()
      await http.call('sign-in', { secret })
      const text = JSON.stringify(log.records)
      expect(text).to.not.contain(secret)
      expect(text).to.not.contain(cookie)
    })
  })

  describe('calls', () => {
    it('reach the handlers as the one who signed in', async () => {
      const applied = await http.call('Admin/Apply', { text: testRule }, cookie)
      expect(applied.status).to.equal(200)
      const listed = await http.call('Admin/ListDocuments', {}, cookie)
      const documents = listed.json['documents'] as { author: string }[]
      expect(documents.map(({ author }) => author)).to.deep.equal(['ada'])
      expect(listed.headers['content-type']).to.equal('application/json')
    })

    it('take a bearer token from programs, which have no origin', async () => {
      const headers = {
        authorization: `Bearer ${await issuer.token()}`,
        origin: undefined,
        'sec-fetch-site': undefined,
      }
      expect((await http.call('Admin/Status', {}, undefined, headers)).status).to.equal(200)
    })

    it('are refused without a session', async () => {
      for (const wrong of [undefined, 'x'.repeat(43), '']) {
        const answer = await http.call('Admin/Status', {}, wrong)
        expect([answer.status, answer.json['status']]).to.deep.equal([401, 'UNAUTHENTICATED'])
      }
    })

    it('need the role that the same call needs over gRPC', async () => {
      const viewer = await signInAs(['staff'])
      expect((await http.call('Admin/Status', {}, viewer)).status).to.equal(200)
      for (const [name, body] of [
        ['Apply', { text: testRule }],
        ['CreateJoinToken', {}],
        ['RevokeWorkload', { workload: 'web' }],
        ['RotateIssuer', {}],
        ['TaintIssuer', { keySha256: '00' }],
        ['SetLabels', { workload: 'web', set: [{ key: 'a', value: 'b' }] }],
      ] as const) {
        const answer = await http.call(`Admin/${name}`, body, viewer)
        expect([name, answer.status]).to.deep.equal([name, 403])
        expect(answer.json['status']).to.equal('PERMISSION_DENIED')
      }
      const audit = await http.call('Admin/ReadAudit', {}, viewer)
      expect(audit.status).to.equal(403)
    })

    it('are refused with the path of the field that is wrong', async () => {
      const answer = await http.call('Admin/SetLabels', { set: [{ key: 1 }] }, cookie)
      expect([answer.status, answer.json['message']]).to.deep.equal([
        400,
        'SetLabelsRequest.set[0].key: expected text, got number',
      ])
      const unknown = await http.call('Admin/Status', { verbose: true }, cookie)
      expect(unknown.json['message']).to.equal('StatusRequest.verbose: unknown field')
    })

    const bodies: Readonly<Record<string, string | Buffer>> = {
      'no JSON': '{',
      nothing: '',
      'two values': '{}{}',
      'bytes that are no UTF-8': Buffer.from([0x22, 0xff, 0x22]),
    }
    for (const [name, body] of Object.entries(bodies)) {
      it(`are refused with ${name} as their body`, async () => {
        const answer = await http.send({ path: '/api/v1/Admin/Status', cookie, body })
        expect(answer.status).to.equal(400)
      })
    }

    it('are refused with a body that is too large, announced or not', async () => {
      const body = JSON.stringify({ text: 'x'.repeat(6 * 1024 * 1024) })
      const path = '/api/v1/Admin/Apply'
      const announced = await http.send({ path, cookie, body }).catch((error: unknown) => error)
      expect(announced).to.satisfy(isTooLargeOrCut)
      const headers = { 'transfer-encoding': 'chunked' }
      const chunked = await http
        .send({ path, cookie, body, headers })
        .catch((error: unknown) => error)
      expect(chunked).to.satisfy(isTooLargeOrCut)
      expect((await http.call('Admin/Status', {}, cookie)).status).to.equal(200)
    })

    /** The answer, or an end of the connection that came before it could be read. */
    function isTooLargeOrCut(outcome: unknown): boolean {
      const { status, code } = outcome as { status?: number; code?: string }
      return status === 413 || code === 'ECONNRESET' || code === 'EPIPE'
    }
  })

  describe('attacks', () => {
    const path = '/api/v1/Admin/Apply'
    const body = JSON.stringify({ text: testRule })
    const unchanged = async (): Promise<void> => {
      const { documents } = await (await mesh.admin()).call('ListDocuments', {})
      expect(documents).to.deep.equal([])
    }

    const headers: Readonly<Record<string, readonly [number, Record<string, string | undefined>]>> =
      {
        'from another site': [403, { origin: 'https://evil.example' }],
        'from a site with our name in front': [403, { origin: 'https://localhost.evil.example' }],
        'from our host by plain HTTP': [403, { origin: 'http://localhost' }],
        'from another port of our host': [403, { origin: 'https://localhost:1' }],
        'from a sandboxed page': [403, { origin: 'null' }],
        'from nowhere, with the cookie': [403, { origin: undefined }],
        'which the browser says is from a subdomain': [403, { 'sec-fetch-site': 'same-site' }],
        'which the browser says is from another site': [403, { 'sec-fetch-site': 'cross-site' }],
        'from an address bar': [403, { 'sec-fetch-site': 'none' }],
        'for another host (DNS rebinding)': [421, { host: 'evil.example' }],
        'for our host without its port': [421, { host: 'localhost' }],
        'from an HTML form': [415, { 'content-type': 'application/x-www-form-urlencoded' }],
        'from an HTML form with files': [415, { 'content-type': 'multipart/form-data' }],
        'from an HTML form with plain text': [415, { 'content-type': 'text/plain' }],
        'with a type that only begins right': [415, { 'content-type': 'application/json-seq' }],
        'without a type': [415, { 'content-type': undefined }],
        'with a compressed body': [415, { 'content-encoding': 'gzip' }],
        'with a token beside the cookie': [400, { authorization: 'Bearer abc' }],
      }
    for (const [name, [status, change]] of Object.entries(headers)) {
      it(`refuses a call ${name}`, async () => {
        const answer = await http.send({ path, cookie, body, headers: change })
        expect(answer.status).to.equal(status)
        await unchanged()
      })
    }

    it('refuses the cookie twice, and under another name', async () => {
      const name = '__Host-blazon-session'
      for (const [cookies, status] of [
        [`${name}=${cookie}; ${name}=${cookie}`, 400],
        [`blazon-session=${cookie}`, 401],
        [`__Secure-blazon-session=${cookie}`, 401],
        [`${name.toLowerCase()}=${cookie}`, 401],
      ] as const) {
        const answer = await http.send({ path, body, headers: { cookie: cookies } })
        expect([cookies.length, answer.status]).to.deep.equal([cookies.length, status])
      }
      await unchanged()
    })

    it('refuses other methods of HTTP', async () => {
      for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
        const answer = await http.send({ method, path, cookie })
        expect([method, answer.status]).to.deep.equal([method, 405])
        expect(answer.headers['access-control-allow-origin']).to.equal(undefined)
      }
    })

    it('refuses a session in the address', async () => {
      const answer = await http.send({ path: `${path}?session=${cookie}`, body })
      expect(answer.status).to.equal(404)
    })

    for (const other of [
      'Enrolment/Challenge',
      'Enrolment/Attest',
      'Enrolment/ClaimAdministrator',
      'Mesh/Renew',
      'Mesh/Watch',
      'Mesh/IssueJwt',
      'Mesh/IssueWorkloadToken',
      'Admin/RenewAdministrator',
      'Admin/CreateSignInLink',
      'Admin/toString',
      'Admin/__proto__',
      'Admin/Status/',
      'Admin/status',
      'blazon.v1.Admin/Status',
      '../v1/Admin/Status',
    ]) {
      it(`does not serve ${other}`, async () => {
        expect((await http.call(other, {}, cookie)).status).to.equal(404)
      })
    }

    it('is answered by no handler without a caller', async () => {
      const { port } = mesh.controller.gatewayAddress ?? { port: 0 }
      const socket = connect({ host: '127.0.0.1', port })
      const answer = await new Promise<string>((resolve) => {
        socket.on('error', () => {
          resolve('')
        })
        socket.on('data', (data) => {
          resolve(data.toString())
        })
        socket.on('close', () => {
          resolve('')
        })
        socket.end('POST /api/v1/Admin/Status HTTP/1.1\r\nhost: localhost\r\n\r\n')
      })
      // Plain HTTP is not even understood.
      expect(answer).to.not.match(/^HTTP\/1.1 2/)
    })
  })

  describe('streams', () => {
    it('give the audit log as events, to its end', async () => {
      using events = await http.stream('Admin/ReadAudit', {}, cookie)
      expect(events.status).to.equal(200)
      const first = (await events.next()) ?? ''
      expect(first).to.match(/^data: \{"sequence":1,/)
      let last = first
      for (let event = await events.next(); event !== undefined; event = await events.next()) {
        last = event
      }
      expect(last).to.match(/^event: end/)
    })

    it('end when their session is signed out', async () => {
      using events = await http.stream('Admin/FollowFlows', {}, cookie)
      const signedOut = await http.call('sign-out', {}, cookie)
      expect(signedOut.headers['set-cookie']?.[0]).to.match(/^__Host-blazon-session=; .*Max-Age=0$/)
      expect(await events.next()).to.match(/^event: error\ndata: .*"UNAUTHENTICATED"/)
      expect(await events.next()).to.equal(undefined)
      expect((await http.call('Admin/Status', {}, cookie)).status).to.equal(401)
    })

    it('end when what their session was opened with ends', async () => {
      const exp = Math.floor(clock.now() / 1_000) + 300
      const headers = { authorization: `Bearer ${await issuer.token({ exp })}` }
      const session = cookieOf(await http.call('sign-in', {}, undefined, headers))
      using events = await http.stream('Admin/FollowFlows', {}, session)
      clock.skip(301_000)
      expect(await events.next()).to.match(/^event: error\ndata: .*"UNAUTHENTICATED"/)
    })

    it('end when the issuer of the certificate behind them is tainted', async () => {
      using events = await http.stream('Admin/FollowFlows', {}, cookie)
      const admin = await mesh.admin()
      const { issuers } = await admin.call('Status', {})
      const key = issuers.find(({ state }) => state === 'ACTIVE')?.keySha256 ?? ''
      const token = `Bearer ${await issuer.token()}`
      const headers = { authorization: token, origin: undefined, 'sec-fetch-site': undefined }
      const tainted = await http.call('Admin/TaintIssuer', { keySha256: key }, undefined, headers)
      expect(tainted.status).to.equal(200)
      expect(await events.next()).to.match(/^event: error\ndata: .*"UNAUTHENTICATED"/)
    })

    it('are refused as an answer and not as an event', async () => {
      const answer = await http.call('Admin/FollowFlows', { workload: 'nobody' }, cookie)
      expect([answer.status, answer.json['status']]).to.deep.equal([404, 'NOT_FOUND'])
    })
  })

  describe('pages', () => {
    it('come with headers that let nothing in from elsewhere', async () => {
      for (const path of ['/', '/sign-in.js', '/icon.svg']) {
        const { status, headers } = await http.send({ method: 'GET', path })
        expect(status).to.equal(200)
        expect(headers['content-security-policy']).to.match(
          /^default-src 'none'; script-src 'self'/,
        )
        expect(headers['content-security-policy']).to.match(/frame-ancestors 'none'/)
        expect(headers).to.deep.include({
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
        })
      }
      const { headers } = await http.call('Admin/Status', {}, cookie)
      expect(headers).to.deep.include({ 'cache-control': 'no-store' })
    })

    it('are for our own names only', async () => {
      const answer = await http.send({
        method: 'GET',
        path: '/',
        headers: { host: 'evil.example' },
      })
      expect(answer.status).to.equal(421)
    })
  })

  it('shows the certificate of today', async () => {
    const admin = await mesh.admin()
    await admin.call('RotateIssuer', {})
    await eventually(async () => {
      expect((await http.call('session', {}, cookie)).status).to.equal(200)
    })
  })
})

describe('gateway: where it listens', function () {
  this.timeout(20_000)

  it('is nowhere by default, and then gives no link', async () => {
    await using mesh = await startTestController()
    expect(mesh.controller.gatewayAddress).to.equal(undefined)
    const admin = await mesh.admin()
    await expectStatus(admin.call('CreateSignInLink', {}), 'FAILED_PRECONDITION', /GATEWAY_LISTEN/)
  })

  it('serves plain HTTP on loopback, where that is asked for', async () => {
    await using mesh = await startTestController({
      config: { gateway: { ...gateway, plainHttp: true } },
    })
    const http = gatewayClient(mesh.controller.gatewayAddress ?? gateway.listen)
    const { url } = await (await mesh.admin()).call('CreateSignInLink', {})
    expect(url).to.match(/^http:\/\/localhost:/)
    const [, secret = ''] = url.split('#sign-in=')
    const session = cookieOf(await http.call('sign-in', { secret }))
    expect((await http.call('Admin/Status', {}, session)).status).to.equal(200)
  })

  it('refuses plain HTTP beyond loopback', async () => {
    const everywhere = { ...gateway, listen: { host: '0.0.0.0', port: 0 }, plainHttp: true }
    const refusal = await startTestController({ config: { gateway: everywhere } }).catch(String)
    expect(refusal).to.match(/plain HTTP on loopback only/)
  })

  it('answers to the origins it is given, and puts the first into links', async () => {
    const origins = ['https://console.acme.example', 'https://other.acme.example:7444']
    await using mesh = await startTestController({ config: { gateway: { ...gateway, origins } } })
    const { url } = await (await mesh.admin()).call('CreateSignInLink', {})
    expect(new URL(url).origin).to.equal(origins[0])
    const http = gatewayClient(mesh.controller.gatewayAddress ?? gateway.listen, mesh.root)
    const page = { method: 'GET', path: '/' }
    expect((await http.send(page)).status).to.equal(421)
    const headers = { host: 'console.acme.example' }
    expect((await http.send({ ...page, headers })).status).to.equal(200)
  })

  for (const wrong of [
    'https://acme.example/',
    'https://acme.example/console',
    'http://acme.example',
    'acme.example',
    'https://ACME.example',
    'null',
  ]) {
    it(`takes no origin such as ${wrong}`, () => {
      expect(() => parseOrigin(wrong)).to.throw('expected')
    })
  }
})
