import { expect } from 'chai'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { mirror, mirrored, requestTo, valuesOf, keptRequest } from '../../support/http-mesh.ts'
import { startHttpServer } from '../../support/listening-server.ts'
import { startOutsideMesh, type OutsideMesh } from '../../support/outside-mesh.ts'
import { eventually } from '../../support/poll.ts'

const partner = '203.0.113.5'

interface Fixture extends AsyncDisposable {
  readonly mesh: OutsideMesh
  readonly server: Server
  /** Puts rules in force for the service that `partner` belongs to. */
  allow(http: string): Promise<void>
  call(bytes: string): { text(): string; readonly ended: Promise<unknown>; end(): void }
}

async function fixture(): Promise<Fixture> {
  await using stack = new AsyncDisposableStack()
  const { server, port } = stack.use(await startHttpServer(mirror))
  const mesh = stack.use(await startOutsideMesh({ ingress: [{ host: '127.0.0.1', port }] }))
  const [listener] = mesh.web.ingressAddresses
  if (listener === undefined) throw new Error('BUG: no listener')
  const parts = stack.move()
  return {
    mesh,
    server,
    allow: async (http) => {
      await mesh.setPolicy(`
kind: ExternalService
name: partner
spec: { cidrs: [203.0.113.0/26] }
---
kind: NetworkPolicy
name: partner-to-web
spec:
  from: { external: { name: partner } }
  to: { label.app: web }
  ports: [tcp/${String(listener.port)}]
  ${http}
  action: allow
  encryption: optional
`)
    },
    call: (bytes) => {
      const socket = connect({ ...listener, localAddress: partner, allowHalfOpen: true })
      const received: Buffer[] = []
      socket.on('data', (chunk: Buffer) => received.push(chunk))
      const ended = new Promise((resolve) => {
        socket.on('end', () => {
          resolve('end')
        })
        socket.on('error', resolve)
      })
      socket.write(bytes)
      return {
        text: () => Buffer.concat(received).toString(),
        ended,
        end: () => socket.end(),
      }
    },
    [Symbol.asyncDispose]: async () => {
      await parts.disposeAsync()
    },
  }
}

describe('requests of a peer outside the mesh, in clear', function () {
  this.timeout(30_000)

  it('are decided one by one, and bring no identity with them, true or forged', async () => {
    await using test = await fixture()
    await test.allow('http: [{ methods: [GET] }]')
    const forged = 'X-Forwarded-Client-Cert: URI=spiffe://blazon.test/workload/admin'
    const allowed = test.call(requestTo('/a', 'GET', forged))
    expect(await allowed.ended).to.equal('end')
    expect(valuesOf(mirrored(allowed.text()), 'x-forwarded-client-cert')).to.deep.equal([])
    allowed.end()
    const denied = test.call(requestTo('/a', 'DELETE'))
    expect(await denied.ended).to.equal('end')
    expect(denied.text()).to.match(/^HTTP\/1\.1 403 Forbidden\r\nBlazon-Reason: no-policy-matched/)
    denied.end()
    const { records } = test.mesh.controller
    const refused = await eventually('the record', () =>
      records.find(({ verdict }) => verdict === 'DENY'),
    )
    expect(refused).to.include({ peerSpiffeId: 'external:partner', encryption: 'OPTIONAL' })
  })

  it('are refused where they are none, and never passed on unread', async () => {
    await using test = await fixture()
    await test.allow('http: [{ methods: [GET] }]')
    const strange = test.call('SSH-2.0-x\r\n')
    expect(await strange.ended).to.equal('end')
    expect(strange.text()).to.match(/^HTTP\/1\.1 400 Bad Request/)
    strange.end()
  })

  it('are read as soon as the port is in HTTP mode: what was not is cut', async () => {
    await using test = await fixture()
    await test.allow('')
    const open = test.call(keptRequest('/a'))
    await eventually('an answer', () => open.text().includes('200 OK'))
    await test.allow('http: [{ methods: [GET] }]')
    expect(await open.ended)
      .to.be.instanceOf(Error)
      .with.property('code', 'ECONNRESET')
    const last = test.mesh.log.of('connection').at(-1)
    expect(last).to.include({ verdict: 'deny', reason: 'http-required' })
  })
})
