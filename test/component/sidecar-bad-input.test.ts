import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { flag, frameType, initialWindow } from '../../src/tunnel/frame.ts'
import { encodeStreamHeader } from '../../src/tunnel/proxy-v2.ts'
import { clientHello } from '../support/tunnel-client-hello.ts'
import { connectClient, startMesh, type TestMesh } from '../support/mesh-fixture.ts'
import { frameBytes } from '../support/mux-end.ts'
import { eventually } from '../support/poll.ts'
import { controlStream, helloOf, readToClose, rogueDial } from '../support/rogue-peer.ts'
import { createTestCa } from '../support/test-ca.ts'
import { localIdentity, streamHeader, trustOf } from '../support/tunnel-pair.ts'

/** A handshake, a Hello and the header of a stream have three seconds each; a slow machine has more. */
const handshakeMs = 3_000
const withinMs = 2 * handshakeMs
/** Handshakes of one address that may be under way. */
const mostOfOneSource = 64

/** Counters of the ingress by reason, such as those of refused tunnels. */
async function counted(
  { db }: TestMesh,
  what: 'tunnels_refused' | 'tunnels_closed',
  reason: string,
): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${String(db.statusAddress?.port)}/metrics`)
  const line = `blazon_${what}_total{reason="${reason}"} `
  const found = (await page.text()).split('\n').find((text) => text.startsWith(line))
  return Number(found?.slice(line.length) ?? 0)
}

async function connectRaw(mesh: TestMesh): Promise<Socket> {
  const socket = connect(mesh.ingress)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket.resume()
}

/** Fulfils with how long it took until the socket was closed. */
async function closedWithin(socket: Socket): Promise<number> {
  const startedAt = performance.now()
  // Not by `once`, which rejects on the reset that is one way of being closed.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return performance.now() - startedAt
}

/** A mesh in which a connection stands that is none of the attacker's. */
interface WatchedMesh extends TestMesh {
  /** The honest connection goes on. */
  expectOthersUntouched(): Promise<void>
}

async function startWatchedMesh(): Promise<WatchedMesh> {
  const mesh = await startMesh({ environment: { BLAZON_METRICS_LISTEN: '127.0.0.1:0' } })
  const honest = connectClient(mesh.entrance, '.')
  await eventually('the echo', () => honest.text() === '.')
  return {
    ...mesh,
    expectOthersUntouched: async () => {
      const before = honest.text().length
      honest.socket.write('.')
      await eventually('the echo', () => honest.text().length === before + 1)
    },
    [Symbol.asyncDispose]: async () => {
      honest.socket.destroy()
      await mesh[Symbol.asyncDispose]()
    },
  }
}

describe('what a stranger sends to an ingress', function () {
  this.timeout(60_000)

  let mesh: WatchedMesh
  before(async () => {
    mesh = await startWatchedMesh()
  })
  afterEach('the program has noticed nothing', () => {
    expect(mesh.application.sockets).to.have.lengthOf(1)
  })
  after(() => mesh[Symbol.asyncDispose]())

  const hello = clientHello()
  const unanswered: Readonly<Record<string, () => Promise<Buffer>>> = {
    'nothing at all': async () => Buffer.alloc(0),
    'half a ClientHello': async () => (await hello).subarray(0, 150),
    'the head of a record that never comes': async () => Buffer.from('16030100c8', 'hex'),
  }
  it('is given three seconds for what does not become a ClientHello, and counted', async () => {
    const refused = await counted(mesh, 'tunnels_refused', 'no-tunnel')
    const cut = Object.entries(unanswered).map(async ([what, bytes]) => {
      const socket = await connectRaw(mesh)
      socket.write(await bytes())
      expect(await closedWithin(socket), what).to.be.lessThan(withinMs)
    })
    await Promise.all(cut)
    expect(await counted(mesh, 'tunnels_refused', 'no-tunnel')).to.equal(refused + cut.length)
    await mesh.expectOthersUntouched()
  })

  const wrong: Readonly<Record<string, Buffer>> = {
    'plain HTTP': Buffer.from('GET / HTTP/1.1\r\nHost: db\r\n\r\n'),
    'HTTP/2 in clear': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    SSH: Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'),
    'a PROXY header': Buffer.from('PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n'),
    'a ClientHello of SSL 2': Buffer.concat([
      Buffer.from('802e010002001500000010010080', 'hex'),
      Buffer.alloc(34, 1),
    ]),
    'a record that is no ClientHello': Buffer.from('16030100050200000100', 'hex'),
    garbage: Buffer.concat([Buffer.from([0]), randomBytes(100_000)]),
    zeroes: Buffer.alloc(100_000),
  }
  for (const [what, bytes] of Object.entries(wrong)) {
    it(`is closed at once for ${what}, and counted`, async () => {
      const refused = await counted(mesh, 'tunnels_refused', 'no-tunnel')
      const socket = await connectRaw(mesh)
      socket.write(bytes)
      expect(await closedWithin(socket)).to.be.lessThan(handshakeMs)
      expect(await counted(mesh, 'tunnels_refused', 'no-tunnel')).to.equal(refused + 1)
      await mesh.expectOthersUntouched()
    })
  }

  it('is closed when it is the TLS of others, and counted by what is wrong with it', async () => {
    const stranger = createTestCa()
    const identity = localIdentity(stranger.workload({ name: 'web' }))
    const trust = trustOf(stranger)
    for (const [reason, dial] of [
      [
        'not-a-tunnel',
        () => rogueDial(mesh.ingress.port, identity, trust, { ALPNProtocols: ['h2'] }),
      ],
      ['untrusted-peer', () => rogueDial(mesh.ingress.port, undefined, trust)],
      ['untrusted-peer', () => rogueDial(mesh.ingress.port, identity, trust)],
    ] as const) {
      const refused = await counted(mesh, 'tunnels_refused', reason)
      await readToClose(await dial())
      expect(await counted(mesh, 'tunnels_refused', reason), reason).to.equal(refused + 1)
    }
    await mesh.expectOthersUntouched()
  })

  it('takes no more than its share of the handshakes, and gives it back', async () => {
    const open: Socket[] = []
    for (let count = 0; count < mostOfOneSource; count++) open.push(await connectRaw(mesh))
    const refused = await counted(mesh, 'tunnels_refused', 'limit-reached')
    await closedWithin(await connectRaw(mesh))
    expect(await counted(mesh, 'tunnels_refused', 'limit-reached')).to.equal(refused + 1)
    await mesh.expectOthersUntouched()
    const elapsed = await Promise.all(open.map(closedWithin))
    expect(Math.max(...elapsed)).to.be.lessThan(withinMs)
    const next = await connectRaw(mesh)
    next.write('GET / HTTP/1.1\r\n\r\n')
    await closedWithin(next)
    expect(await counted(mesh, 'tunnels_refused', 'limit-reached')).to.equal(refused + 1)
  })
})

describe('what a workload sends that writes its own sidecar', function () {
  this.timeout(60_000)

  let mesh: WatchedMesh
  before(async () => {
    mesh = await startWatchedMesh()
  })
  after(() => mesh[Symbol.asyncDispose]())

  /** A tunnel under the identity of `web` on which the Hellos have been exchanged. */
  async function dialRogue(hello = true): Promise<TLSSocket> {
    const { ca } = mesh.controller
    const attributes = [{ key: 'label.app', value: 'web', provenance: 'assigned' as const }]
    const identity = localIdentity(ca.workload({ name: 'web', attributes }))
    const socket = await rogueDial(mesh.ingress.port, identity, trustOf(ca))
    if (!hello) return socket
    const { host: address, port } = mesh.ingress
    socket.write(controlStream(helloOf(identity, { endpoint: { address, port } })))
    await once(socket, 'data')
    return socket
  }

  const header = (): Buffer => {
    const { host: address, port } = mesh.ingress
    return encodeStreamHeader(streamHeader({ destination: { address, port } }))
  }
  const opened = (id: number): Buffer => {
    const bytes = header()
    return frameBytes(frameType.data, flag.syn, id, bytes.length, bytes)
  }
  const beyond = initialWindow + 1

  const violations: Readonly<Record<string, () => Buffer>> = {
    'a frame of another version': () => Buffer.from('010000000000000300000000', 'hex'),
    'a frame of an unknown type': () => frameBytes(7, 0, 3, 0),
    'unknown flags': () => frameBytes(frameType.data, 0x10, 3, 0),
    'a stream that is not open': () => frameBytes(frameType.data, 0, 99, 0),
    'a stream with an even number': () => frameBytes(frameType.data, flag.syn, 4, 0),
    'the same stream again': () => Buffer.concat([opened(3), opened(3)]),
    'stream 0': () => frameBytes(frameType.data, flag.syn, 0, 0),
    'a ping on a stream': () => frameBytes(frameType.ping, flag.syn, 3, 0),
    'an answer to a stream of its own': () =>
      Buffer.concat([opened(3), frameBytes(frameType.windowUpdate, flag.ack, 3, 0)]),
    'a payload beyond the window': () =>
      Buffer.concat([opened(3), frameBytes(frameType.data, 0, 3, beyond)]),
    'a payload of 4 GB': () =>
      Buffer.concat([opened(3), frameBytes(frameType.data, 0, 3, 0xffffffff)]),
    'a window of more than 4 GB': () =>
      Buffer.concat([opened(3), frameBytes(frameType.windowUpdate, 0, 3, 0xffffffff)]),
    'data after its end': () =>
      Buffer.concat([
        opened(3),
        frameBytes(frameType.data, flag.fin, 3, 0),
        frameBytes(frameType.data, 0, 3, 1, Buffer.from('x')),
      ]),
  }
  for (const [what, bytes] of Object.entries(violations)) {
    it(`ends its own tunnel when it is ${what}, and is counted`, async () => {
      const ended = await counted(mesh, 'tunnels_closed', 'protocol-error')
      const socket = await dialRogue()
      socket.write(bytes())
      await readToClose(socket)
      expect(await counted(mesh, 'tunnels_closed', 'protocol-error')).to.equal(ended + 1)
      await mesh.expectOthersUntouched()
    })
  }

  it('is given three seconds for its Hello, and counted', async () => {
    const refused = await counted(mesh, 'tunnels_refused', 'protocol-error')
    const socket = await dialRogue(false)
    expect(await closedWithin(socket.resume())).to.be.lessThan(withinMs)
    expect(await counted(mesh, 'tunnels_refused', 'protocol-error')).to.equal(refused + 1)
    await mesh.expectOthersUntouched()
  })

  it('is given three seconds for the header of a stream; others on the same tunnel go on', async () => {
    const socket = await dialRogue()
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    const startedAt = performance.now()
    socket.write(frameBytes(frameType.data, flag.syn, 3, 0))
    const reset = frameBytes(frameType.windowUpdate, flag.rst, 3, 0).subarray(0, 8)
    await eventually('the reset', () => Buffer.concat(chunks).includes(reset))
    expect(performance.now() - startedAt).to.be.lessThan(withinMs)
    chunks.length = 0
    socket.write(opened(5))
    const accepted = frameBytes(frameType.windowUpdate, flag.ack, 5, 0).subarray(0, 8)
    await eventually('the other stream', () => Buffer.concat(chunks).includes(accepted))
    await mesh.expectOthersUntouched()
    socket.destroy()
  })
})
