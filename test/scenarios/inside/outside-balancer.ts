import type { RequestListener } from 'node:http'
import { expect } from 'chai'
import type { HostPort } from '../../../src/base/env.ts'
import { echoUpgrades, mirror, mirrored, valuesOf } from '../../support/http-mesh.ts'
import { startHttpServer } from '../../support/listening-server.ts'
import { startOutsideMesh, type OutsideMesh } from '../../support/outside-mesh.ts'
import { eventually } from '../../support/poll.ts'
import {
  bytesOf,
  callFrom,
  newTokenSigner,
  proofOf,
  senderOf,
  tokenLines,
  type Proving,
  type Sender,
  type SenderFaults,
  type WrittenRequest,
} from '../../support/relayed-requests.ts'
import { newKeys } from '../../support/test-ca.ts'

const balancer = '203.0.113.5'
const partner = '203.0.113.66'
const stranger = '198.51.100.7'

const services = `
kind: ExternalService
name: lb
spec: { cidrs: [${balancer}], l7: true }
---
kind: ExternalService
name: partner
spec: { cidrs: [${partner}] }
`
const allow = (name: string, from: string, more: string): string => `
---
kind: NetworkPolicy
name: ${name}
spec: { from: ${from}, to: { label.app: web }, ports: [tcp/PORT], action: allow, ${more} }
`
const lbConnects = allow(
  'lb-connects',
  '{ external: { name: lb } }',
  "encryption: optional, http: [{ paths: ['/health'] }]",
)
const shopReads = allow(
  'shop-reads',
  '{ label.app: shop }',
  'relay: trusted, http: [{ methods: [GET, POST] }]',
)

interface Fixture extends AsyncDisposable {
  readonly mesh: OutsideMesh
  readonly listener: HostPort
  readonly seen: string[]
  /** Senders as the application was told of them, by connection. */
  readonly senders: Map<unknown, Set<string>>
  setPolicy(text: string): Promise<void>
  sender(name: string, faults?: SenderFaults): Promise<Sender>
  /** The answer to bytes from an address. */
  exchange(bytes: string, from?: string): Promise<string>
  /** The answer to a request that the balancer passes on for a sender, and its reason where it is none of the application. */
  relay(sender: Sender, request?: WrittenRequest, proving?: Proving): Promise<string>
}

async function fixture(policy: string = lbConnects + shopReads): Promise<Fixture> {
  await using stack = new AsyncDisposableStack()
  const seen: string[] = []
  const senders: Fixture['senders'] = new Map()
  const onRequest: RequestListener = (request, response) => {
    const sender = String(request.headers['x-forwarded-client-cert'])
    senders.getOrInsertComputed(request.socket, () => new Set()).add(sender)
    seen.push(`${String(request.method)} ${String(request.url)}`)
    mirror(request, response)
  }
  const { server, port } = stack.use(await startHttpServer(onRequest))
  echoUpgrades(server)
  const mesh = stack.use(await startOutsideMesh({ ingress: [{ host: '127.0.0.1', port }] }))
  const [listener] = mesh.web.ingressAddresses
  if (listener === undefined) throw new Error('BUG: no listener')
  const setPolicy = async (text: string): Promise<void> => {
    await mesh.setPolicy((services + text).replaceAll('PORT', String(listener.port)))
  }
  await setPolicy(policy)
  const exchange = async (bytes: string, from = balancer): Promise<string> => {
    const call = callFrom(from, listener)
    call.write(bytes)
    const end = await call.ended
    call.end()
    return end === 'end' ? call.text() : end
  }
  const parts = stack.move()
  return {
    mesh,
    listener,
    seen,
    senders,
    setPolicy,
    exchange,
    sender: (name, faults) => senderOf(mesh.controller, name, faults),
    relay: async (sender, request = {}, proving = {}) =>
      await exchange(await relayed(sender, request, proving)),
    [Symbol.asyncDispose]: async () => {
      await parts.disposeAsync()
    },
  }
}

/** The bytes of a request with its tokens. */
async function relayed(
  sender: Sender,
  request: WrittenRequest = {},
  proving: Proving = {},
): Promise<string> {
  const lines = tokenLines(sender.token, await proofOf(sender, request, proving))
  return bytesOf({ ...request, lines: [...lines, ...(request.lines ?? [])] })
}

const reasonOf = (answer: string): string | undefined =>
  /^HTTP\/1\.1 [0-9]+ [^\r]*\r\nBlazon-Reason: ([a-z-]+)\r\n/.exec(answer)?.[1]
const isServed = (answer: string): boolean => answer.startsWith('HTTP/1.1 200 OK')

/** Waits until the sidecar has counted a refusal as a flow, and returns it. */
const refusedFlow = (test: Fixture, reason: string) =>
  eventually(`a flow ${reason}`, () =>
    test.mesh.controller.records.find(
      (record) => record.verdict === 'DENY' && record.reason === reason,
    ),
  )

describe('requests that a balancer passes on', function () {
  this.timeout(60_000)

  it('are decided on the workload that their token proves, and tell the application of it', async () => {
    await using test = await fixture()
    const shop = await test.sender('shop')
    const forged = [
      'X-Forwarded-Client-Cert: URI=spiffe://acme.example/admin',
      'X_Forwarded_Client_Cert: x',
    ]
    const seen = mirrored(await test.relay(shop, { target: '/a?b=c', lines: forged }))
    expect(seen.url).to.equal('/a?b=c')
    expect(valuesOf(seen, 'x-forwarded-client-cert')).to.deep.equal([`URI=${shop.spiffeId}`])
    for (const name of ['workload-identity-token', 'workload-proof-token']) {
      expect(valuesOf(seen, name)).to.deep.equal([])
    }
    const flow = await eventually('the flow', () =>
      test.mesh.controller.records.find(({ encryption }) => encryption === 'RELAYED'),
    )
    expect(flow).to.include({ peerSpiffeId: shop.spiffeId, peerWorkloadId: shop.workloadId })
    expect(flow).to.include({ verdict: 'ALLOW', policy: 'shop-reads', direction: 'INGRESS' })
  })

  it('go by that workload alone: another one is denied, whatever the balancer may', async () => {
    await using test = await fixture()
    const batch = await test.sender('batch')
    expect(reasonOf(await test.relay(batch, { target: '/health' }))).to.equal('no-policy-matched')
    const flow = await refusedFlow(test, 'no-policy-matched')
    expect(flow).to.include({ peerSpiffeId: batch.spiffeId, encryption: 'RELAYED' })
    const shop = await test.sender('shop')
    expect(reasonOf(await test.relay(shop, { method: 'DELETE' }))).to.equal('no-policy-matched')
    expect(test.seen).to.deep.equal([])
  })

  it('are let in without a token by http rules for the balancer, and by nothing else', async () => {
    await using test = await fixture()
    expect(isServed(await test.exchange(bytesOf({ target: '/health' })))).to.equal(true)
    expect(reasonOf(await test.exchange(bytesOf({})))).to.equal('token-missing')
    expect(await refusedFlow(test, 'token-missing')).to.include({ peerSpiffeId: 'external:lb' })
    await test.setPolicy(
      allow('lb-open', '{ external: { name: lb } }', 'encryption: optional') + shopReads,
    )
    expect(reasonOf(await test.exchange(bytesOf({})))).to.equal('token-missing')
    expect(isServed(await test.relay(await test.sender('shop')))).to.equal(true)
  })

  it('are read also where no policy has http rules on the port', async () => {
    await using test = await fixture(
      allow('lb-open', '{ external: { name: lb } }', 'encryption: optional') +
        allow('shop', '{ label.app: shop }', 'relay: trusted'),
    )
    expect(isServed(await test.relay(await test.sender('shop')))).to.equal(true)
    expect(reasonOf(await test.exchange(bytesOf({})))).to.equal('token-missing')
    expect(await test.exchange('SSH-2.0-x\r\n')).to.match(/^HTTP\/1\.1 400 Bad Request/)
  })

  it('meet encryption: required only where the policy trusts balancers', async () => {
    const strict = allow('shop-reads', '{ label.app: shop }', 'http: [{ methods: [GET] }]')
    await using test = await fixture(lbConnects + strict)
    const shop = await test.sender('shop')
    expect(reasonOf(await test.relay(shop))).to.equal('relay-untrusted')
    expect(await refusedFlow(test, 'relay-untrusted')).to.include({ policy: 'shop-reads' })
    const guardrail =
      '---\nkind: Guardrail\nname: g\nspec: { to: { label.app: web }, encryption: required'
    await test.setPolicy(`${lbConnects}${shopReads}${guardrail}, from: { label.app: shop } }\n`)
    expect(reasonOf(await test.relay(shop))).to.equal('relay-untrusted')
    await test.setPolicy(
      `${lbConnects}${shopReads}${guardrail}, from: { label.app: shop }, relay: trusted }\n`,
    )
    expect(isServed(await test.relay(shop))).to.equal(true)
  })

  it('count once: a proof that was used is refused, and so is a copy that overtakes it', async () => {
    await using test = await fixture()
    const bytes = await relayed(await test.sender('shop'))
    const answers = await Promise.all([test.exchange(bytes), test.exchange(bytes)])
    expect(answers.map((answer) => reasonOf(answer) ?? 'served').sort()).to.deep.equal([
      'proof-replayed',
      'served',
    ])
    expect(reasonOf(await test.exchange(bytes))).to.equal('proof-replayed')
    await refusedFlow(test, 'proof-replayed')
    expect(test.seen).to.have.length(1)
  })

  const wrong: Readonly<Record<string, readonly [WrittenRequest, Proving, string]>> = {
    'another method': [{ method: 'POST' }, { proven: { method: 'GET' } }, 'proof-mismatch'],
    'another host': [{ host: 'stock' }, { proven: { host: 'orders' } }, 'proof-mismatch'],
    'another path': [{ target: '/b' }, { proven: { target: '/a' } }, 'proof-mismatch'],
    'another query': [{ target: '/a?x=2' }, { proven: { target: '/a?x=1' } }, 'proof-mismatch'],
    'another body': [
      { method: 'POST', body: 'pay 100' },
      { proven: { body: 'pay 1' } },
      'proof-mismatch',
    ],
    'a body where there was none': [
      { method: 'POST', body: 'x' },
      { proven: { body: '' } },
      'proof-mismatch',
    ],
    'a short body that is proven as a long one': [
      { method: 'POST', body: 'x' },
      { isLong: true },
      'proof-mismatch',
    ],
    'no body that is proven as a long one': [{}, { isLong: true }, 'proof-mismatch'],
    'a proof of long ago': [{}, { now: Date.now() - 60_000 }, 'proof-expired'],
    'a proof to come': [{}, { now: Date.now() + 600_000 }, 'clock-skew'],
    'a proof by another key': [{}, { by: newKeys() }, 'proof-invalid'],
    'a proof about another token': [{}, { token: 'x' }, 'proof-invalid'],
  }
  for (const [what, [request, proving, reason]] of Object.entries(wrong)) {
    it(`are refused with ${what} (${reason})`, async () => {
      await using test = await fixture()
      expect(reasonOf(await test.relay(await test.sender('shop'), request, proving))).to.equal(
        reason,
      )
      expect(await refusedFlow(test, reason)).to.include({ peerSpiffeId: 'external:lb' })
      expect(test.seen).to.deep.equal([])
    })
  }

  it('are refused with a token of another signer, or one that has expired', async () => {
    await using test = await fixture()
    const signer = newTokenSigner()
    const known = { ...signer, keyId: test.mesh.controller.tokenKey.keyId }
    for (const each of [signer, known]) {
      const shop = await test.sender('shop', { signer: each })
      expect(reasonOf(await test.relay(shop))).to.equal('token-invalid')
    }
    const late = await test.sender('shop', { notAfter: Date.now() - 2_000 })
    expect(reasonOf(await test.relay(late))).to.equal('token-expired')
    await refusedFlow(test, 'token-expired')
    expect(test.seen).to.deep.equal([])
  })

  it('are refused once their token key, issuer or generation is withdrawn', async () => {
    await using test = await fixture()
    const { controller } = test.mesh
    const shop = await test.sender('shop')
    expect(isServed(await test.relay(shop))).to.equal(true)
    const { trust } = controller
    const denied = async (reason: string): Promise<void> => {
      await eventually(reason, async () => reasonOf(await test.relay(shop)) === reason)
    }
    const other = controller.ca.addIssuer({ state: 'active' })
    const states = new Map(controller.ca.bundle().issuers)
    const shopByOther = await test.sender('shop', { facts: { issuerKeySha256: other.keySha256 } })
    controller.setBundle({ ...trust, version: 2, issuers: states })
    await eventually('the new issuer', async () => isServed(await test.relay(shopByOther)))
    controller.setBundle({
      ...trust,
      version: 3,
      issuers: new Map([...states, [other.keySha256, 'tainted' as const]]),
    })
    await eventually(
      'the taint',
      async () => reasonOf(await test.relay(shopByOther)) === 'token-invalid',
    )
    expect(isServed(await test.relay(shop))).to.equal(true)
    controller.setBundle({ ...trust, version: 4, jwtKeys: [] })
    await denied('token-invalid')
    controller.setBundle({ ...trust, version: 5 })
    await eventually('the key again', async () => isServed(await test.relay(shop)))
    const { workloadId } = shop
    const untilMs = Date.now() + 3_600_000
    controller.setFloors([{ workloadId, lowestGoodGeneration: 2, untilMs }])
    await denied('below-floor')
  })

  it('say nothing by a token from whoever is no balancer', async () => {
    await using test = await fixture(
      lbConnects +
        shopReads +
        allow(
          'partner',
          '{ external: { name: partner } }',
          "encryption: optional, http: [{ paths: ['/p'] }]",
        ),
    )
    const shop = await test.sender('shop')
    const bytes = await relayed(shop, { target: '/a' })
    expect(reasonOf(await test.exchange(bytes, partner))).to.equal('no-policy-matched')
    const passed = mirrored(await test.exchange(await relayed(shop, { target: '/p' }), partner))
    for (const name of [
      'x-forwarded-client-cert',
      'workload-identity-token',
      'workload-proof-token',
    ]) {
      expect(valuesOf(passed, name)).to.deep.equal([])
    }
    // Closed without a word, as whatever is no tunnel.
    expect(await test.exchange(await relayed(shop), stranger)).to.equal('')
    expect(test.seen).to.deep.equal(['GET /p'])
    const flow = await refusedFlow(test, 'no-policy-matched')
    expect(flow).to.include({ peerSpiffeId: 'external:partner', encryption: 'OPTIONAL' })
  })

  it('are refused where a token comes twice, without its other, or too long', async () => {
    await using test = await fixture()
    const shop = await test.sender('shop')
    const batch = await test.sender('batch')
    const proof = (): Promise<string> => proofOf(shop, {})
    const identity = (token: string): string => `Workload-Identity-Token: ${token}`
    const cases: readonly (readonly [lines: readonly string[], reason: string])[] = [
      [[identity(batch.token), ...tokenLines(shop.token, await proof())], 'token-invalid'],
      [[...tokenLines(shop.token, await proof()), identity(shop.token)], 'token-invalid'],
      [
        [...tokenLines(shop.token, await proof()), `workload-proof-token: ${await proof()}`],
        'proof-invalid',
      ],
      [[identity(shop.token)], 'proof-invalid'],
      [[`Workload-Proof-Token: ${await proof()}`], 'token-invalid'],
      [tokenLines(`${shop.token}, ${shop.token}`, await proof()), 'token-invalid'],
      [tokenLines(`${shop.token}${'A'.repeat(7_200)}`, await proof()), 'token-invalid'],
      [tokenLines(shop.token, `${await proof()}${'A'.repeat(2_100)}`), 'proof-invalid'],
    ]
    for (const [lines, reason] of cases) {
      expect(reasonOf(await test.exchange(bytesOf({ lines }))), lines.join()).to.equal(reason)
    }
    const huge = tokenLines(shop.token, 'A'.repeat(20_000))
    expect(await test.exchange(bytesOf({ lines: huge }))).to.match(/^HTTP\/1\.1 400 /)
    expect(test.seen).to.deep.equal([])
  })

  it('are not proven by other spellings, trailers or what Connection names', async () => {
    await using test = await fixture()
    const shop = await test.sender('shop')
    const proof = await proofOf(shop, {})
    const spelled = [`Workload_Identity_Token: ${shop.token}`, `Workload_Proof_Token: ${proof}`]
    expect(reasonOf(await test.exchange(bytesOf({ lines: spelled })))).to.equal('token-missing')
    const named = [...tokenLines(shop.token, proof), 'Connection: close, Workload-Identity-Token']
    const answer = await test.exchange(bytesOf({ lines: named, close: false }))
    expect(answer).to.match(/^HTTP\/1\.1 400 Bad Request\r\nBlazon-Reason: connection/)
    const trailers = tokenLines(shop.token, proof).join('\r\n')
    const chunked = bytesOf({
      method: 'POST',
      target: '/health',
      lines: ['Transfer-Encoding: chunked'],
    })
    const seen = mirrored(await test.exchange(`${chunked}0\r\n${trailers}\r\nX-A: b\r\n\r\n`))
    expect(seen.rawTrailers.map((each) => each.toLowerCase())).to.deep.equal(['x-a', 'b'])
    const both = mirrored(await test.relay(shop, { lines: spelled }))
    expect(valuesOf(both, 'workload-identity-token')).to.deep.equal([])
    expect(valuesOf(both, 'x-forwarded-client-cert')).to.deep.equal([`URI=${shop.spiffeId}`])
  })

  it('pass with their body: short ones once it is proven, long ones as they come', async () => {
    await using test = await fixture()
    const shop = await test.sender('shop')
    const post = { method: 'POST', body: 'x'.repeat(1_048_576) }
    expect(mirrored(await test.relay(shop, post)).body).to.equal(post.body)
    const long = { method: 'POST', body: 'y'.repeat(3_000_000) }
    expect(mirrored(await test.relay(shop, long, { isLong: true })).body).to.equal(long.body)
    const claimed = await test.relay(shop, long)
    expect(reasonOf(claimed)).to.equal('proof-mismatch')
    const chunked = async (body: string, isLong: boolean): Promise<string> => {
      const proven = { method: 'POST', body }
      const lines = tokenLines(shop.token, await proofOf(shop, proven, { isLong }))
      const head = bytesOf({ method: 'POST', lines: [...lines, 'Transfer-Encoding: chunked'] })
      return `${head}${body.length.toString(16)}\r\n${body}\r\n0\r\nX-A: b\r\n\r\n`
    }
    for (const [body, isLong] of [
      ['z', false],
      ['z'.repeat(2_000_000), true],
    ] as const) {
      const seen = mirrored(await test.exchange(await chunked(body, isLong)))
      expect(seen.body).to.equal(body)
      expect(seen.rawTrailers).to.deep.equal(
        ['X-A', 'b'].map((each, at) => (at === 0 ? each.toLowerCase() : each)),
      )
    }
  })

  it('are each decided alone on a connection that the balancer keeps for all', async () => {
    await using test = await fixture()
    const [shop, batch] = [await test.sender('shop'), await test.sender('batch')]
    const call = callFrom(balancer, test.listener)
    const kept = { close: false }
    const answers = (): string[] => call.text().match(/HTTP\/1\.1 [0-9]+/g) ?? []
    const next = async (bytes: string): Promise<string | undefined> => {
      const before = answers().length
      call.write(bytes)
      await eventually('an answer', () => answers().length > before)
      return answers().at(-1)
    }
    expect(await next(await relayed(shop, kept))).to.equal('HTTP/1.1 200')
    expect(await next(bytesOf(kept))).to.equal('HTTP/1.1 403')
    expect(await next(await relayed(batch, kept))).to.equal('HTTP/1.1 403')
    expect(await next(await relayed(shop, kept))).to.equal('HTTP/1.1 200')
    await test.setPolicy(lbConnects + shopReads.replace('label.app: shop', 'label.app: batch'))
    expect(await next(await relayed(shop, kept))).to.equal('HTTP/1.1 403')
    expect(await next(await relayed(batch, kept))).to.equal('HTTP/1.1 200')
    const pair = (await relayed(batch, kept)) + (await relayed(shop, kept))
    const before = answers().length
    call.write(pair)
    await eventually('both answers', () => answers().length === before + 2)
    expect(answers().slice(-2)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 403'])
    await test.setPolicy(
      lbConnects + shopReads.replace('label.app: shop', 'label.app: [shop, batch]'),
    )
    const three =
      (await relayed(batch, kept)) + (await relayed(shop, kept)) + (await relayed(batch, kept))
    call.write(three)
    await eventually('all three', () => answers().length === before + 5)
    expect(answers().slice(-3)).to.deep.equal(Array(3).fill('HTTP/1.1 200'))
    for (const each of test.senders.values()) expect(each.size).to.equal(1)
    call.end()
    await call.ended
  })

  it('are cut while they are under way, once their workload is revoked', async () => {
    await using test = await fixture()
    const shop = await test.sender('shop')
    const upgrade = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ]
    const call = callFrom(balancer, test.listener)
    call.write(await relayed(shop, { lines: upgrade, close: false }))
    await eventually('the upgrade', () => call.text().includes('101 Switching'))
    call.write('hello')
    await eventually('the echo', () => call.text().endsWith('hello'))
    const { workloadId } = shop
    const untilMs = Date.now() + 3_600_000
    test.mesh.controller.setFloors([{ workloadId, lowestGoodGeneration: 2, untilMs }])
    expect(await call.ended).to.equal('ECONNRESET')
  })

  it('are new to whoever takes nothing new, also on a connection that is open', async () => {
    await using test = await fixture()
    const shop = await test.sender('shop')
    const call = callFrom(balancer, test.listener)
    const next = async (): Promise<string> => {
      const before = call.text().length
      call.write(await relayed(shop, { close: false }))
      await eventually('an answer', () => call.text().length > before)
      return call.text().slice(before)
    }
    expect(isServed(await next())).to.equal(true)
    const specJson = Buffer.from('{"onReject":"deny-new"}')
    const unknown = { kind: 'Unknown', name: 'x', namespace: '/', revision: 2, specJson }
    test.mesh.controller.setDocuments([unknown])
    await eventually('the rejection', () => test.mesh.controller.rejected.length > 0)
    expect(reasonOf(await next())).to.equal('policy-stale')
    call.end()
    await call.ended
  })

  it('raise the alerts of guardrails about their workload', async () => {
    const guardrail =
      '---\nkind: Guardrail\nname: seen\nspec: { from: { label.app: shop }, action: alert }\n'
    await using test = await fixture(lbConnects + shopReads + guardrail)
    const shop = await test.sender('shop')
    expect(isServed(await test.relay(shop))).to.equal(true)
    const alert = await eventually('the alert', () =>
      test.mesh.log.records.find(({ guardrail: name }) => name === 'seen'),
    )
    expect(alert).to.include({ peer: shop.spiffeId })
  })

  it('are not passed on unread by a connection from before the service was a balancer', async () => {
    await using test = await fixture()
    const plain = (
      services + allow('lb-open', '{ external: { name: lb } }', 'encryption: optional')
    )
      .replace(', l7: true', '')
      .replaceAll('PORT', String(test.listener.port))
    await test.mesh.setPolicy(plain)
    const call = callFrom(balancer, test.listener)
    call.write(bytesOf({ close: false }))
    await eventually('an answer', () => call.text().includes('200 OK'))
    await test.setPolicy(allow('lb-open', '{ external: { name: lb } }', 'encryption: optional'))
    expect(await call.ended).to.equal('ECONNRESET')
    const last = test.mesh.log.of('connection').at(-1)
    expect(last).to.include({ verdict: 'deny', reason: 'http-required' })
  })
})
