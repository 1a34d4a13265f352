import { expect } from 'chai'
import type { StreamHandlers, Tunnel, TunnelContext, TunnelStream } from '../../src/tunnel/index.ts'
import { createFakeTimers } from '../support/fake-timers.ts'
import { eventually } from '../support/poll.ts'
import { createTestCa } from '../support/test-ca.ts'
import { connectTunnel, localIdentity, streamHeader, trustOf } from '../support/tunnel-pair.ts'

const ca = createTestCa()
const trust = trustOf(ca)
const nothing = (): void => undefined
const silent: StreamHandlers = {
  onData: nothing,
  onEnd: nothing,
  onReset: nothing,
  onDrain: nothing,
}

function context(name: string, more: Partial<TunnelContext> = {}): TunnelContext {
  const identity = localIdentity(ca.workload({ name }))
  return { identity: () => identity, trust: () => trust, ...more }
}

/** Opens `count` streams in batches that the socket keeps up with, and does with each as asked. */
async function openMany(
  tunnel: Tunnel,
  count: number,
  use: (stream: TunnelStream) => void,
  handlers: StreamHandlers = silent,
): Promise<void> {
  for (let opened = 0; opened < count && tunnel.open;) {
    for (let batch = 0; batch < 500; batch++) {
      const stream = tunnel.openStream(streamHeader(), handlers)
      if (typeof stream === 'string') break
      opened += 1
      use(stream)
    }
    await new Promise(setImmediate)
  }
}

describe('a storm of connections', () => {
  // Time stands still at the accepting end: all of it counts as within one moment.
  const timers = (): TunnelContext => context('orders', { timers: createFakeTimers() })

  it('passes when it is honest: 20,000 that are served, and 10,000 that a dying program gives up', async () => {
    await using pair = await connectTunnel(context('web'), timers())
    const { dialler, acceptor } = pair
    let ended = 0
    acceptor.onStream = (stream) => {
      stream.handle(silent)
      stream.accept()
      stream.end()
    }
    await openMany(
      dialler,
      20_000,
      (stream) => {
        stream.end()
      },
      { ...silent, onEnd: () => (ended += 1) },
    )
    await eventually('all of them to end', () => ended === 20_000, 30_000)
    expect([acceptor.streamCount, acceptor.uselessStreams]).to.deep.equal([0, 0])

    const dying: TunnelStream[] = []
    acceptor.onStream = nothing
    await openMany(dialler, 10_000, (stream) => dying.push(stream))
    for (const stream of dying) stream.reset()
    await eventually('all of them to be given up', () => acceptor.uselessStreams === 10_000, 30_000)
    expect([acceptor.open, acceptor.streamCount]).to.deep.equal([true, 0])
  })

  it('ends the tunnel when each stream is reset as soon as it is opened', async () => {
    await using pair = await connectTunnel(context('web'), timers())
    const { dialler, acceptor } = pair
    let asked = 0
    acceptor.onStream = () => {
      asked += 1
    }
    await openMany(dialler, 40_000, (stream) => {
      stream.reset()
    })
    const end = await acceptor.closed
    expect(end.reason).to.equal('protocol-error')
    expect(end.error?.message).to.contain('opened and reset at once')
    expect((await dialler.closed).reason).to.equal('protocol-error')
    expect(acceptor.uselessStreams).to.equal(10_001)
    expect(asked).to.be.at.most(10_001)
  })
}).timeout(60_000)

describe('an idle tunnel', () => {
  const idle = (name: string, timers: ReturnType<typeof createFakeTimers>): TunnelContext =>
    context(name, { timers, limits: { idleMs: 60_000, keepAliveMs: 1e12, answerMs: 1e12 } })

  it('is closed by the end that dialled it, not while it carries a stream', async () => {
    const timers = createFakeTimers()
    await using pair = await connectTunnel(idle('web', timers), idle('orders', createFakeTimers()))
    const { dialler, acceptor } = pair
    const served = Promise.withResolvers<TunnelStream>()
    acceptor.onStream = (stream) => {
      stream.handle(silent)
      stream.accept()
      served.resolve(stream)
    }
    timers.advance(59_999)
    const stream = dialler.openStream(streamHeader(), silent)
    if (typeof stream === 'string') throw new Error(stream)
    timers.advance(600_000)
    expect(dialler.open).to.equal(true)
    stream.end()
    const far = await served.promise
    far.end()
    await eventually('the stream to be over', () => dialler.streamCount === 0)
    timers.advance(59_999)
    expect(dialler.open).to.equal(true)
    timers.advance(1)
    expect(dialler.open).to.equal(false)
    expect(await dialler.closed).to.deep.equal({ reason: 'draining', error: undefined })
    expect((await acceptor.closed).reason).to.equal('draining')
    expect(timers.pending).to.be.at.most(1) // the time that the socket has to close
  })

  it('is closed by the accepting end after twice as long, whatever its dialler does', async () => {
    const timers = createFakeTimers()
    await using pair = await connectTunnel(idle('web', createFakeTimers()), idle('orders', timers))
    timers.advance(119_999)
    expect(pair.acceptor.open).to.equal(true)
    timers.advance(1)
    expect((await pair.acceptor.closed).reason).to.equal('draining')
    expect((await pair.dialler.closed).reason).to.equal('draining')
  })
}).timeout(20_000)
