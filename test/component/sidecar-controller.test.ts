import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { silentLogger, type Logger } from '../../src/base/logger.ts'
import type { HostPort } from '../../src/base/env.ts'
import type { Sidecar } from '../../src/sidecar/index.ts'
import { testTrustDomain } from '../support/enrolment-client.ts'
import {
  connectClient,
  recordingLogger,
  startApplication,
  startTestSidecar,
  temporaryDirectory,
  type TestApplication,
  type TestClient,
} from '../support/mesh-fixture.ts'
import { bestOf } from '../support/best-of.ts'
import { openGate, type Gate } from '../support/gate.ts'
import { eventually } from '../support/poll.ts'
import { startTestController, testRule, type TestController } from '../support/test-controller.ts'

interface RealMesh extends AsyncDisposable {
  readonly controller: TestController
  /** The way of `web` to the controller. */
  readonly gate: Gate
  readonly application: TestApplication
  readonly web: Sidecar
  readonly db: Sidecar
  readonly entrance: HostPort
  readonly port: number
}

const labels = `
kind: LabelAssignment
name: web
spec: { select: { label.host: web }, labels: { label.app: web } }
---
kind: LabelAssignment
name: db
spec: { select: { label.host: db }, labels: { label.app: db } }
`
const policyFor = (port: number): string => `
kind: NetworkPolicy
name: web-to-db
spec: { from: { label.app: web }, to: { label.app: db }, ports: [tcp/${String(port)}], action: allow }
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The two sidecars of the other tests, under a real controller. */
async function startRealMesh(ttlMs = 3_600_000, log: Logger = silentLogger): Promise<RealMesh> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const controller = stack.use(
    await startTestController({
      config: {
        listen: { host: '127.0.0.1', port: await freePort() },
        svidTtlMs: ttlMs,
        minSvidTtlMs: 1_000,
        timings: { tickMs: 50, graceMs: 200, reauthenticateMs: 200 },
      },
    }),
  )
  await controller.apply(`${testRule}---${labels}`)
  const application = stack.use(await startApplication())
  const gate = stack.use(await openGate(controller.controller.address))
  const start = async (
    name: string,
    address: HostPort,
    listeners: { readonly egress?: HostPort[]; readonly ingress?: HostPort[] },
  ): Promise<Sidecar> =>
    await startTestSidecar(
      {
        address,
        trustDomain: testTrustDomain,
        root: controller.root,
        joinToken: await controller.token({ uses: 2, labels: { join: 'test', host: name } }),
      },
      { name, stateDirectory: join(directory.path, name), ...listeners, log },
    )
  const db = stack.use(
    await start('db', controller.controller.address, { ingress: [application.address] }),
  )
  const [ingress] = db.ingressAddresses
  if (ingress === undefined) throw new Error('BUG: no ingress')
  await controller.apply(policyFor(ingress.port))
  const web = stack.use(await start('web', gate.address, { egress: [ingress] }))
  const [entrance] = web.egressAddresses
  if (entrance === undefined) throw new Error('BUG: no egress')
  const deadline = AbortSignal.timeout(20_000)
  await Promise.all([web.whenReady(deadline), db.whenReady(deadline)])
  const parts = stack.move()
  return {
    controller,
    gate,
    application,
    web,
    db,
    entrance,
    port: ingress.port,
    [Symbol.asyncDispose]: async () => {
      await parts.disposeAsync()
    },
  }
}

async function openEcho({ entrance }: RealMesh): Promise<TestClient> {
  return await eventually('an echo', async () => {
    const client = connectClient(entrance, 'hello')
    const end = await Promise.race([
      client.ended,
      eventually('the echo', () => client.text() === 'hello').then(() => 'open'),
    ])
    return end === 'open' ? client : undefined
  })
}

describe('two sidecars under the real controller', () => {
  it('enrol, carry a connection, and have it stitched from both reports', async () => {
    await using mesh = await startRealMesh()
    const client = await openEcho(mesh)
    client.socket.end()
    expect(await client.ended).to.equal('end')
    const admin = await mesh.controller.admin()
    const flow = await eventually('the flow', async () => {
      const { flows } = await admin.call('ListFlows', { limit: 10 })
      return flows.find((one) => one.stitched && one.to?.verdict === 'ALLOW')
    })
    expect(flow).to.include({ destinationPort: mesh.port })
    expect(flow.from?.spiffeId).to.match(/\/workload\/web$/)
    expect(flow.to?.spiffeId).to.match(/\/workload\/db$/)
  })

  it('keep a stream open over a restart of the controller, and take policy again after it', async () => {
    await using mesh = await startRealMesh()
    const client = await openEcho(mesh)
    await mesh.controller.restart()
    client.socket.write(' again')
    await eventually('the echo', () => client.text() === 'hello again')
    const admin = await mesh.controller.admin()
    await admin.call('DeleteDocument', { kind: 'NetworkPolicy', name: 'web-to-db' })
    expect(await client.ended).to.equal('ECONNRESET')
  })

  it('cut a live stream when a workload is revoked', async () => {
    const limitMs = 1_500
    const elapsed = await bestOf(4, limitMs, async () => {
      await using mesh = await startRealMesh()
      const client = await openEcho(mesh)
      const admin = await mesh.controller.admin()
      const { workloads } = await admin.call('ListWorkloads', {})
      const workload = workloads.find(({ name }) => name === 'web')?.workloadId ?? ''
      const start = performance.now()
      await admin.call('RevokeWorkload', { workload, reason: 'test', refuseRenewal: true })
      expect(await client.ended).to.equal('ECONNRESET')
      const end = performance.now()
      expect(await connectClient(mesh.entrance, 'hello').ended).to.equal('ECONNRESET')
      return end - start
    })
    expect(elapsed).to.be.lessThan(limitMs)
  })

  it('enrol anew when one was revoked while it could not be told', async () => {
    const log = recordingLogger()
    await using mesh = await startRealMesh(3_600_000, log)
    const client = await openEcho(mesh)
    mesh.gate.shut()
    await eventually('the loss', () => log.of('controller lost').length > 0)
    const admin = await mesh.controller.admin()
    const { workloads } = await admin.call('ListWorkloads', {})
    const before = workloads.find(({ name }) => name === 'web')
    await admin.call('RevokeWorkload', { workload: before?.workloadId ?? '', reason: 'test' })
    expect(await client.ended).to.equal('ECONNRESET')
    mesh.gate.open()
    const again = await openEcho(mesh)
    const after = (await admin.call('ListWorkloads', {})).workloads.find(
      ({ name }) => name === 'web',
    )
    expect(after?.workloadId).to.equal(before?.workloadId)
    expect(after?.generation).to.be.greaterThan(before?.generation ?? Infinity)
    again.socket.destroy()
  })

  it('keep a stream open over renewals with certificates of five seconds', async () => {
    await using mesh = await startRealMesh(5_000)
    const client = await openEcho(mesh)
    const [served] = mesh.application.sockets.slice(-1)
    const admin = await mesh.controller.admin()
    const newest = async (): Promise<number> => {
      const { workloads } = await admin.call('ListWorkloads', {})
      return Math.min(...workloads.map(({ notAfterMs }) => notAfterMs))
    }
    const before = await newest()
    await eventually(
      'three renewals of each',
      async () => (await newest()) > before + 7_000,
      30_000,
    )
    client.socket.write(' again')
    await eventually('the echo', () => client.text() === 'hello again')
    expect(mesh.application.sockets.at(-1)).to.equal(served)
    client.socket.end()
    expect(await client.ended).to.equal('end')
  })

  it('cut a stream when a label changes, without anybody being revoked', async () => {
    await using mesh = await startRealMesh()
    const client = await openEcho(mesh)
    await mesh.controller.apply(labels.replace('label.app: web', 'label.app: quarantined'))
    expect(await client.ended).to.equal('ECONNRESET')
  })
}).timeout(60_000)
