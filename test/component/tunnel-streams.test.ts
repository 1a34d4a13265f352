import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { StreamHeader, TunnelContext, TunnelStream } from '../../src/tunnel/index.ts'
import { createTestCa } from '../support/test-ca.ts'
import {
  connectTunnel,
  localIdentity,
  recorder,
  streamHeader,
  trustOf,
  type TunnelPair,
} from '../support/tunnel-pair.ts'

const ca = createTestCa()
const identities = ['web', 'orders'].map((name) => localIdentity(ca.workload({ name })))
const trust = trustOf(ca)

function pairOfTunnels(limits: TunnelContext['limits'] = {}): Promise<TunnelPair> {
  const [web, orders] = identities
  if (web === undefined || orders === undefined) throw new Error('no identities')
  return connectTunnel(
    { identity: () => web, trust: () => trust },
    { identity: () => orders, trust: () => trust, limits },
  )
}

function opened(result: TunnelStream | string): TunnelStream {
  if (typeof result === 'string') throw new Error(`not opened: ${result}`)
  return result
}

/** The next stream that the accepting end is asked about. */
function nextStream(pair: TunnelPair): Promise<{ stream: TunnelStream; header: StreamHeader }> {
  return new Promise((resolve) => {
    pair.acceptor.onStream = (stream, header) => {
      resolve({ stream, header })
    }
  })
}

describe('tunnel streams', () => {
  it('bring their header, and hold data until they are accepted', async () => {
    await using pair = await pairOfTunnels()
    const header = streamHeader({
      source: { address: '2001:db8::1', port: 1 },
      destination: { address: '2001:db8::2', port: 443 },
    })
    const near = recorder()
    const asked = nextStream(pair)
    const stream = opened(pair.dialler.openStream(header, near, Buffer.from('first')))
    const { stream: far, header: seen } = await asked
    expect(seen).to.deep.equal(header)
    expect([far.heldBytes, far.isOpening]).to.deep.equal([5, true])
    const side = recorder({
      onEnd: () => {
        far.end()
      },
    })
    far.handle(side)
    far.accept()
    await near.accepted
    stream.end()
    expect((await side.ended).toString()).to.equal('first')
    await near.ended
    expect([stream.bytesOut, far.bytesIn, pair.dialler.streamCount]).to.deep.equal([5, 5, 0])
  })

  it('are reset with the reason that the accepting end gives', async () => {
    await using pair = await pairOfTunnels()
    const near = recorder()
    pair.acceptor.onStream = (stream) => {
      stream.reset('no-policy-matched')
    }
    const stream = opened(pair.dialler.openStream(streamHeader(), near, Buffer.alloc(100_000)))
    expect(await near.wasReset).to.equal('no-policy-matched')
    expect(stream.closed).to.equal(true)
    expect(near.received).to.deep.equal([])
  })

  for (const [name, cut] of [
    ['dialling', (near: TunnelStream) => near],
    ['accepting', (_near: TunnelStream, far: TunnelStream) => far],
  ] as const) {
    it(`carry the reason of a reset by the ${name} end, or none`, async () => {
      await using pair = await pairOfTunnels()
      for (const reason of ['below-floor', undefined] as const) {
        const sides = [recorder(), recorder()] as const
        const asked = nextStream(pair)
        const near = opened(pair.dialler.openStream(streamHeader(), sides[0]))
        const { stream: far } = await asked
        far.handle(sides[1])
        far.accept()
        const cutter = cut(near, far)
        cutter.reset(reason)
        expect(await sides[cutter === near ? 1 : 0].wasReset).to.equal(reason)
      }
    })

    it(`stay half open when the ${name} end has ended`, async () => {
      await using pair = await pairOfTunnels()
      const sides = [recorder(), recorder()] as const
      const asked = nextStream(pair)
      const near = opened(pair.dialler.openStream(streamHeader(), sides[0]))
      const { stream: far } = await asked
      far.handle(sides[1])
      far.accept()
      const first = cut(near, far)
      const [second, firstSide, secondSide] =
        first === near ? [far, sides[0], sides[1]] : [near, sides[1], sides[0]]
      first.end()
      await secondSide.ended
      second.write(Buffer.from('an answer after the end'))
      second.end()
      expect((await firstSide.ended).toString()).to.equal('an answer after the end')
    })
  }

  it('let a slow reader stall only itself', async () => {
    await using pair = await pairOfTunnels()
    const slow = recorder()
    const fast = recorder()
    const streams: TunnelStream[] = []
    pair.acceptor.onStream = (stream) => {
      streams.push(stream)
      stream.handle(streams.length === 1 ? slow : fast)
      if (streams.length === 1) stream.pause()
      stream.accept()
    }
    const megabyte = randomBytes(1_000_000)
    const stalled = opened(pair.dialler.openStream(streamHeader(), recorder(), megabyte))
    stalled.end()
    const flowing = opened(pair.dialler.openStream(streamHeader(), recorder(), megabyte))
    flowing.end()
    expect((await fast.ended).equals(megabyte)).to.equal(true)
    expect(slow.received).to.deep.equal([])
    const [first] = streams
    expect(first?.heldBytes).to.equal(256 * 1024)
    first?.resume()
    expect((await slow.ended).equals(megabyte)).to.equal(true)
  })

  it('transfer 100 MB without losing or changing a byte', async () => {
    await using pair = await pairOfTunnels()
    const chunk = randomBytes(100_000)
    const rounds = 1_000
    const sent = createHash('sha256')
    const seen = createHash('sha256')
    let bytes = 0
    const done = Promise.withResolvers<undefined>()
    pair.acceptor.onStream = (stream) => {
      stream.handle({
        onData: (data) => {
          seen.update(data)
          bytes += data.length
        },
        onEnd: () => {
          done.resolve(undefined)
        },
        onReset: (reason) => {
          done.reject(new Error(String(reason)))
        },
        onDrain: () => undefined,
      })
      stream.accept()
    }
    let round = 0
    const pump = (): void => {
      while (round < rounds) {
        round += 1
        chunk.writeUInt32BE(round, 0)
        sent.update(chunk)
        if (!stream.write(chunk)) return
      }
      stream.end()
    }
    const stream = opened(pair.dialler.openStream(streamHeader(), recorder({ onDrain: pump })))
    pump()
    await done.promise
    expect(bytes).to.equal(100_000_000)
    expect(stream.bytesOut).to.equal(100_000_000)
    expect(seen.digest('hex')).to.equal(sent.digest('hex'))
  }).timeout(60_000)

  it('beyond the limit are reset, and the others live', async () => {
    await using pair = await pairOfTunnels({ maxStreams: 3 })
    pair.acceptor.onStream = (stream) => {
      stream.handle(recorder({ onData: (bytes) => stream.write(bytes) }))
      stream.accept()
    }
    const echoed = Promise.withResolvers<string>()
    const first = recorder({
      onData: (bytes) => {
        echoed.resolve(bytes.toString())
      },
    })
    const kept = opened(pair.dialler.openStream(streamHeader(), first))
    opened(pair.dialler.openStream(streamHeader(), recorder()))
    const third = recorder()
    opened(pair.dialler.openStream(streamHeader(), third))
    expect(await third.wasReset).to.equal('limit-reached')
    kept.write(Buffer.from('alive'))
    expect(await echoed.promise).to.equal('alive')
  })
}).timeout(30_000)
