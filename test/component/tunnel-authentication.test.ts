import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { createFloors } from '../../src/identity/index.ts'
import { dialTunnel, TunnelError, type Trust, type TunnelContext } from '../../src/tunnel/index.ts'
import { createFakeTimers } from '../support/fake-timers.ts'
import { createTestCa, type TestLeaf, type TestWorkload } from '../support/test-ca.ts'
import {
  controlStream,
  helloOf,
  readToClose,
  rogueDial,
  rogueListen,
} from '../support/rogue-peer.ts'
import { connectTunnel, listenForTunnels, localIdentity, trustOf } from '../support/tunnel-pair.ts'

/** 2.5.29.37, as DER content. */
const extendedKeyUsageOid = Buffer.from('551d25', 'hex')
const ca = createTestCa()
const workloadId = '00112233445566778899aabbccddeeff'
const label = (value: string) => ({ key: 'label.app', value, provenance: 'assigned' as const })
const web = ca.workload({ name: 'web', attributes: [label('web')] })
const orders = ca.workload({ name: 'orders', attributes: [label('orders')] })

function context(workload: TestWorkload, change: Partial<Trust> = {}): TunnelContext {
  const identity = localIdentity(workload)
  const trust = trustOf(ca, change)
  return { identity: () => identity, trust: () => trust }
}

function expectRefusal(outcome: unknown, reason: string): void {
  expect(outcome).to.be.instanceOf(TunnelError)
  expect(outcome).to.have.property('reason', reason)
}

const dialError = async (port: number, as: TunnelContext): Promise<unknown> =>
  dialTunnel({ ...as, host: '127.0.0.1', port }).then(
    () => 'a tunnel',
    (error: unknown) => error,
  )

describe('tunnel authentication', () => {
  it('tells each end who the other is, with its full profile and endpoint', async () => {
    await using pair = await connectTunnel(context(web), context(orders))
    const { dialler, acceptor, ingress } = pair
    expect(dialler.peer.spiffeId).to.equal(orders.spiffeId)
    expect(acceptor.peer.spiffeId).to.equal(web.spiffeId)
    expect(dialler.peerProfile.digest).to.equal(orders.profile.digest)
    expect(acceptor.peerProfile.digest).to.equal(web.profile.digest)
    const endpoint = { address: '127.0.0.1', port: ingress.port }
    for (const seen of [dialler.localEndpoint, dialler.peerEndpoint, acceptor.peerEndpoint]) {
      expect(seen).to.deep.equal(endpoint)
    }
  })

  it('asks for the identity at each handshake, so that a renewed one is shown', async () => {
    let identity = localIdentity(orders)
    const trust = trustOf(ca)
    await using ingress = await listenForTunnels({ identity: () => identity, trust: () => trust })
    for (const workload of [orders, ca.workload({ name: 'orders' })]) {
      identity = localIdentity(workload)
      const tunnel = await dialTunnel({ ...context(web), host: '127.0.0.1', port: ingress.port })
      expect(tunnel.peer.chain[0]?.equals(workload.chain[0])).to.equal(true)
      tunnel.close('draining')
      await tunnel.closed
    }
  })

  const other = createTestCa()
  const foreign = createTestCa({ trustDomain: 'evil.example' })
  const unlisted = ca.addIssuer()
  const tainted = ca.addIssuer({ state: 'tainted' })
  const floors = createFloors(1, [{ workloadId, lowestGoodGeneration: 2, untilMs: ca.now * 2 }])
  const asWorkload = (leaf: TestLeaf): TestWorkload => ({ ...web, ...leaf })
  const wrong: Readonly<
    Record<string, { workload: TestWorkload; reason: string; trust?: Partial<Trust> }>
  > = {
    'of another authority with our trust domain': {
      workload: other.workload({ name: 'web' }),
      reason: 'untrusted-peer',
    },
    'of another trust domain': {
      workload: foreign.workload({ name: 'web' }),
      reason: 'untrusted-peer',
    },
    'that has expired': {
      workload: ca.workload({
        name: 'web',
        notBefore: ca.now - 7_200_000,
        notAfter: ca.now - 60_000,
      }),
      reason: 'identity-expired',
    },
    'that is not valid yet': {
      workload: ca.workload({
        name: 'web',
        notBefore: ca.now + 3_600_000,
        notAfter: ca.now + 7_200_000,
      }),
      reason: 'clock-skew',
    },
    'below its floor': {
      workload: ca.workload({ name: 'web', workloadId, generation: 1 }),
      reason: 'below-floor',
      trust: { floors },
    },
    'of an issuer that is not listed': {
      workload: ca.workload({ name: 'web', issuer: unlisted }),
      reason: 'untrusted-peer',
    },
    'of a tainted issuer': {
      workload: ca.workload({ name: 'web', issuer: tainted }),
      reason: 'untrusted-peer',
    },
    'without extended key usage': {
      workload: ca.workload({
        name: 'web',
        extensions: (right) => right.filter(({ oid }) => !oid.equals(extendedKeyUsageOid)),
      }),
      reason: 'untrusted-peer',
    },
    'of the controller': { workload: asWorkload(ca.controller()), reason: 'untrusted-peer' },
    'of an administrator': { workload: asWorkload(ca.admin('admin')), reason: 'untrusted-peer' },
    'self-signed': {
      workload: {
        ...web,
        chain: [unlisted.certificate, unlisted.certificate],
        privateKey: unlisted.key,
      },
      reason: 'untrusted-peer',
    },
  }
  for (const [name, { workload, reason, trust }] of Object.entries(wrong)) {
    it(`refuses a dialling end with a certificate ${name}, and shows it no profile`, async () => {
      await using ingress = await listenForTunnels(context(orders, trust))
      const identity = localIdentity(workload)
      const socket = await rogueDial(ingress.port, identity, trustOf(ca))
      if (!socket.destroyed) socket.write(controlStream(helloOf(identity)))
      const received = await readToClose(socket)
      expectRefusal(await ingress.next(), reason)
      expect(received).to.have.lengthOf(0)
      expect(ingress.tunnels).to.have.lengthOf(0)
      expect(ingress.handshakes()).to.equal(0)
    })

    it(`refuses an accepting end with a certificate ${name}, and shows it no profile`, async () => {
      const identity = localIdentity(workload)
      const received: Promise<Buffer>[] = []
      await using rogue = await rogueListen(identity, trustOf(ca), (socket) => {
        received.push(readToClose(socket))
      })
      expectRefusal(await dialError(rogue.port, context(orders, trust)), reason)
      expect(Buffer.concat(await Promise.all(received))).to.have.lengthOf(0)
    })
  }

  it('refuses a client without certificate', async () => {
    await using ingress = await listenForTunnels(context(orders))
    const socket = await rogueDial(ingress.port, undefined, trustOf(ca))
    expect(await readToClose(socket)).to.have.lengthOf(0)
    expectRefusal(await ingress.next(), 'untrusted-peer')
  })

  it('does not show a certificate whose key it does not have', async () => {
    await using ingress = await listenForTunnels(context(orders))
    const stolen = new X509Certificate(web.chain[0])
    expect(stolen.checkPrivateKey(orders.privateKey)).to.equal(false)
    const outcome = await dialError(ingress.port, {
      ...context(web),
      identity: () => ({ ...localIdentity(web), privateKey: orders.privateKey }),
    })
    expectRefusal(outcome, 'internal-error')
    expect(ingress.tunnels).to.have.lengthOf(0)
  })

  for (const [name, protocols] of [
    ['no ALPN', []],
    ['another ALPN', ['h2']],
  ] as const) {
    it(`refuses a client with ${name}`, async () => {
      await using ingress = await listenForTunnels(context(orders))
      const socket = await rogueDial(ingress.port, localIdentity(web), trustOf(ca), {
        ALPNProtocols: [...protocols],
      })
      expect(await readToClose(socket)).to.have.lengthOf(0)
      expectRefusal(await ingress.next(), 'not-a-tunnel')
    })

    it(`refuses a server with ${name}`, async () => {
      await using rogue = await rogueListen(localIdentity(orders), trustOf(ca), () => undefined, {
        ALPNProtocols: [...protocols],
      })
      expectRefusal(await dialError(rogue.port, context(web)), 'not-a-tunnel')
    })
  }

  it('refuses TLS 1.2, from either side', async () => {
    await using ingress = await listenForTunnels(context(orders))
    const older = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
    const socket = await rogueDial(ingress.port, localIdentity(web), trustOf(ca), older)
    expect(await readToClose(socket)).to.have.lengthOf(0)
    expectRefusal(await ingress.next(), 'no-tunnel')
    await using rogue = await rogueListen(
      localIdentity(orders),
      trustOf(ca),
      () => undefined,
      older,
    )
    expectRefusal(await dialError(rogue.port, context(web)), 'no-tunnel')
  })

  it('does not resume a session that a client saved', async () => {
    await using ingress = await listenForTunnels(context(orders))
    const identity = localIdentity(web)
    const sessions: Buffer[] = []
    const first = await rogueDial(ingress.port, identity, trustOf(ca))
    first.on('session', (session) => sessions.push(session))
    first.write(controlStream(helloOf(identity)))
    await ingress.next()
    await once(first, 'data')
    first.destroy()
    for (const session of sessions) {
      const second = await rogueDial(ingress.port, identity, trustOf(ca), { session })
      expect(second.isSessionReused()).to.equal(false)
      expect(second.getPeerX509Certificate()?.raw.equals(orders.chain[0])).to.equal(true)
      second.destroy()
    }
    // Without a certificate, a saved session is worth nothing at all.
    const [session] = sessions
    if (session === undefined) return
    const bare = await rogueDial(ingress.port, undefined, trustOf(ca), {
      session,
      minVersion: 'TLSv1.3',
    })
    expect(await readToClose(bare)).to.have.lengthOf(0)
    expect(ingress.tunnels).to.have.lengthOf(1)
  })

  it('closes connections beyond its cap on handshakes, and those that stall', async () => {
    const timers = createFakeTimers()
    await using ingress = await listenForTunnels({
      ...context(orders),
      maxHandshakes: 1,
      handshakeMs: 300,
      timers,
    })
    const stalled = connectTcp(ingress.port, '127.0.0.1')
    stalled.on('error', () => undefined)
    await once(stalled, 'connect')
    const stalledOutcome = ingress.next()
    const second = connectTcp(ingress.port, '127.0.0.1')
    second.on('error', () => undefined)
    expectRefusal(await ingress.next(), 'limit-reached')
    timers.advance(300)
    expectRefusal(await stalledOutcome, 'no-tunnel')
    expect(ingress.handshakes()).to.equal(0)
    stalled.destroy()
    second.destroy()
    const tunnel = await dialTunnel({ ...context(web), host: '127.0.0.1', port: ingress.port })
    tunnel.close('draining')
    await tunnel.closed
  })

  it('closes plain text and garbage', async () => {
    await using ingress = await listenForTunnels(context(orders))
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001\u0000\u0005hello']) {
      const socket = connectTcp(ingress.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(bytes, 'latin1')
      socket.resume()
      expectRefusal(await ingress.next(), 'no-tunnel')
      if (!socket.destroyed) await once(socket, 'close')
    }
  })

  it('gives up dialling when asked to, and when nobody answers the handshake', async () => {
    await using rogue = await rogueListen(localIdentity(orders), trustOf(ca), () => undefined)
    const aborted = dialTunnel({
      ...context(web),
      host: '127.0.0.1',
      port: rogue.port,
      signal: AbortSignal.abort(),
    }).catch((error: unknown) => error)
    expectRefusal(await aborted, 'no-tunnel')
    const silent = await dialError(rogue.port, { ...context(web), limits: { helloMs: 100 } })
    expectRefusal(silent, 'protocol-error')
  })
}).timeout(30_000)
