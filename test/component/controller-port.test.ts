import { once } from 'node:events'
import { connect as openHttp2, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { toPem } from '../../src/cli/pem.ts'
import { presentedChain } from '../../src/controller/server/connections.ts'
import { eventually } from '../support/expect-status.ts'
import {
  createMovableClock,
  startTestController,
  testRule,
  type TestController,
} from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'
import {
  controllerId,
  fromWireBundle,
  noFloors,
  parseTrustDomain,
  verifyPeer,
  type TrustBundle,
} from '../../src/identity/index.ts'

/** Connects by TLS alone; fulfils with the socket once the handshake is done. */
async function shakeHands(
  mesh: TestController,
  options: ConnectionOptions & { readonly localAddress?: string } = {},
): Promise<TLSSocket> {
  const { host, port } = mesh.controller.address
  const socket = connect({
    host,
    port,
    ca: toPem(mesh.root),
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
    ...options,
  })
  await once(socket, 'secureConnect')
  return socket
}

const challenge = {
  ':method': 'POST',
  ':path': '/blazon.v1.Enrolment/Challenge',
  'content-type': 'application/grpc',
  te: 'trailers',
}

async function openSession(mesh: TestController): Promise<ClientHttp2Session> {
  const socket = await shakeHands(mesh)
  const session = openHttp2('https://controller', { createConnection: () => socket })
  session.on('error', () => undefined)
  return session
}

async function refusal(handshake: Promise<TLSSocket>): Promise<string> {
  const outcome = await handshake.then(
    (socket) => {
      socket.destroy()
      return 'connected'
    },
    (error: unknown) => String((error as { code?: string }).code),
  )
  return outcome
}

describe('controller: port', function () {
  this.timeout(20_000)

  let mesh: TestController
  before(async () => {
    mesh = await startTestController()
    await mesh.apply(testRule)
  })
  after(() => mesh[Symbol.asyncDispose]())

  const bundle = async (): Promise<TrustBundle> =>
    fromWireBundle((await mesh.enrol('web')).response.bundle)

  it('shows itself as the controller of its trust domain, with its root', async () => {
    const socket = await shakeHands(mesh)
    const chain = presentedChain(socket)
    socket.destroy()
    expect(chain).to.have.length(3)
    expect(chain[2]).to.deep.equal(mesh.root)
    const verdict = verifyPeer({
      chain,
      bundle: await bundle(),
      floors: noFloors,
      now: Date.now(),
    })
    expect(verdict.ok && verdict.peer.spiffeId).to.equal(
      controllerId(parseTrustDomain('acme.example')),
    )
  })

  it('speaks TLS 1.3 only', async () => {
    expect(await refusal(shakeHands(mesh, { maxVersion: 'TLSv1.2' }))).to.equal(
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    )
  })

  it('speaks HTTP/2 only', async () => {
    expect(await refusal(shakeHands(mesh, { ALPNProtocols: ['http/1.1'] }))).to.match(/ALERT/)
    const socket = await shakeHands(mesh, { ALPNProtocols: [] })
    await once(socket, 'close')
  })

  it('resumes no session', async () => {
    const first = await shakeHands(mesh)
    const sessions: Buffer[] = []
    first.on('session', (session: Buffer) => sessions.push(session))
    const plain = first.getSession()
    if (plain !== undefined) sessions.push(plain)
    first.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    await once(first, 'data')
    first.destroy()
    expect(sessions).to.not.deep.equal([])
    for (const session of sessions) {
      const second = await shakeHands(mesh, { session })
      expect(second.isSessionReused()).to.equal(false)
      second.destroy()
    }
  })

  it('bounds the handshakes that are under way', async () => {
    await using limited = await startTestController({ config: { limits: { handshakes: 1 } } })
    const { host, port } = limited.controller.address
    const idle = connectTcp({ host, port })
    await once(idle, 'connect')
    await eventually(async () => {
      expect(await refusal(shakeHands(limited))).to.equal('ECONNRESET')
    })
    idle.destroy()
    await eventually(async () => {
      expect(await refusal(shakeHands(limited))).to.equal('connected')
    })
  })

  it('leaves room for others where one address takes all the handshakes that it gets', async () => {
    await using limited = await startTestController({ config: { limits: { handshakes: 4 } } })
    const { host, port } = limited.controller.address
    const greedy = Array.from({ length: 8 }, () =>
      connectTcp({ host, port, localAddress: '127.0.0.2' }).on('error', () => undefined),
    )
    await Promise.all(greedy.map((socket) => once(socket, 'connect')))
    expect(await refusal(shakeHands(limited))).to.equal('connected')
    for (const socket of greedy) socket.destroy()
  })

  it('leaves room for those it knows, and for other strangers, where one takes all connections', async () => {
    const config = { limits: { connections: 64 } }
    await using limited = await startTestController({ config })
    await limited.apply(testRule)
    const workload = await limited.enrol('web')
    const greedy = await Promise.all(
      Array.from({ length: 64 }, () => shakeHands(limited, { localAddress: '127.0.0.2' })),
    )
    await limited.connect(workload).call('ReportFlows', { runId: 'run', sequence: 1 })
    await limited.enrol('db')
    for (const socket of greedy) socket.destroy()
  })

  it('ends a stranger whose calls never come whole, and none whose calls are answered', async () => {
    const config = { timings: { strangerSilenceMs: 300 } }
    await using limited = await startTestController({ config })
    const stalled = await openSession(limited)
    const asking = await openSession(limited)
    const ended = once(stalled, 'close')
    const halves = [stalled.request(challenge), stalled.request(challenge)]
    for (const half of halves) half.on('error', () => undefined)
    halves[0]?.write(Buffer.of(0, 0))
    const until = performance.now() + 1_000
    while (performance.now() < until) {
      const answered = asking.request(challenge)
      answered.end(Buffer.alloc(5))
      await once(answered.resume(), 'end')
      await delay(50)
    }
    await ended
    expect(asking.closed).to.equal(false)
    await once(asking, 'close')
  })
})

describe('controller: certificate rotation', function () {
  this.timeout(20_000)

  // Within the backdating of certificates, so that clients on the real clock take them.
  const skippedMs = 35_000
  const timings = {
    tickMs: 20,
    maintenanceMs: 20,
    ownCertificateMs: 60_000,
    administratorMs: 60_000,
    issuerMs: 120_000,
  }

  it('renews its own certificate at half-life, under open streams', async () => {
    const clock = createMovableClock()
    await using mesh = await startTestController({ clock, config: { timings } })
    await mesh.apply(testRule)
    using stream = watchWith(mesh.connect(await mesh.enrol('web')))
    const { version } = await stream.next('snapshot')
    const serialOf = async (): Promise<string | undefined> => {
      const socket = await shakeHands(mesh)
      const serial = socket.getPeerX509Certificate()?.serialNumber
      socket.destroy()
      return serial
    }
    const before = await serialOf()
    expect(await serialOf()).to.equal(before)
    clock.skip(skippedMs)
    await eventually(async () => {
      expect(await serialOf()).to.not.equal(before)
    })
    stream.send({ acknowledge: { version } })
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', {})
    expect(workloads[0]?.watching).to.equal(true)
  })

  it('pushes the bundle with a new issuer as soon as there is one', async () => {
    const clock = createMovableClock()
    await using mesh = await startTestController({ clock, config: { timings } })
    await mesh.apply(testRule)
    using stream = watchWith(mesh.connect(await mesh.enrol('web')))
    const before = await stream.next('snapshot')
    expect(fromWireBundle(before.bundle).issuers.size).to.equal(1)
    clock.skip(skippedMs)
    const after = await stream.next('snapshot')
    expect([...fromWireBundle(after.bundle).issuers.values()]).to.deep.equal(['active', 'prepared'])
    expect(after.version).to.be.greaterThan(before.version)
  })
})
