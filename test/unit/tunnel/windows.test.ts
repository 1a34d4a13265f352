import { expect } from 'chai'
import { flag, frameType, initialWindow, largestWindow } from '../../../src/tunnel/frame.ts'
import type { TunnelLimits } from '../../../src/tunnel/limits.ts'
import type { TunnelStream } from '../../../src/tunnel/stream.ts'
import { createMuxEnd, frameBytes, framesOf, type MuxEnd } from '../../support/mux-end.ts'
import { recorder } from '../../support/tunnel-pair.ts'

/** An accepting end with a clock of the test's, and a peer that sends as much as it may. */
function receiver(limits: Partial<TunnelLimits> = {}): {
  end: MuxEnd
  open: (id: number) => TunnelStream
  send: (id: number, bytes: number) => void
  advance: (ms: number) => void
} {
  let now = 0
  const end = createMuxEnd('acceptor', limits, undefined, { now: () => now })
  return {
    end,
    open: (id) => {
      end.mux.receive(frameBytes(frameType.data, flag.syn, id, 0))
      const stream = end.mux.stream(id)
      if (stream === undefined) throw new Error('not opened')
      stream.handle(recorder())
      stream.accept()
      return stream
    },
    send: (id, bytes) => {
      end.mux.receive(frameBytes(frameType.data, 0, id, bytes, Buffer.alloc(bytes)))
    },
    advance: (ms) => {
      now += ms
    },
  }
}

describe('windows of streams', () => {
  it('grow by doubling while half of them is taken at once, and no further than the largest', () => {
    const { end, open, send } = receiver()
    const stream = open(1)
    const seen = new Set<number>()
    for (let sent = 0; sent < 3 * largestWindow; sent += 64 * 1024) {
      send(1, 64 * 1024)
      seen.add(stream.window)
    }
    const doublings = [1, 2, 4, 8, 16].map((factor) => factor * initialWindow)
    expect([...seen]).to.deep.equal(doublings)
    expect(end.mux.grownBytes).to.equal(largestWindow - initialWindow)
    expect(end.ends).to.deep.equal([])
  })

  it('are given to the peer as they grow, and not a byte more', () => {
    const { end, open, send } = receiver()
    open(1)
    for (let sent = 0; sent < initialWindow / 2; sent += 64 * 1024) send(1, 64 * 1024)
    const credits = framesOf(end.turn()).filter(({ type }) => type === frameType.windowUpdate)
    expect(credits.map(({ length }) => length)).to.deep.equal([0, initialWindow * 1.5])
    const rest = initialWindow * 2
    end.mux.stream(1)?.pause()
    end.mux.receive(frameBytes(frameType.data, 0, 1, rest, Buffer.alloc(rest)))
    expect(end.mux.closed).to.equal(false)
    send(1, 1)
    expect(end.ends[0]?.error?.message).to.contain('by the window')
  })

  it('stay where a stream takes its time', () => {
    const { end, open, send, advance } = receiver()
    const stream = open(1)
    for (let round = 0; round < 20; round++) {
      advance(30)
      send(1, initialWindow / 2)
    }
    expect([stream.window, end.mux.grownBytes]).to.deep.equal([initialWindow, 0])
  })

  it('grow at that pace where the path is long', () => {
    const { end, open, send, advance } = receiver()
    end.mux.ping(1)
    advance(100)
    end.mux.receive(frameBytes(frameType.ping, flag.ack, 0, 1))
    const stream = open(1)
    advance(300)
    send(1, initialWindow / 2)
    expect(stream.window).to.equal(2 * initialWindow)
  })

  it('do not grow for a peer that answers what nobody asked, or answers late', () => {
    const { end, open, send, advance } = receiver()
    end.mux.ping(1)
    advance(3_600_000)
    end.mux.receive(frameBytes(frameType.ping, flag.ack, 0, 1))
    end.mux.receive(frameBytes(frameType.ping, flag.ack, 0, 1))
    const stream = open(1)
    advance(10_000)
    send(1, initialWindow / 2)
    expect(stream.window).to.equal(initialWindow)
  })

  it('do not grow while the reader is slow', () => {
    const { open, send } = receiver()
    const stream = open(1)
    stream.pause()
    send(1, initialWindow)
    expect(stream.window).to.equal(initialWindow)
  })

  it('together grow no further than the limit, and give back what a closed stream had', () => {
    const { end, open, send } = receiver({ maxGrownBytes: 3 * initialWindow })
    const streams = [1, 3, 5, 7].map(open)
    const fill = (): void => {
      for (const { id } of streams) send(id, initialWindow / 2)
    }
    fill()
    expect(streams.map(({ window }) => window / initialWindow)).to.deep.equal([2, 2, 2, 1])
    expect(end.mux.growthRefusals).to.equal(1)
    streams[0]?.reset()
    expect(end.mux.grownBytes).to.equal(2 * initialWindow)
    send(7, initialWindow / 2)
    expect(streams[3]?.window).to.equal(2 * initialWindow)
    expect(end.mux.growthRefusals).to.equal(1)
  })
})

describe('bulk in a tunnel', () => {
  it('is counted at the receiving end from the first window that grows, until its stream is over', () => {
    const { end, open, send } = receiver()
    const stream = open(1)
    send(1, 1_000)
    expect(end.mux.bulkStreams).to.equal(0)
    send(1, initialWindow / 2)
    expect(end.mux.bulkStreams).to.equal(1)
    stream.reset()
    expect(end.mux.bulkStreams).to.equal(0)
  })

  it('is counted at the sending end when the peer grants more than the initial window', () => {
    const end = createMuxEnd('dialler')
    const stream = end.mux.open(Buffer.from('HEAD'), recorder())
    if (typeof stream === 'string') throw new Error(stream)
    end.mux.receive(frameBytes(frameType.windowUpdate, flag.ack, 1, 4))
    expect(end.mux.bulkStreams).to.equal(0)
    end.mux.receive(frameBytes(frameType.windowUpdate, 0, 1, initialWindow))
    expect(end.mux.bulkStreams).to.equal(1)
    end.mux.close('draining')
    expect(end.mux.bulkStreams).to.equal(0)
  })
})
