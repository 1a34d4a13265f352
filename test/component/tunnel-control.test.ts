import { expect } from 'chai'
import { createFloors } from '../../src/identity/index.ts'
import type { LocalIdentity, Trust, Tunnel, TunnelContext } from '../../src/tunnel/index.ts'
import { dialTunnel, TunnelError } from '../../src/tunnel/index.ts'
import { encodeControlMessage, type ReauthenticateMessage } from '../../src/tunnel/control.ts'
import { flag, frameType } from '../../src/tunnel/frame.ts'
import { encodeStreamHeader } from '../../src/tunnel/proxy-v2.ts'
import {
  exporterBytes,
  exporterContext,
  exporterLabel,
  signReauthentication,
} from '../../src/tunnel/reauth.ts'
import { controlMessageCodec } from '../../src/rpc/index.ts'
import { createFakeTimers } from '../support/fake-timers.ts'
import { frameBytes } from '../support/mux-end.ts'
import {
  controlStream,
  helloOf,
  moreControl,
  readToClose,
  rogueDial,
  rogueListen,
} from '../support/rogue-peer.ts'
import { createTestCa, type TestWorkload } from '../support/test-ca.ts'
import {
  connectTunnel,
  listenForTunnels,
  localIdentity,
  recorder,
  streamHeader,
  trustOf,
} from '../support/tunnel-pair.ts'

const ca = createTestCa()
const workloadId = '00112233445566778899aabbccddeeff'
const label = (value: string) => ({ key: 'label.app', value, provenance: 'assigned' as const })
const web = ca.workload({ name: 'web', workloadId, generation: 3, attributes: [label('web')] })
const orders = ca.workload({ name: 'orders', attributes: [label('orders')] })
const renewed = ca.workload({
  name: 'web',
  workloadId,
  generation: 4,
  attributes: [label('web2')],
  ttlMs: 7_200_000,
})

function context(workload: TestWorkload, more: Partial<TunnelContext> = {}): TunnelContext {
  const identity = localIdentity(workload)
  const trust = trustOf(ca)
  return { identity: () => identity, trust: () => trust, ...more }
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

describe('control stream', () => {
  const identity = localIdentity(web)
  const hello = helloOf(identity)
  const notice = encodeControlMessage({ kind: 'notice', streamId: 3, reason: 'draining' })
  const oversized = Buffer.from('00040001', 'hex')
  const violations: Readonly<Record<string, { bytes: Buffer; reason: string }>> = {
    'another message before Hello': { bytes: controlStream(notice), reason: 'protocol-error' },
    'an oversized first message': { bytes: controlStream(oversized), reason: 'protocol-error' },
    'an empty first message': { bytes: controlStream(Buffer.alloc(4)), reason: 'protocol-error' },
    'an unknown field': {
      bytes: controlStream(
        framed(Buffer.concat([hello.subarray(4), Buffer.from('fa0100', 'hex')])),
      ),
      reason: 'protocol-error',
    },
    'Hello of another version': {
      bytes: controlStream(framed(controlMessageCodec.encode({ hello: { version: 2 } }))),
      reason: 'protocol-error',
    },
    'another profile than the certificate proves': {
      bytes: controlStream(helloOf(identity, { profile: renewed.profile.encoded })),
      reason: 'profile-mismatch',
    },
    'a stream before the Hello': {
      bytes: frameBytes(0, 1, 3, 0),
      reason: 'protocol-error',
    },
    'a reset in place of the Hello': {
      bytes: Buffer.concat([frameBytes(1, 1, 1, 0), frameBytes(1, 8, 1, 0)]),
      reason: 'no-tunnel',
    },
    'an end in place of the Hello': { bytes: frameBytes(1, 5, 1, 0), reason: 'protocol-error' },
    garbage: { bytes: Buffer.alloc(64, 0x41), reason: 'protocol-error' },
  }
  for (const [name, { bytes, reason }] of Object.entries(violations)) {
    it(`refuses a tunnel that begins with ${name}`, async () => {
      await using ingress = await listenForTunnels(context(orders))
      const socket = await rogueDial(ingress.port, identity, trustOf(ca))
      socket.write(bytes)
      const received = await readToClose(socket)
      const outcome = await ingress.next()
      expect(outcome).to.be.instanceOf(TunnelError)
      expect(outcome).to.have.property('reason', reason)
      expect(received.includes(orders.profile.encoded)).to.equal(false)
    })

    it(`refuses an accepting end that answers with ${name}`, async () => {
      await using rogue = await rogueListen(identity, trustOf(ca), (socket) => {
        socket.once('data', () => {
          // The control stream is the dialler's: the rogue answers on it, without opening anything.
          const answer = Buffer.from(bytes)
          if (answer[0] === 0) answer.writeUInt16BE(answer.readUInt16BE(2) & ~1, 2)
          socket.write(answer)
        })
      })
      const outcome = await dialTunnel({
        ...context(orders),
        host: '127.0.0.1',
        port: rogue.port,
      }).then(
        () => 'a tunnel',
        (error: unknown) => error,
      )
      expect(outcome).to.be.instanceOf(TunnelError)
    })
  }

  const later: Readonly<Record<string, Buffer>> = {
    'a second Hello': moreControl(hello),
    'an answer to nothing': moreControl(
      encodeControlMessage({ kind: 'result', sequence: 1, refusal: undefined }),
    ),
    'an unknown message': moreControl(framed(Buffer.from('7a00', 'hex'))),
    'the end of the control stream': frameBytes(1, 4, 1, 0),
  }
  for (const [name, bytes] of Object.entries(later)) {
    it(`ends an open tunnel and its streams for ${name}`, async () => {
      await using ingress = await listenForTunnels(context(orders))
      const socket = await rogueDial(ingress.port, identity, trustOf(ca))
      const header = encodeStreamHeader(streamHeader())
      socket.write(controlStream(hello))
      const tunnel = (await ingress.next()) as Tunnel
      const side = recorder()
      const opened = Promise.withResolvers<undefined>()
      tunnel.onStream = (stream) => {
        stream.handle(side)
        stream.accept()
        opened.resolve(undefined)
      }
      socket.write(frameBytes(0, 1, 3, header.length, header))
      await opened.promise
      socket.write(bytes)
      expect((await tunnel.closed).reason).to.equal('protocol-error')
      expect(await side.wasReset).to.equal('protocol-error')
      await readToClose(socket)
    })
  }

  it('carries notices about streams', async () => {
    await using pair = await connectTunnel(context(web), context(orders))
    const { dialler, acceptor } = pair
    const heard = Promise.withResolvers<[number, string]>()
    dialler.onNotice = (id, reason) => {
      heard.resolve([id, reason])
    }
    acceptor.onStream = (stream) => {
      acceptor.notify(stream, 'policy-stale')
    }
    const stream = dialler.openStream(streamHeader(), recorder())
    expect(await heard.promise).to.deep.equal([
      typeof stream === 'string' ? 0 : stream.id,
      'policy-stale',
    ])
  })
}).timeout(30_000)

describe('re-authentication of a tunnel', () => {
  it('takes a renewed identity in place, in both directions, without touching a stream', async () => {
    await using pair = await connectTunnel(context(web), context(orders))
    const { dialler, acceptor } = pair
    const side = recorder()
    acceptor.onStream = (stream) => {
      stream.handle(recorder({ onData: (bytes) => stream.write(bytes) }))
      stream.accept()
    }
    const stream = dialler.openStream(streamHeader(), side)
    if (typeof stream === 'string') throw new Error(stream)
    let changes = 0
    acceptor.onPeerChanged = () => {
      changes += 1
      expect([...acceptor.streams()]).to.have.lengthOf(1)
    }
    await side.accepted
    expect(await dialler.reauthenticate(localIdentity(renewed))).to.equal(undefined)
    expect(changes).to.equal(1)
    expect(acceptor.peer.workload?.generation).to.equal(4)
    expect(acceptor.peerProfile.digest).to.equal(renewed.profile.digest)
    const { workloadId: id } = orders.facts
    const successor = ca.workload({ name: 'orders', workloadId: id, generation: 2 })
    expect(await acceptor.reauthenticate(localIdentity(successor))).to.equal(undefined)
    expect(dialler.peer.workload?.generation).to.equal(2)
    expect(await dialler.reauthenticate(localIdentity(renewed))).to.equal(undefined)
    stream.write(Buffer.from('still here'))
    stream.end()
    expect(side.events).to.deep.equal([])
  })

  it('keeps the old identity where trust does not cover the new one', async () => {
    await using pair = await connectTunnel(context(web), context(orders))
    const unlisted = ca.workload({ name: 'web', workloadId, generation: 4, issuer: ca.addIssuer() })
    expect(await pair.dialler.reauthenticate(localIdentity(unlisted))).to.equal('untrusted-peer')
    expect(pair.acceptor.peer.workload?.generation).to.equal(3)
    expect(await pair.dialler.reauthenticate(localIdentity(renewed))).to.equal(undefined)
    expect(pair.acceptor.peer.workload?.generation).to.equal(4)
  })

  it('ends a tunnel that asks for it too often', async () => {
    await using pair = await connectTunnel(
      context(web),
      context(orders, { limits: { reauthenticationsPerMinute: 2 } }),
    )
    for (let i = 0; i < 2; i++) await pair.dialler.reauthenticate(localIdentity(renewed))
    expect(await pair.dialler.reauthenticate(localIdentity(renewed))).to.not.equal(undefined)
    expect((await pair.acceptor.closed).reason).to.equal('limit-reached')
  })

  /** A tunnel from a hostile client that holds `identity`, with one open stream at the accepting end. */
  async function attack(
    forge: (exporter: (sequence: number) => Buffer) => readonly ReauthenticateMessage[],
  ): Promise<{ tunnel: Tunnel; streamReset: string | undefined; reason: string }> {
    await using ingress = await listenForTunnels(context(orders))
    const socket = await rogueDial(ingress.port, localIdentity(web), trustOf(ca))
    socket.write(controlStream(helloOf(localIdentity(web))))
    const tunnel = (await ingress.next()) as Tunnel
    const side = recorder()
    tunnel.onStream = (stream) => {
      stream.handle(side)
      stream.accept()
    }
    const header = encodeStreamHeader(streamHeader())
    socket.write(frameBytes(0, 1, 3, header.length, header))
    const exporter = (sequence: number): Buffer =>
      socket.exportKeyingMaterial(
        exporterBytes,
        exporterLabel,
        exporterContext('dialler', sequence),
      )
    for (const message of forge(exporter)) socket.write(moreControl(encodeControlMessage(message)))
    const { reason } = await tunnel.closed
    const streamReset = await side.wasReset
    await readToClose(socket)
    return { tunnel, streamReset, reason }
  }

  const proof = (
    identity: LocalIdentity,
    exporter: Buffer,
    change: { sequence?: number; direction?: 'dialler' | 'acceptor' } = {},
  ): ReauthenticateMessage =>
    signReauthentication({ direction: 'dialler', sequence: 1, ...change, exporter, identity })

  const next = localIdentity(renewed)
  const attacks: Readonly<Record<string, Parameters<typeof attack>[0]>> = {
    'signed by the old key': (exporter) => [
      proof({ ...next, privateKey: web.privateKey }, exporter(1)),
    ],
    'replayed from another tunnel': () => [proof(next, Buffer.alloc(32, 1))],
    'replayed on the same tunnel': (exporter) => [
      proof(next, exporter(1)),
      proof(next, exporter(1)),
    ],
    'with a sequence ahead': (exporter) => [proof(next, exporter(2), { sequence: 2 })],
    'of the other direction': (exporter) => [proof(next, exporter(1), { direction: 'acceptor' })],
    'of another workload': (exporter) => [
      proof(localIdentity(ca.workload({ name: 'web', generation: 9 })), exporter(1)),
    ],
    'of a lower generation': (exporter) => [
      proof(localIdentity(ca.workload({ name: 'web', workloadId, generation: 2 })), exporter(1)),
    ],
    'with a profile that the certificate does not prove': (exporter) => [
      proof({ ...next, profile: orders.profile }, exporter(1)),
    ],
  }
  for (const [name, forge] of Object.entries(attacks)) {
    it(`ends the tunnel and its streams over one ${name}`, async () => {
      const { tunnel, streamReset, reason } = await attack(forge)
      const expected = name.includes('profile') ? 'profile-mismatch' : 'untrusted-peer'
      expect([reason, streamReset]).to.deep.equal([expected, expected])
      expect(tunnel.peer.workload?.generation).to.equal(name.includes('same tunnel') ? 4 : 3)
    })
  }

  it('does not accept the message of a real tunnel on another one', async () => {
    await using ingress = await listenForTunnels(context(orders))
    const messages: Buffer[] = []
    for (let i = 0; i < 2; i++) {
      const socket = await rogueDial(ingress.port, localIdentity(web), trustOf(ca))
      socket.write(controlStream(helloOf(localIdentity(web))))
      const tunnel = (await ingress.next()) as Tunnel
      const exporter = socket.exportKeyingMaterial(
        exporterBytes,
        exporterLabel,
        exporterContext('dialler', 1),
      )
      messages.push(moreControl(encodeControlMessage(proof(next, exporter))))
      const [first] = messages
      if (first === undefined) throw new Error('no message')
      socket.write(first)
      if (i === 0) {
        await new Promise<void>((resolve) => {
          tunnel.onPeerChanged = resolve
        })
      } else {
        expect((await tunnel.closed).reason).to.equal('untrusted-peer')
      }
      socket.destroy()
    }
  })
}).timeout(30_000)

describe('life of a tunnel', () => {
  function timed(
    workload: TestWorkload,
    timers = createFakeTimers(ca.now),
    more: Partial<TunnelContext> = {},
  ): TunnelContext {
    const identity = localIdentity(workload)
    const trust = (): Trust => trustOf(ca, { now: timers.now() })
    const limits = { keepAliveMs: 1e12, idleMs: 1e12 }
    return { identity: () => identity, trust, timers, limits, ...more }
  }

  it('ends with the first certificate that expires, and resets its streams', async () => {
    const timers = createFakeTimers(ca.now)
    const shortLived = ca.workload({ name: 'web', ttlMs: 600_000 })
    await using pair = await connectTunnel(timed(shortLived), timed(orders, timers))
    const side = recorder()
    pair.acceptor.onStream = (stream) => {
      stream.accept()
    }
    pair.dialler.openStream(streamHeader(), side)
    timers.advance(pair.acceptor.peer.notAfter - timers.now() - 1)
    expect(pair.acceptor.open).to.equal(true)
    timers.advance(1)
    expect((await pair.acceptor.closed).reason).to.equal('identity-expired')
    expect((await pair.dialler.closed).reason).to.equal('identity-expired')
    expect(await side.wasReset).to.equal('identity-expired')
  })

  it('lives on with a renewed identity, and by its grace', async () => {
    const timers = createFakeTimers(ca.now)
    const first = ca.workload({ name: 'web', workloadId, ttlMs: 600_000 })
    const second = ca.workload({ name: 'web', workloadId, generation: 2, ttlMs: 1_200_000 })
    await using pair = await connectTunnel(
      timed(first),
      timed(orders, timers, { expiryGraceMs: () => 5_000 }),
    )
    expect(await pair.dialler.reauthenticate(localIdentity(second))).to.equal(undefined)
    timers.advance(pair.acceptor.peer.notAfter + 5_000 - timers.now() - 1)
    expect(pair.acceptor.open).to.equal(true)
    timers.advance(1)
    expect((await pair.acceptor.closed).reason).to.equal('identity-expired')
  })

  it('is cut when its peer falls below a floor', async () => {
    let floors = createFloors(1, [])
    const identity = localIdentity(orders)
    await using pair = await connectTunnel(context(web), {
      identity: () => identity,
      trust: () => trustOf(ca, { floors }),
    })
    pair.acceptor.recheck()
    expect(pair.acceptor.open).to.equal(true)
    floors = createFloors(2, [{ workloadId, lowestGoodGeneration: 4, untilMs: ca.now * 2 }])
    pair.acceptor.recheck()
    expect((await pair.acceptor.closed).reason).to.equal('below-floor')
    expect((await pair.dialler.closed).reason).to.equal('below-floor')
  })

  it('is cut when its peer is silent', async () => {
    const timers = createFakeTimers(ca.now)
    await using rogue = await rogueListen(localIdentity(orders), trustOf(ca), (socket) => {
      socket.once('data', () => {
        socket.write(moreControl(helloOf(localIdentity(orders))))
      })
    })
    const tunnel = await dialTunnel({
      ...timed(web, timers, { limits: { keepAliveMs: 1_000 } }),
      host: '127.0.0.1',
      port: rogue.port,
    })
    timers.advance(10_000)
    const end = await tunnel.closed
    expect([end.reason, end.error?.code]).to.deep.equal(['no-tunnel', 'ERR_TUNNEL_CLOSED'])
  })

  it('gives up new streams first when its peer is silent, and none that is established', async () => {
    const timers = createFakeTimers(ca.now)
    const opening = frameBytes(frameType.data, flag.syn, 3, 0).subarray(0, 8)
    await using rogue = await rogueListen(localIdentity(orders), trustOf(ca), (socket) => {
      socket.once('data', () => {
        socket.write(moreControl(helloOf(localIdentity(orders))))
      })
      socket.on('data', (bytes: Buffer) => {
        if (bytes.includes(opening))
          socket.write(frameBytes(frameType.windowUpdate, flag.ack, 3, 0))
      })
    })
    const tunnel = await dialTunnel({
      ...timed(web, timers, { limits: { keepAliveMs: 60_000, answerMs: 1_000 } }),
      host: '127.0.0.1',
      port: rogue.port,
    })
    const [established, unanswered] = [recorder(), recorder()]
    tunnel.openStream(streamHeader(), established)
    await established.accepted
    timers.advance(10_000)
    tunnel.openStream(streamHeader(), unanswered)
    timers.advance(1_999)
    expect([tunnel.open, unanswered.events]).to.deep.equal([true, []])
    timers.advance(1)
    expect(await unanswered.wasReset).to.equal('no-tunnel')
    expect([tunnel.open, tunnel.streamCount, established.events]).to.deep.equal([false, 1, []])
    timers.advance(180_000)
    expect(await established.wasReset).to.equal('no-tunnel')
    expect((await tunnel.closed).reason).to.equal('no-tunnel')
  })

  it('resets all its streams when the connection is gone', async () => {
    await using ingress = await listenForTunnels(context(orders))
    const socket = await rogueDial(ingress.port, localIdentity(web), trustOf(ca))
    socket.write(controlStream(helloOf(localIdentity(web))))
    const tunnel = (await ingress.next()) as Tunnel
    const sides = [recorder(), recorder()]
    const opened = Promise.withResolvers<undefined>()
    tunnel.onStream = (stream) => {
      stream.handle(sides[(stream.id - 3) / 2] ?? recorder())
      stream.accept()
      if (stream.id === 5) opened.resolve(undefined)
    }
    const header = encodeStreamHeader(streamHeader())
    for (const id of [3, 5]) socket.write(frameBytes(0, 1, id, header.length, header))
    await opened.promise
    socket.destroy()
    for (const side of sides) expect(await side.wasReset).to.equal('no-tunnel')
    expect((await tunnel.closed).reason).to.equal('no-tunnel')
  })

  it('takes no new streams once retired, and ends with the last one', async () => {
    await using pair = await connectTunnel(context(web), context(orders))
    const { dialler, acceptor } = pair
    acceptor.onStream = (stream) => {
      stream.handle(
        recorder({
          onEnd: () => {
            stream.end()
          },
        }),
      )
      stream.accept()
    }
    const side = recorder()
    const stream = dialler.openStream(streamHeader(), side)
    if (typeof stream === 'string') throw new Error(stream)
    await side.accepted
    dialler.retire()
    expect(dialler.openStream(streamHeader(), recorder())).to.equal('draining')
    expect(side.events).to.deep.equal([])
    stream.end()
    await side.ended
    expect((await dialler.closed).reason).to.equal('draining')
    expect((await acceptor.closed).reason).to.equal('draining')
    expect(dialler.openStream(streamHeader(), recorder())).to.equal('no-tunnel')
  })
}).timeout(30_000)
