import { hash } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { expect } from 'chai'
import type { HostPort } from '../../../src/base/env.ts'
import { verifyProof } from '../../../src/sidecar/relayed/proof-token.ts'
import { createTokenReader } from '../../../src/sidecar/relayed/token-reader.ts'
import { mirror, mirrored, valuesOf, type Mirrored } from '../../support/http-mesh.ts'
import { startHttpServer } from '../../support/listening-server.ts'
import { startOutsideMesh, type OutsideMesh } from '../../support/outside-mesh.ts'
import { eventually } from '../../support/poll.ts'
import { bytesOf, callFrom, type WrittenRequest } from '../../support/relayed-requests.ts'

const address = '203.0.113.5'

interface Fixture extends AsyncDisposable {
  readonly mesh: OutsideMesh
  /** Requests that the balancer has got. */
  readonly seen: string[]
  exchange(request: WrittenRequest | string): Promise<string>
  allow(service?: string): Promise<void>
  readonly entrance: HostPort
}

async function fixture(): Promise<Fixture> {
  await using stack = new AsyncDisposableStack()
  const seen: string[] = []
  const onRequest: RequestListener = (request, response) => {
    seen.push(`${String(request.method)} ${String(request.url)}`)
    mirror(request, response)
  }
  const { port } = stack.use(await startHttpServer(onRequest, address))
  const mesh = stack.use(await startOutsideMesh({ egress: [{ host: address, port }] }))
  const [entrance] = mesh.entrances
  if (entrance === undefined) throw new Error('BUG: no entrance')
  const allow = async (service = 'l7: true'): Promise<void> => {
    await mesh.setPolicy(`
kind: ExternalService
name: lb
spec: { cidrs: [${address}], ports: [tcp/${String(port)}], ${service} }
---
kind: NetworkPolicy
name: web-to-lb
spec: { from: { label.app: web }, to: { external: { name: lb } }, action: allow, encryption: optional }
`)
  }
  await allow()
  const parts = stack.move()
  return {
    mesh,
    seen,
    entrance,
    allow,
    exchange: async (request) => {
      const call = callFrom('127.0.0.1', entrance)
      call.write(typeof request === 'string' ? request : bytesOf(request))
      const end = await call.ended
      call.end()
      return end === 'end' ? call.text() : end
    },
    [Symbol.asyncDispose]: async () => {
      await parts.disposeAsync()
    },
  }
}

/** What an ingress makes of the tokens of a request that a balancer has got. */
async function readTokens(test: Fixture, seen: Mirrored, method: string, host: string) {
  const [identity = '', ...others] = valuesOf(seen, 'workload-identity-token')
  const [proof = '', ...more] = valuesOf(seen, 'workload-proof-token')
  expect([others, more]).to.deep.equal([[], []])
  const now = Date.now()
  const read = await createTokenReader(() => test.mesh.controller.trust).read(identity, now)
  if (!read.ok) throw new Error(read.detail)
  const request = { method, host, target: seen.url }
  const verdict = await verifyProof(proof, { holder: read.holder, request, now })
  if (!verdict.ok) throw new Error(verdict.detail)
  return { holder: read.holder, proof: verdict.proof }
}

const sha256 = (text: string): string => hash('sha256', text, 'base64url')

describe('requests to a balancer', function () {
  this.timeout(60_000)

  it('carry the token of the workload and a proof of each, in place of what the program sent', async () => {
    await using test = await fixture()
    const lines = [
      'Workload-Identity-Token: forged',
      'workload_identity_token: forged',
      'Workload-Proof-Token: forged',
      'Workload_Proof_Token: forged',
      'X-Forwarded-Client-Cert: URI=spiffe://acme.example/admin',
    ]
    const request = {
      method: 'POST',
      host: 'Orders:8080',
      target: '/a/b?c=d',
      body: 'hello',
      lines,
    }
    const seen = mirrored(await test.exchange(request))
    const { holder, proof } = await readTokens(test, seen, 'POST', 'orders')
    expect(holder.spiffeId).to.equal(test.mesh.web.spiffeId())
    expect(holder.profile.entries.get('label.app')?.values).to.deep.equal(['web'])
    expect(proof.bodyHash).to.equal(sha256('hello'))
    expect(seen.body).to.equal('hello')
    expect(valuesOf(seen, 'x-forwarded-client-cert')).to.deep.equal([])
    const again = await readTokens(test, mirrored(await test.exchange(request)), 'POST', 'orders')
    expect(again.proof.id).to.not.equal(proof.id)
    expect(again.holder.tokenHash).to.equal(holder.tokenHash)
    const flow = await eventually('the flow', () =>
      test.mesh.controller.records.find(({ verdict }) => verdict === 'ALLOW'),
    )
    expect(flow).to.include({ direction: 'EGRESS', peerSpiffeId: 'external:lb' })
  })

  it('are counted in the direction in which they went', async () => {
    await using test = await fixture()
    const request = bytesOf({ method: 'POST', body: 'x'.repeat(5_000) })
    const answer = await test.exchange(request)
    const flow = await eventually('the bytes', () =>
      test.mesh.controller.records.find(({ bytesSent }) => bytesSent > 0),
    )
    expect(flow.bytesSent).to.equal(request.length)
    expect(flow.bytesReceived).to.equal(answer.length)
  })

  it('are proven with their body up to 1 MiB, and without it beyond', async () => {
    await using test = await fixture()
    const most = 'x'.repeat(1_048_576)
    for (const body of ['', most]) {
      const seen = mirrored(await test.exchange({ method: 'POST', body }))
      expect(seen.body).to.equal(body)
      const { proof } = await readTokens(test, seen, 'POST', 'orders')
      expect(proof.bodyHash).to.equal(sha256(body))
    }
    const body = `${most}y`
    const chunked = bytesOf({ method: 'POST', lines: ['Transfer-Encoding: chunked'] })
    const size = body.length.toString(16)
    for (const bytes of [
      bytesOf({ method: 'POST', body }),
      `${chunked}${size}\r\n${body}\r\n0\r\nWorkload-Identity-Token: forged\r\n\r\n`,
    ]) {
      const seen = mirrored(await test.exchange(bytes))
      expect(seen.body).to.equal(body)
      expect(seen.rawTrailers).to.deep.equal([])
      const { proof } = await readTokens(test, seen, 'POST', 'orders')
      expect(proof.bodyHash).to.equal(undefined)
    }
  })

  it('do not leave without a token, and get one as soon as there is one', async () => {
    await using test = await fixture()
    const { controller } = test.mesh
    controller.refuseTokens = true
    controller.renewNow()
    controller.workload('web').generation = 2
    await eventually('the token that says what the workload is no more', async () => {
      const answer = await test.exchange({})
      return answer.startsWith('HTTP/1.1 503') && answer.includes('token-unavailable')
    })
    const before = test.seen.length
    const flow = await eventually('the flow', () =>
      controller.records.find(({ reason }) => reason === 'token-unavailable'),
    )
    expect(flow).to.include({ verdict: 'DENY', peerSpiffeId: 'external:lb' })
    expect(test.seen).to.have.length(before)
    controller.refuseTokens = false
    await eventually('a request that leaves', async () =>
      (await test.exchange({})).startsWith('HTTP/1.1 200'),
    )
  })

  it('go on while the controller is away', async () => {
    await using test = await fixture()
    expect(await test.exchange({})).to.match(/^HTTP\/1\.1 200 OK/)
    await test.mesh.controller.stop()
    const seen = mirrored(await test.exchange({ target: '/b' }))
    expect(seen.url).to.equal('/b')
  })

  it('are refused where they are none, and nothing of it leaves', async () => {
    await using test = await fixture()
    expect(await test.exchange('\x16\x03\x01\x00\x05hello')).to.match(/^HTTP\/1\.1 400 /)
    expect(await test.exchange('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).to.match(/^HTTP\/1\.1 400 /)
    expect(
      await test.exchange({ lines: ['Connection: Workload-Proof-Token'], close: false }),
    ).to.match(/^HTTP\/1\.1 400 Bad Request\r\nBlazon-Reason: connection/)
    expect(test.seen).to.deep.equal([])
  })

  it('end with the policy: the next one is not sent, and no token is, where it is no balancer', async () => {
    await using test = await fixture()
    const call = callFrom('127.0.0.1', test.entrance)
    call.write(bytesOf({ close: false }))
    await eventually('an answer', () => call.text().includes('200 OK'))
    await test.allow('l7: false')
    call.write(bytesOf({ target: '/plain' }))
    expect(await call.ended).to.equal('end')
    const seen = mirrored(call.text().slice(call.text().lastIndexOf('HTTP/1.1')))
    expect(seen.url).to.equal('/plain')
    expect(valuesOf(seen, 'workload-identity-token')).to.deep.equal([])
    call.end()
    const open = callFrom('127.0.0.1', test.entrance)
    open.write(bytesOf({ close: false }))
    await eventually('an answer unread', () => open.text().includes('200 OK'))
    await test.allow()
    expect(await open.ended).to.equal('ECONNRESET')
    expect(test.mesh.log.of('connection').at(-1)).to.include({ reason: 'http-required' })
    await test.mesh.setPolicy('')
    expect(await test.exchange({})).to.be.oneOf(['ECONNRESET', 'close'])
  })
})
