import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { systemClock } from '../../src/base/clock.ts'
import type { HostPort } from '../../src/base/env.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { readSidecarConfig } from '../../src/sidecar/config.ts'
import { createNameService } from '../../src/sidecar/names/name-service.ts'
import { workerConfig } from '../../src/sidecar/workers/messages.ts'
import { settleAddresses } from '../../src/sidecar/workers/shared-addresses.ts'
import { bundleProgram, type Bundle } from '../support/bundle.ts'
import { joinToken, type FakeController } from '../support/fake-controller.ts'
import {
  connectClient,
  startApplication,
  type TestApplication,
  type TestClient,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import {
  startProcessMesh,
  type LogRecord,
  type ProcessMesh,
  type SidecarProcess,
} from '../support/sidecar-process.ts'

/** By chance alone, all of so many go to one of two workers once in 2^63 times. */
const many = 64

const denyAll = `
kind: NetworkPolicy
name: nobody
spec: { from: { label.app: nobody }, to: { label.app: db }, action: allow }
`

/** As it is shipped: six processes of a mesh that strip types would take seconds to start. */
let bundle: Bundle

interface Meshed extends AsyncDisposable {
  readonly mesh: ProcessMesh
  readonly application: TestApplication
}

async function startMeshOfWorkers(environment = {}): Promise<Meshed> {
  await using stack = new AsyncDisposableStack()
  const application = stack.use(await startApplication())
  const wish = { BLAZON_WORKERS: '2', BLAZON_DRAIN: '5s', ...environment }
  const mesh = stack.use(await startProcessMesh(application.address, wish, bundle.program))
  const parts = stack.move()
  return { mesh, application, [Symbol.asyncDispose]: async () => await parts.disposeAsync() }
}

async function openEchoes({ entrance }: ProcessMesh, count = many): Promise<TestClient[]> {
  const clients = Array.from({ length: count }, () => connectClient(entrance, 'hello'))
  await eventually('the echoes', () => clients.every((client) => client.text() === 'hello'))
  return clients
}

/** Whether nobody listens there; leaves no connection behind where somebody does. */
async function isRefused(entrance: HostPort): Promise<boolean> {
  const { socket, ended } = connectClient(entrance)
  socket.once('connect', () => socket.destroy())
  return (await ended) === 'ECONNREFUSED'
}

/** Fulfils with what the metric is over all its labels, once `fits` likes it. */
async function metric(
  sidecar: SidecarProcess,
  name: string,
  fits: (value: number) => boolean,
): Promise<number> {
  return await eventually(`${name} of a right value`, async () => {
    const lines = (await sidecar.metrics()).split('\n').filter((line) => line.startsWith(name))
    const sum = lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0)
    return fits(sum) ? sum || undefined : undefined
  })
}

const has =
  (message: string) =>
  ({ msg }: LogRecord): boolean =>
    msg === message
const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // One that nobody has waited for yet is a zombie.
    return readFileSync(`/proc/${String(pid)}/status`, 'utf8').includes('State:\tZ')
  } catch {
    return true
  }
}

function recordsOf(controller: FakeController, direction: 'EGRESS' | 'INGRESS'): number[] {
  const records = controller.records.filter((record) => record.direction === direction)
  return [
    records.reduce((sum, { opened }) => sum + opened, 0),
    records.reduce((sum, { closed }) => sum + closed, 0),
    records.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
  ]
}

describe('a sidecar with two workers', function () {
  this.timeout(60_000)

  before(async () => {
    bundle = await bundleProgram()
  })

  after(async () => {
    await bundle[Symbol.asyncDispose]()
  })

  it('carries connections in both, and counts and reports each once', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const clients = await openEchoes(mesh)
    await metric(mesh.web, 'blazon_connections_open{direction="egress"}', (open) => open === many)
    for (const { socket } of clients) socket.end()
    for (const { ended } of clients) expect(await ended).to.equal('end')

    await eventually('the access records', () => mesh.web.records.length === many)
    const writers = new Set(mesh.web.records.map(({ pid }) => pid))
    expect([...writers].sort()).to.deep.equal([...mesh.web.workers()].sort())
    for (const direction of ['EGRESS', 'INGRESS'] as const) {
      await eventually('the flows', () => recordsOf(mesh.controller, direction)[1] === many)
      expect(recordsOf(mesh.controller, direction)).to.deep.equal([many, many, many * 5])
    }
    for (const sidecar of [mesh.web, mesh.db]) {
      await metric(sidecar, 'blazon_connections_total', (count) => count === many)
      await metric(sidecar, 'blazon_relayed_bytes_total', (bytes) => bytes === many * 10)
      await metric(sidecar, 'blazon_workers_listening', (count) => count === 2)
    }
    expect(mesh.web.records).to.have.lengthOf(many)
    expect(mesh.db.records).to.have.lengthOf(many)
  })

  it('takes arrivals from outside in both', async () => {
    await using meshed = await startMeshOfWorkers()
    const { db } = meshed.mesh
    const [ingress] = db.ingressAddresses
    const strangers = Array.from({ length: many }, () =>
      connect({ ...ingress!, port: ingress!.port }),
    )
    for (const stranger of strangers) stranger.on('error', () => undefined).end('no TLS')
    const refusals = (): Set<number> =>
      new Set(db.log.filter(has('tunnel refused')).map(({ pid }) => pid))
    await eventually('refusals by both', () => refusals().size === 2)
    expect([...refusals()].sort()).to.deep.equal([...db.workers()].sort())
  })

  it('cuts connections in both when policy changes, before it acknowledges', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const clients = await openEchoes(mesh)
    const version = mesh.controller.setPolicy(denyAll)
    await mesh.controller.taken('web', version)
    for (const { ended } of clients) expect(await ended).to.equal('ECONNRESET')
    const late = connectClient(mesh.entrance, 'hello')
    expect(await late.ended).to.equal('ECONNRESET')
    await eventually('the records', () => mesh.web.records.length === many + 1)
    const cut = mesh.web.records.filter(({ reason }) => reason === 'no-policy-matched')
    expect(new Set(cut.map(({ pid }) => pid))).to.have.property('size', 2)
  })

  it('cuts connections in both when the peer is revoked', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const clients = await openEchoes(mesh)
    mesh.controller.revoke('db')
    for (const { ended } of clients) expect(await ended).to.equal('ECONNRESET')
  })

  it('shows renewed SVIDs in both, on tunnels that outlive the first', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const clients = await openEchoes(mesh)
    mesh.controller.workload('web').ttlMs = 4_000
    mesh.controller.renewNow()
    const received = (): number => mesh.web.log.filter(has('SVID received')).length
    // The first of its life, then one of 4 s and three more at its half-life.
    await eventually('renewals', () => received() >= 5)
    for (const { socket } of clients) socket.write(' again')
    await eventually('the echoes', () => clients.every((client) => client.text() === 'hello again'))
  })

  it('goes on with the other when one is killed, and starts another in its place', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const clients = await openEchoes(mesh)
    const counted = await metric(mesh.web, 'blazon_connections_total', (count) => count === many)
    const [victim, survivor] = mesh.web.workers()
    process.kill(victim!, 'SIGKILL')
    await eventually('word of it', () => mesh.web.log.some(has('worker ended')))

    const lost: TestClient[] = []
    for (const client of clients) {
      client.socket.write(' again')
      client.ended.then(
        () => lost.push(client),
        () => undefined,
      )
    }
    await eventually('an echo or an end for each', () =>
      clients.every((client) => client.text() === 'hello again' || lost.includes(client)),
    )
    expect(lost.length).to.be.greaterThan(0).and.lessThan(many)
    await eventually('another one', async () => (await mesh.web.readiness()) === 'ready\n')
    expect(mesh.web.workers())
      .to.have.lengthOf(2)
      .and.to.include(survivor)
      .and.not.to.include(victim)
    await metric(mesh.web, 'blazon_workers_ended_total', (count) => count === 1)

    const more = await openEchoes(mesh)
    await metric(mesh.web, 'blazon_connections_total', (count) => count === counted + many)
    for (const { socket } of more) socket.end()
    for (const { ended } of more) expect(await ended).to.equal('end')
    const writers = (): Set<number> => new Set(mesh.web.records.map(({ pid }) => pid))
    await eventually('records of the new one', () =>
      mesh.web.workers().every((pid) => writers().has(pid)),
    )
  })

  it('says that it is not ready while a worker is missing', async () => {
    await using meshed = await startMeshOfWorkers()
    const { web } = meshed.mesh
    for (const pid of web.workers()) process.kill(pid, 'SIGKILL')
    await eventually('word of it', async () => (await web.readiness()).includes('of 2 workers'))
    await eventually('others', async () => (await web.readiness()) === 'ready\n')
    await openEchoes(meshed.mesh, 4)
  })

  it('gives a worker that comes late the policy of now', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const version = mesh.controller.setPolicy(denyAll)
    await mesh.controller.taken('web', version)
    for (const pid of mesh.web.workers()) process.kill(pid, 'SIGKILL')
    await eventually('word of it', async () =>
      (await mesh.web.readiness()).includes('of 2 workers'),
    )
    await eventually('others', async () => (await mesh.web.readiness()) === 'ready\n')
    const client = connectClient(mesh.entrance, 'hello')
    expect(await client.ended).to.equal('ECONNRESET')
    await eventually('the record', () =>
      mesh.web.records.some(({ reason }) => reason === 'no-policy-matched'),
    )
  })

  it('kills a worker that takes no news, before it acknowledges them', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const [frozen] = mesh.web.workers()
    process.kill(frozen!, 'SIGSTOP')
    const version = mesh.controller.setPolicy(denyAll)
    await mesh.controller.taken('db', version)
    await mesh.controller.taken('web', version)
    expect(isGone(frozen!)).to.equal(true)
    await eventually('word of it', () => mesh.web.log.some(has('worker does not answer')))
  })

  it('ends with all its workers when it is killed', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const clients = await openEchoes(mesh, 8)
    const workers = mesh.web.workers()
    await mesh.web.end('SIGKILL')
    await eventually('the end of the workers', () => workers.every(isGone))
    for (const { ended } of clients) expect(await ended).to.be.oneOf(['ECONNRESET', 'end'])
    // Threads of theirs may outlive them by a moment, and listen until then.
    await eventually('the end of listening', async () => await isRefused(mesh.entrance))
  })

  it('lets connections of both finish at SIGTERM, even if all its processes get it', async () => {
    await using meshed = await startMeshOfWorkers({ BLAZON_DRAIN: '30s' })
    const { mesh } = meshed
    const clients = await openEchoes(mesh)
    const workers = mesh.web.workers()
    const exited = mesh.web.end('SIGTERM')
    for (const pid of workers) process.kill(pid, 'SIGTERM')
    await eventually('the end of listening', async () => await isRefused(mesh.entrance))
    for (const { socket } of clients) socket.end(' and goodbye')
    for (const { ended } of clients) expect(await ended).to.equal('end')
    for (const client of clients) expect(client.text()).to.equal('hello and goodbye')
    expect(await exited).to.equal(0)
    expect(workers.every(isGone)).to.equal(true)
    // The probe may have got in before the end of listening.
    const [opened, closed] = recordsOf(mesh.controller, 'EGRESS')
    expect(opened).to.be.at.least(many)
    expect(closed).to.equal(opened)
  })

  it('has each worker keep to its part of the limit on connections', async () => {
    await using meshed = await startMeshOfWorkers({ BLAZON_MAX_CONNECTIONS: '6' })
    const { mesh } = meshed
    const clients = Array.from({ length: many }, () => connectClient(mesh.entrance, 'hello'))
    const refused = (): number =>
      mesh.web.records.filter(({ reason }) => reason === 'limit-reached').length
    await eventually('an answer for each', () => {
      const echoed = clients.filter((client) => client.text() === 'hello').length
      return echoed + refused() === many
    })
    expect(many - refused()).to.be.within(3, 6)
    const open = await metric(mesh.web, 'blazon_connections_open{direction="egress"}', () => true)
    expect(open).to.equal(many - refused())
  })

  it('carries in the tunnel what may go in clear, as that could come to either', async () => {
    await using meshed = await startMeshOfWorkers()
    const { mesh } = meshed
    const version = mesh.controller.setPolicy(`
kind: NetworkPolicy
name: in-clear
spec: { from: { label.app: web }, to: { label.app: db }, action: allow, encryption: none }
`)
    await Promise.all(['web', 'db'].map(async (name) => await mesh.controller.taken(name, version)))
    const clients = await openEchoes(mesh)
    for (const { socket } of clients) socket.end()
    for (const { ended } of clients) expect(await ended).to.equal('end')
    const ofPolicy = (): readonly string[] =>
      mesh.controller.records
        .filter(({ policy, closed }) => policy === 'in-clear' && closed > 0)
        .map(({ direction, encryption }) => `${direction} ${encryption}`)
    await eventually('flows of both ends', () => new Set(ofPolicy()).size === 2)
    expect([...new Set(ofPolicy())].sort()).to.deep.equal(['EGRESS REQUIRED', 'INGRESS REQUIRED'])
  })

  it('keeps tokens and keys out of the environment and the arguments of its workers', async () => {
    await using meshed = await startMeshOfWorkers()
    const { web } = meshed.mesh
    const read = (pid: number, name: string): string =>
      readFileSync(join('/proc', String(pid), name), 'latin1')
    expect(read(web.pid, 'environ')).to.include(joinToken)
    const workers = web.workers()
    expect(workers).to.have.lengthOf(2)
    for (const pid of workers) {
      const seen = read(pid, 'environ') + read(pid, 'cmdline')
      expect(seen).to.include('sidecar-worker.mjs').and.not.to.include(joinToken)
      expect(seen).not.to.match(/BLAZON_|PRIVATE KEY/)
    }
  })
})

describe('the addresses that workers are to share', () => {
  it('are refused where somebody else listens, who would get a part of the connections', async () => {
    const other = createServer().listen({ host: '127.0.0.1', port: 0, reusePort: true })
    await once(other, 'listening')
    const listen = `127.0.0.1:${String((other.address() as AddressInfo).port)}`
    const config = readSidecarConfig({
      BLAZON_TRUST_DOMAIN: 'acme.example',
      BLAZON_CONTROLLER: '127.0.0.1:7443',
      BLAZON_CONTROLLER_FINGERPRINT: '00'.repeat(32),
      BLAZON_WORKLOAD: 'web',
      BLAZON_WORKERS: '2',
      BLAZON_EGRESS: `${listen}=10.0.0.2:80`,
    })
    const names = createNameService({
      resolvers: [],
      isOfInterest: () => false,
      clock: systemClock,
    })
    try {
      const settled = settleAddresses(workerConfig(config), names, silentLogger)
      const error = await settled.then(
        () => undefined,
        (refusal: unknown) => refusal,
      )
      expect(error).to.be.instanceOf(Error).with.property('message', `cannot listen on ${listen}`)
    } finally {
      other.close()
    }
  })
})
