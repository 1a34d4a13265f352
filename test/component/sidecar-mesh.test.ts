import { once } from 'node:events'
import { expect } from 'chai'
import type { FlowRecord__Output } from '../../src/rpc/generated/blazon/v1/FlowRecord.ts'
import type { FakeController } from '../support/fake-controller.ts'
import {
  allowWebToDb,
  connectClient,
  recordingLogger,
  startApplication,
  startMesh,
  startTestSidecar,
  type TestMesh,
} from '../support/mesh-fixture.ts'
import { bestOf } from '../support/best-of.ts'
import { eventually } from '../support/poll.ts'
import { stalled } from '../support/stalled.ts'

async function recordOf(
  controller: FakeController,
  direction: 'EGRESS' | 'INGRESS',
  fits: (record: FlowRecord__Output) => boolean = () => true,
): Promise<FlowRecord__Output> {
  return await eventually(`a flow record of the ${direction}`, () =>
    controller.records.find((record) => record.direction === direction && fits(record)),
  )
}

/** A connection that is open through both sidecars: the echo of a first word has come back. */
async function openEcho(mesh: TestMesh): Promise<ReturnType<typeof connectClient>> {
  const client = connectClient(mesh.entrance, 'hello')
  await eventually('the echo', () => client.text() === 'hello')
  return client
}

const denyAll = `
kind: NetworkPolicy
name: nobody
spec: { from: { label.app: nobody }, to: { label.app: db }, action: allow }
`

describe('two sidecars', () => {
  it('carry an allowed connection both ways and report it from both ends', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    client.socket.end()
    expect(await client.ended).to.equal('end')
    const isClosed = ({ closed }: FlowRecord__Output): boolean => closed === 1
    const egress = await recordOf(mesh.controller, 'EGRESS', isClosed)
    const ingress = await recordOf(mesh.controller, 'INGRESS', isClosed)
    const expected = {
      verdict: 'ALLOW',
      reason: 'allowed-by-policy',
      policy: 'web-to-db',
      encryption: 'REQUIRED',
      destinationAddress: '127.0.0.1',
      destinationPort: mesh.port,
    }
    expect(egress).to.include(expected)
    expect(ingress).to.include(expected)
    expect(egress.peerSpiffeId).to.match(/\/workload\/db$/)
    expect(ingress.peerSpiffeId).to.match(/\/workload\/web$/)
    expect(egress.flowIds).to.deep.equal(ingress.flowIds)
  })

  it('count the bytes of both directions alike', async () => {
    await using mesh = await startMesh({
      onSocket: (socket) => {
        socket.resume().on('end', () => socket.end('four'))
      },
    })
    const client = connectClient(mesh.entrance)
    client.socket.end(Buffer.alloc(1_000_000, 'x'))
    expect(await client.ended).to.equal('end')
    expect(client.text()).to.equal('four')
    await eventually('all bytes in the records', () =>
      (['EGRESS', 'INGRESS'] as const).every((direction) => {
        const own = mesh.controller.records.filter((record) => record.direction === direction)
        const sent = own.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
        const received = own.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0)
        return sent === 1_000_000 && received === 4
      }),
    )
  })

  it('let the server speak first', async () => {
    await using mesh = await startMesh({ onSocket: (socket) => socket.end('220 ready\r\n') })
    const client = connectClient(mesh.entrance)
    expect(await client.ended).to.equal('end')
    expect(client.text()).to.equal('220 ready\r\n')
    client.socket.end()
  })

  it('keep one direction open when the other has ended', async () => {
    await using mesh = await startMesh({
      onSocket: (socket) => {
        const heard: Buffer[] = []
        socket.on('data', (bytes: Buffer) => heard.push(bytes))
        socket.on('end', () => socket.end(`you said ${Buffer.concat(heard).toString()}`))
      },
    })
    const client = connectClient(mesh.entrance)
    client.socket.end('goodbye')
    expect(await client.ended).to.equal('end')
    expect(client.text()).to.equal('you said goodbye')
  })

  it('stop a sender whose reader does not read, and lose nothing', async () => {
    await using mesh = await startMesh({ onSocket: (socket) => socket.pause() })
    const client = connectClient(mesh.entrance)
    const size = 32 * 1024 * 1024
    client.socket.end(Buffer.alloc(size, 'x'))
    const [reader] = await eventually('the connection', () =>
      mesh.application.sockets.length > 0 ? mesh.application.sockets : undefined,
    )
    await eventually('the writer to stall', () => stalled(client.socket))
    expect(client.socket.writableLength).to.be.greaterThan(0)
    let read = 0
    reader?.on('data', (bytes: Buffer) => {
      read += bytes.length
    })
    reader?.resume()
    if (reader !== undefined) await once(reader, 'end')
    expect(read).to.equal(size)
    client.socket.destroy()
  })

  it('pass a reset of the client on to the application', async () => {
    await using mesh = await startMesh({ onSocket: (socket) => socket.resume() })
    const client = connectClient(mesh.entrance, 'hello')
    const [served] = await eventually('the connection', () =>
      mesh.application.sockets.length > 0 ? mesh.application.sockets : undefined,
    )
    const failed = Promise.withResolvers<NodeJS.ErrnoException>()
    served?.on('error', failed.resolve)
    client.socket.resetAndDestroy()
    expect((await failed.promise).code).to.equal('ECONNRESET')
  })

  it('pass a reset of the application on to the client', async () => {
    await using mesh = await startMesh({
      onSocket: (socket) => {
        socket.once('data', () => socket.resetAndDestroy())
      },
    })
    const client = connectClient(mesh.entrance, 'hello')
    expect(await client.ended).to.equal('ECONNRESET')
  })

  it('close a tunnel that nobody uses, and open another when somebody does', async () => {
    const log = recordingLogger()
    await using mesh = await startMesh({ log, environment: { BLAZON_TUNNEL_IDLE: '1s' } })
    const client = await openEcho(mesh)
    const closed = (): number => log.of('tunnel closed').length
    const opened = (): number => log.of('tunnel open').length
    expect([opened(), closed()]).to.deep.equal([2, 0]) // one, at both ends
    client.socket.end()
    expect(await client.ended).to.equal('end')
    await eventually('the tunnel to close', () => closed() === 2)
    expect(log.of('tunnel closed').map(({ reason }) => reason)).to.deep.equal([
      'draining',
      'draining',
    ])
    const next = await openEcho(mesh)
    expect(opened()).to.equal(4)
    next.socket.end()
    expect(await next.ended).to.equal('end')
  })

  it('reset the client when the application refuses, and say so at both ends', async () => {
    const gone = await startApplication()
    await gone[Symbol.asyncDispose]()
    await using mesh = await startMesh({ application: gone.address })
    const client = connectClient(mesh.entrance, 'hello')
    expect(await client.ended).to.equal('ECONNRESET')
    for (const direction of ['EGRESS', 'INGRESS'] as const) {
      const record = await recordOf(mesh.controller, direction)
      expect(record).to.include({ verdict: 'ALLOW', reason: 'application-refused' })
    }
  })
}).timeout(60_000)

describe('a denied connection', () => {
  it('is refused by the egress before the other side hears of it', async () => {
    await using mesh = await startMesh({ policy: denyAll })
    const client = connectClient(mesh.entrance, 'secret')
    expect(await client.ended).to.equal('ECONNRESET')
    const record = await recordOf(mesh.controller, 'EGRESS')
    expect(record).to.include({
      verdict: 'DENY',
      reason: 'no-policy-matched',
      opened: 1,
      closed: 1,
    })
    expect(record.peerSpiffeId).to.match(/\/workload\/db$/)
    expect(mesh.application.sockets).to.have.lengthOf(0)
    expect(mesh.controller.records.filter(({ direction }) => direction === 'INGRESS')).to.be.empty
  })

  it('is refused by the ingress before the application hears of it, and only the reason goes back', async () => {
    await using mesh = await startMesh()
    const version = mesh.controller.setPolicyFor('db', denyAll)
    await mesh.controller.taken('db', version)
    const client = connectClient(mesh.entrance, 'secret')
    expect(await client.ended).to.equal('ECONNRESET')
    const ingress = await recordOf(mesh.controller, 'INGRESS')
    expect(ingress).to.include({ verdict: 'DENY', reason: 'no-policy-matched', bytesSent: 0 })
    const egress = await recordOf(mesh.controller, 'EGRESS')
    expect(egress).to.include({ verdict: 'DENY', reason: 'no-policy-matched', policy: '' })
    expect(client.text()).to.equal('')
    expect(mesh.application.sockets).to.have.lengthOf(0)
  })

  it('is denied by an explicit deny, under its name', async () => {
    const deny = `${allowWebToDb}---
kind: NetworkPolicy
name: never
spec: { from: { label.app: web }, to: { label.app: db }, action: deny }
`
    await using mesh = await startMesh({ policy: deny })
    expect(await connectClient(mesh.entrance, 'secret').ended).to.equal('ECONNRESET')
    const record = await recordOf(mesh.controller, 'EGRESS')
    expect(record).to.include({ verdict: 'DENY', reason: 'denied-by-policy', policy: 'never' })
  })

  it('never falls back to a plain connection when there is no tunnel', async () => {
    // What listens at the destination is the bare application, without a sidecar.
    await using mesh = await startMesh()
    await using bare = await startApplication()
    await using lone = await startTestSidecar(mesh.controller, {
      name: 'web',
      egress: [bare.address],
      stateDirectory: `${mesh.directory}/lone`,
    })
    await lone.whenReady(AbortSignal.timeout(20_000))
    const [entrance] = lone.egressAddresses
    const client = connectClient(entrance ?? mesh.entrance, 'secret')
    expect(await client.ended).to.equal('ECONNRESET')
    expect(client.text()).to.equal('')
    const record = await recordOf(mesh.controller, 'EGRESS')
    expect(record.verdict).to.equal('DENY')
    expect(record.peerSpiffeId).to.equal('')
    expect(['no-tunnel', 'not-a-tunnel']).to.include(record.reason)
  })
}).timeout(60_000)

describe('an open connection', () => {
  it('is cut when its policy is removed, with the reason at both ends', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    mesh.controller.setPolicy(denyAll)
    expect(await client.ended).to.equal('ECONNRESET')
    for (const direction of ['EGRESS', 'INGRESS'] as const) {
      const record = await recordOf(mesh.controller, direction, ({ closed }) => closed === 1)
      expect(record).to.include({ verdict: 'DENY', reason: 'no-policy-matched', opened: 0 })
    }
  })

  it('stays when another policy allows it as well', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    const version = mesh.controller.setPolicy(
      allowWebToDb.replace('web-to-db', 'other').replace('PORT', String(mesh.port)),
    )
    await eventually(
      'both to take it',
      () => mesh.controller.acknowledged.filter((one) => one.version === version).length === 2,
    )
    client.socket.write(' again')
    await eventually('the echo', () => client.text() === 'hello again')
    client.socket.end()
    await client.ended
  })

  it('is cut at the time its policy expires', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    const expires = new Date(Date.now() + 1_500).toISOString()
    const policy = allowWebToDb.replace('PORT', String(mesh.port))
    mesh.controller.setPolicy(`${policy}  expires: ${expires}\n`)
    expect(await client.ended).to.equal('ECONNRESET')
    expect(Date.now()).to.be.greaterThanOrEqual(Date.parse(expires) - 20)
    const record = await recordOf(mesh.controller, 'EGRESS', ({ closed }) => closed === 1)
    expect(record).to.include({ verdict: 'DENY', reason: 'no-policy-matched' })
  })

  for (const revoked of ['web', 'db']) {
    it(`is cut when ${revoked} is revoked, in less than a second`, async () => {
      const limitMs = 1_000
      const elapsed = await bestOf(5, limitMs, async () => {
        await using mesh = await startMesh()
        const client = await openEcho(mesh)
        mesh.controller.refuseRenewals = true
        const start = performance.now()
        mesh.controller.revoke(revoked)
        expect(await client.ended).to.equal('ECONNRESET')
        const end = performance.now()
        const record = await recordOf(mesh.controller, 'EGRESS', ({ closed }) => closed === 1)
        expect(record).to.include({ verdict: 'DENY', reason: 'below-floor' })
        return end - start
      })
      expect(elapsed).to.be.lessThan(limitMs)
    })
  }

  it('is cut when the issuer of a peer is tainted', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    const { ca } = mesh.controller
    const issuers = new Map(ca.bundle().issuers).set(ca.issuer.keySha256, 'tainted' as const)
    mesh.controller.setBundle(ca.bundle({ version: 2, issuers }))
    expect(await client.ended).to.equal('ECONNRESET')
    const record = await recordOf(mesh.controller, 'EGRESS', ({ closed }) => closed === 1)
    expect(record).to.include({ verdict: 'DENY', reason: 'untrusted-peer' })
  })

  it('is cut when a renewal gives the workload another label', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    const web = mesh.controller.workload('web')
    web.attributes = [{ key: 'label.app', value: 'quarantined', provenance: 'assigned' }]
    web.generation += 1
    mesh.controller.renewNow()
    expect(await client.ended).to.equal('ECONNRESET')
  })

  it('survives a restart of the controller', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    await mesh.controller.stop()
    client.socket.write(', are you there?')
    await eventually('the echo', () => client.text() === 'hello, are you there?')
    const fresh = await openEcho(mesh)
    await mesh.controller.start()
    const seen = mesh.controller.watchOpens.length
    await eventually(
      'both to come back',
      () => mesh.controller.watchOpens.length >= seen + 2,
      30_000,
    )
    client.socket.write(' yes')
    await eventually('the echo', () => client.text() === 'hello, are you there? yes')
    client.socket.end()
    fresh.socket.end()
    await Promise.all([client.ended, fresh.ended])
  })

  it('survives renewals of both ends, in place', async () => {
    await using mesh = await startMesh({
      prepare: (controller) => {
        for (const name of ['web', 'db']) controller.workload(name).ttlMs = 4_000
      },
    })
    const client = await openEcho(mesh)
    const [served] = mesh.application.sockets
    await eventually('six renewals', () => mesh.controller.renewals.length >= 6, 30_000)
    client.socket.write(' again')
    await eventually('the echo', () => client.text() === 'hello again')
    expect(mesh.application.sockets).to.deep.equal([served])
    client.socket.end()
    expect(await client.ended).to.equal('end')
  })
}).timeout(60_000)
