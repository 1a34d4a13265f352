import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect } from 'chai'
import { dialTunnel, TunnelError, type Tunnel, type TunnelContext } from '../../src/tunnel/index.ts'
import { clientHello } from '../support/tunnel-client-hello.ts'
import { createFakeTimers } from '../support/fake-timers.ts'
import { eventually } from '../support/poll.ts'
import { createTestCa, type TestWorkload } from '../support/test-ca.ts'
import { listenForTunnels, localIdentity, trustOf, type Ingress } from '../support/tunnel-pair.ts'

const ca = createTestCa()
const web = ca.workload({ name: 'web' })
const orders = ca.workload({ name: 'orders' })

function context(workload: TestWorkload): TunnelContext {
  const identity = localIdentity(workload)
  const trust = trustOf(ca)
  return { identity: () => identity, trust: () => trust }
}

async function connectRaw(ingress: Ingress, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: ingress.port, localAddress })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

function expectRefusal(outcome: unknown, reason: string): void {
  expect(outcome).to.be.instanceOf(TunnelError)
  expect(outcome).to.have.property('reason', reason)
}

describe('a peer that hangs up in the middle of the handshake', () => {
  // Far beyond what any of these tests may take: the slot has to be free without it.
  const handshakeMs = 100_000
  const departures: Readonly<Record<string, (socket: Socket) => void>> = {
    'with a FIN': (socket) => {
      socket.end()
    },
    'with a RST': (socket) => {
      socket.resetAndDestroy()
    },
  }
  const moments: Readonly<Record<string, (socket: Socket, hello: Buffer) => Promise<unknown>>> = {
    'before a byte': async () => await Promise.resolve(),
    'within its ClientHello': async (socket, hello) => {
      await new Promise((resolve) => socket.write(hello.subarray(0, 100), resolve))
    },
    'after the answer to its ClientHello': async (socket, hello) => {
      socket.write(hello)
      await once(socket, 'data')
    },
  }
  for (const [when, go] of Object.entries(moments)) {
    for (const [how, leave] of Object.entries(departures)) {
      it(`frees its slot at once when it leaves ${when} ${how}`, async () => {
        const hello = await clientHello()
        await using ingress = await listenForTunnels({ ...context(orders), handshakeMs })
        const socket = await connectRaw(ingress)
        await eventually('the handshake', () => ingress.handshakes() === 1)
        await go(socket, hello)
        leave(socket)
        socket.resume()
        expectRefusal(await ingress.next(), 'no-tunnel')
        expect(ingress.handshakes()).to.equal(0)
        socket.destroy()
      })
    }
  }
}).timeout(20_000)

describe('handshakes under way', () => {
  it('have three seconds', async () => {
    const timers = createFakeTimers()
    await using ingress = await listenForTunnels({ ...context(orders), timers })
    const socket = await connectRaw(ingress)
    await eventually('the handshake', () => ingress.handshakes() === 1)
    timers.advance(2_999)
    await new Promise(setImmediate)
    expect(ingress.refusals).to.deep.equal([])
    timers.advance(1)
    expectRefusal(await ingress.next(), 'no-tunnel')
    if (!socket.destroyed) await once(socket.resume(), 'close')
  })

  it('of one source leave room for the others', async () => {
    await using ingress = await listenForTunnels({ ...context(orders), maxHandshakes: 8 })
    const hog = [await connectRaw(ingress), await connectRaw(ingress)]
    await eventually('both handshakes', () => ingress.handshakes() === 2)
    const held = [ingress.next(), ingress.next()]
    hog.push(await connectRaw(ingress))
    expectRefusal(await ingress.next(), 'limit-reached')
    expect(ingress.handshakes()).to.equal(2)

    const to = { host: '127.0.0.1', port: ingress.port }
    const tunnel = await dialTunnel({ ...context(web), ...to, localAddress: '127.0.0.2' })
    await ingress.next()
    expect(tunnel.open).to.equal(true)
    tunnel.close('draining')
    for (const socket of hog) socket.destroy()
    for (const outcome of await Promise.all(held)) expectRefusal(outcome, 'no-tunnel')

    const after = await dialTunnel({ ...context(web), ...to })
    expect(after.open).to.equal(true)
    after.close('draining')
  })
}).timeout(20_000)

describe('a tunnel whose peer hangs up', () => {
  it('ends at once, though the listener is open for half-close', async () => {
    await using ingress = await listenForTunnels(context(orders))
    const forwarded: Socket[] = []
    const forwarder = createServer({ allowHalfOpen: true }, (socket) => {
      const onward = connect({ host: '127.0.0.1', port: ingress.port })
      forwarded.push(socket, onward)
      for (const one of [socket, onward]) one.on('error', () => undefined)
      socket.pipe(onward)
      onward.pipe(socket)
    }).listen(0, '127.0.0.1')
    await once(forwarder, 'listening')
    const { port } = forwarder.address() as AddressInfo
    const [near, far] = await Promise.all([
      dialTunnel({ ...context(web), host: '127.0.0.1', port }),
      ingress.next() as Promise<Tunnel>,
    ])
    const [, onward] = forwarded
    onward?.end()
    expect((await far.closed).reason).to.equal('no-tunnel')
    for (const socket of forwarded) socket.destroy()
    await near.closed
    forwarder.close()
    await once(forwarder, 'close')
  })
}).timeout(20_000)
