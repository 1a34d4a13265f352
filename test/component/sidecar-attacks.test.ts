import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { noFloors, oidBytes } from '../../src/identity/index.ts'
import { dialTunnel, TunnelError, type Tunnel } from '../../src/tunnel/index.ts'
import { FakeController } from '../support/fake-controller.ts'
import {
  allowWebToDb,
  connectClient,
  recordingLogger,
  startApplication,
  startMesh,
  startTestSidecar,
  temporaryDirectory,
  type TestMesh,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import {
  createTestCa,
  newKeys,
  type LeafFaults,
  type TestCa,
  type TestLeaf,
  type TestWorkload,
} from '../support/test-ca.ts'
import { recorder, streamHeader } from '../support/tunnel-pair.ts'

const extendedKeyUsage = oidBytes('2.5.29.37')

const label = (app: string): { key: string; value: string; provenance: 'assigned' }[] => [
  { key: 'label.app', value: app, provenance: 'assigned' },
]

/** A tunnel to the ingress of `db`, as somebody would dial it who writes his own sidecar. */
async function dialAs(
  mesh: TestMesh,
  identity: TestWorkload,
  ca: TestCa = mesh.controller.ca,
): Promise<Tunnel> {
  const { chain, privateKey, profile, notAfter } = identity
  const { host, port } = mesh.ingress
  return await dialTunnel({
    host,
    port,
    identity: () => ({ chain, privateKey, profile, notAfter }),
    // Whoever attacks does not mind whom he reaches: he trusts the real authority.
    trust: () => ({ bundle: mesh.controller.ca.bundle(), floors: noFloors, now: ca.now }),
  })
}

/** A TLS listener that speaks the tunnel's protocol under any certificate, and keeps what it hears. */
async function listenTls(
  identity: TestLeaf,
  heard: Buffer[],
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets: TLSSocket[] = []
  const server = createTlsServer({
    cert: identity.chain.map((der) => new X509Certificate(der).toString()).join(''),
    key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['blazon/1'],
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  server.on('secureConnection', (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => heard.push(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const gone = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await gone
    },
  }
}

/** Resolves when a socket is closed, in whatever way. */
async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('close', resolve))
}

/** Whether a dialled tunnel was refused, or cut before it could carry a stream. */
async function comesToNothing(mesh: TestMesh, dialled: Promise<Tunnel>): Promise<void> {
  const tunnel = await dialled.catch((error: unknown) => {
    expect(error).to.be.instanceOf(TunnelError)
    return undefined
  })
  if (tunnel !== undefined) await tunnel.closed
  expect(mesh.application.sockets).to.have.lengthOf(0)
}

describe('an ingress', () => {
  const wrong: readonly {
    readonly who: string
    readonly identity: (mesh: TestMesh) => TestWorkload
  }[] = [
    {
      who: 'of another trust domain, with the same name and label',
      identity: () =>
        createTestCa({ trustDomain: 'other.example' }).workload({
          name: 'web',
          attributes: label('web'),
        }),
    },
    {
      who: 'of another authority for the same trust domain',
      identity: () => createTestCa().workload({ name: 'web', attributes: label('web') }),
    },
    {
      who: 'whose certificate has expired',
      identity: ({ controller: { ca } }) =>
        ca.workload({ name: 'web', attributes: label('web'), notAfter: ca.now - 1_000 }),
    },
    {
      who: 'whose certificate is not valid yet',
      identity: ({ controller: { ca } }) =>
        ca.workload({ name: 'web', attributes: label('web'), notBefore: ca.now + 600_000 }),
    },
    {
      who: 'whose issuer is not listed',
      identity: ({ controller: { ca } }) =>
        ca.workload({ name: 'web', attributes: label('web'), issuer: ca.addIssuer() }),
    },
    {
      who: 'whose certificate lacks the extended key usage',
      identity: ({ controller: { ca } }) =>
        ca.workload({
          name: 'web',
          attributes: label('web'),
          extensions: (right) => right.filter(({ oid }) => !oid.equals(extendedKeyUsage)),
        }),
    },
    {
      who: 'who sends another profile than its certificate names',
      identity: ({ controller: { ca } }) => ({
        ...ca.workload({ name: 'web', attributes: label('other') }),
        profile: ca.workload({ name: 'web', attributes: label('web') }).profile,
      }),
    },
    {
      who: 'who has a certificate of the controller',
      identity: ({ controller: { ca } }) => ({
        ...ca.workload({ name: 'web', attributes: label('web') }),
        ...ca.controller(),
      }),
    },
  ]
  for (const { who, identity } of wrong) {
    it(`lets nothing through from a peer ${who}`, async () => {
      await using mesh = await startMesh()
      await comesToNothing(mesh, dialAs(mesh, identity(mesh)))
    })
  }

  it('lets nothing through from a peer below its floor', async () => {
    await using mesh = await startMesh()
    const { ca } = mesh.controller
    const thief = ca.workload({ name: 'web', attributes: label('web'), generation: 3 })
    const { workloadId } = thief.facts
    mesh.controller.setFloors([
      { workloadId, lowestGoodGeneration: 4, untilMs: Date.now() + 60_000 },
    ])
    await eventually('the floor to hold', async () => {
      const tunnel = await dialAs(mesh, thief).catch(() => undefined)
      const end = await tunnel?.closed
      return tunnel === undefined || end?.reason !== undefined
    })
    expect(mesh.application.sockets).to.have.lengthOf(0)
  })

  it('closes a connection without a client certificate', async () => {
    await using mesh = await startMesh()
    const { host, port } = mesh.ingress
    const ALPNProtocols = ['blazon/1']
    const socket = connectTls({ host, port, ALPNProtocols, rejectUnauthorized: false })
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.0\r\n\r\n'))
    await closed(socket)
    expect(mesh.application.sockets).to.have.lengthOf(0)
  })

  it('closes a connection that speaks no TLS', async () => {
    await using mesh = await startMesh()
    const socket = connect(mesh.ingress)
    socket.resume().write('GET / HTTP/1.0\r\n\r\n')
    await closed(socket)
    expect(mesh.application.sockets).to.have.lengthOf(0)
  })

  it('refuses a stream for a pair that is not its own', async () => {
    await using mesh = await startMesh()
    const tunnel = await dialAs(
      mesh,
      mesh.controller.ca.workload({ name: 'web', attributes: label('web') }),
    )
    const seen = recorder()
    tunnel.openStream(
      streamHeader({ destination: { address: '169.254.169.254', port: 80 } }),
      seen,
      Buffer.from('x'),
    )
    expect(await seen.wasReset).to.equal('wrong-workload')
    expect(mesh.application.sockets).to.have.lengthOf(0)
    tunnel.close('draining')
    await tunnel.closed
  })

  it('decides by its own port, whatever port the peer says it has dialled', async () => {
    await using mesh = await startMesh()
    // The peer dials through a forwarder of its own, on a port that policy allows.
    await using forwarder = await startApplication((socket) => {
      const onward = connect(mesh.ingress)
      onward.on('error', () => undefined)
      socket.pipe(onward).pipe(socket)
    })
    const policy = allowWebToDb.replace('PORT', String(forwarder.address.port))
    const version = mesh.controller.setPolicy(policy)
    await mesh.controller.taken('db', version)
    const identity = mesh.controller.ca.workload({ name: 'web', attributes: label('web') })
    const tunnel = await dialAs({ ...mesh, ingress: forwarder.address }, identity)
    const seen = recorder()
    const destination = { address: forwarder.address.host, port: forwarder.address.port }
    tunnel.openStream(streamHeader({ destination }), seen, Buffer.from('x'))
    expect(await seen.wasReset).to.equal('no-policy-matched')
    expect(mesh.application.sockets).to.have.lengthOf(0)
    tunnel.close('draining')
    await tunnel.closed
  })

  it('ends the tunnel of a peer that opens streams only to reset them, and counts them', async () => {
    const log = recordingLogger()
    const environment = { BLAZON_METRICS_LISTEN: '127.0.0.1:0' }
    await using mesh = await startMesh({ log, environment })
    const identity = mesh.controller.ca.workload({ name: 'web', attributes: label('web') })
    const tunnel = await dialAs(mesh, identity)
    const destination = { address: mesh.ingress.host, port: mesh.port }
    const seen = recorder()
    while (tunnel.open) {
      for (let batch = 0; batch < 500; batch++) {
        const stream = tunnel.openStream(streamHeader({ destination }), seen)
        if (typeof stream !== 'string') stream.reset()
      }
      await new Promise(setImmediate)
    }
    expect((await tunnel.closed).reason).to.equal('protocol-error')
    const record = await eventually('the record', () =>
      log.of('tunnel closed').find(({ reason }) => reason === 'protocol-error'),
    )
    expect(record['error']).to.contain('opened and reset at once')
    const page = await fetch(`http://127.0.0.1:${String(mesh.db.statusAddress?.port)}/metrics`)
    const [, count] = /^blazon_useless_streams_total ([0-9]+)$/m.exec(await page.text()) ?? []
    expect(Number(count)).to.be.greaterThan(10_000)

    // Others are served as before.
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    client.socket.destroy()
  })

  it('gives no stream of one peer the verdict of another', async () => {
    await using mesh = await startMesh()
    const { ca } = mesh.controller
    const friend = await dialAs(mesh, ca.workload({ name: 'web', attributes: label('web') }))
    const stranger = await dialAs(mesh, ca.workload({ name: 'web', attributes: label('stranger') }))
    const destination = { address: mesh.ingress.host, port: mesh.port }
    const refused = recorder()
    stranger.openStream(streamHeader({ destination }), refused, Buffer.from('x'))
    expect(await refused.wasReset).to.equal('no-policy-matched')
    const allowed = recorder()
    friend.openStream(streamHeader({ destination }), allowed, Buffer.from('x'))
    await allowed.accepted
    expect(mesh.application.sockets).to.have.lengthOf(1)
    for (const tunnel of [friend, stranger]) {
      tunnel.close('draining')
      await tunnel.closed
    }
  })
}).timeout(60_000)

describe('an egress', () => {
  const impostors: readonly { readonly who: string; readonly faults: LeafFaults }[] = [
    { who: 'has expired', faults: { notAfter: Date.now() - 1_000 } },
    { who: 'is of another authority', faults: { issuer: createTestCa().issuer } },
  ]
  for (const { who, faults } of impostors) {
    it(`sends nothing to a peer whose certificate ${who}`, async () => {
      await using mesh = await startMesh()
      const { ca } = mesh.controller
      const impostor = ca.workload({ name: 'db', attributes: label('db'), ...faults })
      const heard: Buffer[] = []
      await using server = await listenTls(impostor, heard)
      await using web = await startTestSidecar(mesh.controller, {
        name: 'web',
        egress: [{ host: '127.0.0.1', port: server.port }],
        stateDirectory: `${mesh.directory}/web-two`,
      })
      await web.whenReady(AbortSignal.timeout(20_000))
      const [entrance] = web.egressAddresses
      const client = connectClient(entrance ?? mesh.entrance, 'secret')
      expect(await client.ended).to.equal('ECONNRESET')
      expect(Buffer.concat(heard).toString()).to.equal('')
    })
  }
}).timeout(60_000)

describe('a sidecar whose controller is an impostor', () => {
  const impostors: readonly { readonly who: string; readonly leaf: (ca: TestCa) => TestLeaf }[] = [
    { who: 'a workload of the same domain', leaf: (ca) => ca.workload({ name: 'web' }) },
    { who: 'an administrator', leaf: (ca) => ca.admin('admin') },
    { who: 'a node', leaf: (ca) => ca.reserved('/blazon/node') },
    { who: 'a controller of another authority', leaf: () => createTestCa().controller() },
    {
      who: 'a controller whose certificate has expired',
      leaf: (ca) => ca.controller({ notAfter: ca.now - 1_000 }),
    },
  ]
  for (const { who, leaf } of impostors) {
    it(`tells ${who} nothing`, async () => {
      await using directory = await temporaryDirectory()
      const ca = createTestCa()
      await using controller = await new FakeController({ ca, presented: leaf(ca) }).start()
      const log = recordingLogger()
      await using sidecar = await startTestSidecar(controller, {
        name: 'web',
        stateDirectory: `${directory.path}/web`,
        log,
      })
      await eventually('a failed enrolment', () => log.of('enrolment failed').length > 1)
      expect(controller.attests).to.be.empty
      expect(sidecar.spiffeId()).to.equal(undefined)
      expect(sidecar.notReady()).to.include('no valid SVID')
    })
  }

  it('does not enrol where the fingerprint is another one, and does where it is right', async () => {
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    const log = recordingLogger()
    const right = new X509Certificate(controller.ca.root.certificate).fingerprint256
    await using refused = await startTestSidecar(controller, {
      name: 'web',
      stateDirectory: `${directory.path}/one`,
      environment: { BLAZON_BUNDLE: '', BLAZON_CONTROLLER_FINGERPRINT: '00'.repeat(32) },
      log,
    })
    await eventually('a failed enrolment', () => log.of('enrolment failed').length > 0)
    expect(log.of('enrolment failed')[0]).to.include({ code: 'ERR_PIN' })
    expect(controller.attests).to.be.empty
    expect(refused.spiffeId()).to.equal(undefined)
    await using taken = await startTestSidecar(controller, {
      name: 'web',
      stateDirectory: `${directory.path}/two`,
      environment: { BLAZON_BUNDLE: '', BLAZON_CONTROLLER_FINGERPRINT: right },
    })
    await taken.whenReady(AbortSignal.timeout(20_000))
    expect(taken.spiffeId()).to.equal('spiffe://acme.example/ns/default/workload/web')
  })

  it('does not take an SVID for another key, or with another profile', async () => {
    const keys = newKeys()
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    controller.workload('web').faults = { keys }
    const log = recordingLogger()
    await using sidecar = await startTestSidecar(controller, {
      name: 'web',
      stateDirectory: `${directory.path}/web`,
      log,
    })
    const [failure] = await eventually('a failed enrolment', () => {
      const failures = log.of('enrolment failed')
      return failures.length > 0 ? failures : undefined
    })
    expect(failure).to.include({ code: 'ERR_CONTROLLER_ANSWER' })
    expect(sidecar.spiffeId()).to.equal(undefined)
    expect(await readFile(`${directory.path}/web/node.key`, 'utf8')).to.match(
      /^-----BEGIN PRIVATE KEY/,
    )
  })
}).timeout(60_000)
