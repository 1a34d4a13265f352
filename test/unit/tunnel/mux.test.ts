import { expect } from 'chai'
import { flag, frameType, initialWindow } from '../../../src/tunnel/frame.ts'
import type { TunnelStream } from '../../../src/tunnel/stream.ts'
import { TunnelError } from '../../../src/tunnel/tunnel-error.ts'
import { reasons } from '../../../src/policy/reason.ts'
import { createMuxEnd, exchange, frameBytes, framesOf, type MuxEnd } from '../../support/mux-end.ts'
import { recorder, type Recorder } from '../../support/tunnel-pair.ts'

const prefix = Buffer.from('HEAD')

function opened(end: MuxEnd, handlers: Recorder = recorder()): TunnelStream {
  const stream = end.mux.open(prefix, handlers)
  if (typeof stream === 'string') throw new Error(`not opened: ${stream}`)
  return stream
}

/** Two ends with one stream, accepted, its prefix taken. */
function pairWithStream(limits = {}): {
  a: MuxEnd
  b: MuxEnd
  near: TunnelStream
  far: TunnelStream
  nearSide: Recorder
  farSide: Recorder
} {
  const a = createMuxEnd('dialler', limits)
  const b = createMuxEnd('acceptor', limits)
  const nearSide = recorder()
  const farSide = recorder()
  const near = opened(a, nearSide)
  exchange(a, b)
  const [far] = b.openings
  if (far === undefined) throw new Error('nothing opened')
  far.discard(prefix.length)
  far.handle(farSide)
  far.accept()
  exchange(a, b)
  return { a, b, near, far, nearSide, farSide }
}

function expectEnd(end: MuxEnd, code: string, reason: string): TunnelError {
  expect(end.ends).to.have.lengthOf(1)
  const { error } = end.ends[0] ?? {}
  expect(error).to.be.instanceOf(TunnelError)
  if (error === undefined) throw new Error('no error')
  expect(error.code).to.equal(code)
  expect(end.ends[0]?.reason).to.equal(reason)
  return error
}

describe('StreamMux', () => {
  it('opens odd ids with SYN on the first data frame, all in one batch', () => {
    const a = createMuxEnd('dialler')
    opened(a).write(Buffer.from('x'))
    opened(a)
    const frames = framesOf(a.turn())
    expect(frames.map(({ type, flags, streamId }) => [type, flags, streamId])).to.deep.equal([
      [frameType.data, flag.syn, 1],
      [frameType.data, 0, 1],
      [frameType.data, flag.syn, 3],
    ])
    expect(frames[0]?.payload.toString()).to.equal('HEAD')
  })

  it('holds data until the stream is accepted, then acknowledges and delivers it', () => {
    const a = createMuxEnd('dialler')
    const b = createMuxEnd('acceptor')
    const nearSide = recorder()
    opened(a, nearSide).write(Buffer.from('early'))
    exchange(a, b)
    const [far] = b.openings
    expect(far?.heldBytes).to.equal(9)
    expect(far?.peek(4)?.toString()).to.equal('HEAD')
    far?.discard(4)
    const farSide = recorder()
    far?.handle(farSide)
    far?.accept()
    expect(Buffer.concat(farSide.received).toString()).to.equal('early')
    const [answer] = framesOf(b.turn())
    expect(answer).to.include({
      type: frameType.windowUpdate,
      flags: flag.ack,
      streamId: 1,
      length: 4,
    })
    expect(far?.bytesIn).to.equal(5)
  })

  it('carries each direction to its end, and forgets a stream after both', () => {
    const { a, b, near, far, nearSide, farSide } = pairWithStream()
    near.write(Buffer.from('request'))
    near.end()
    exchange(a, b)
    expect(farSide.events).to.deep.equal(['end'])
    expect(b.mux.streamCount).to.equal(1)
    far.write(Buffer.from('answer after the end of the request'))
    far.end()
    exchange(a, b)
    expect(Buffer.concat(nearSide.received).toString()).to.match(/^answer/)
    expect(nearSide.events).to.deep.equal(['end'])
    expect([a.mux.streamCount, b.mux.streamCount]).to.deep.equal([0, 0])
  })

  it('sends no more than the window, asks the writer to wait, and drains when credit comes', () => {
    const { a, b, near, far, nearSide, farSide } = pairWithStream({ stagingBytes: 1024 * 1024 })
    far.pause()
    expect(near.write(Buffer.alloc(initialWindow + 1_000, 1))).to.equal(false)
    exchange(a, b)
    expect(far.heldBytes).to.equal(initialWindow)
    expect(near.pendingBytes).to.equal(1_000)
    expect(nearSide.events).to.deep.equal([])
    far.resume()
    exchange(a, b)
    expect(Buffer.concat(farSide.received).length).to.equal(initialWindow + 1_000)
    expect(nearSide.events).to.deep.equal(['drain'])
    expect(near.bytesOut).to.equal(initialWindow + 1_000)
  })

  it('never says drain within the write that said wait', () => {
    const a = createMuxEnd('dialler', { stagingBytes: 64 })
    let writing = false
    let drained = 0
    const stream = opened(
      a,
      recorder({
        onDrain: () => {
          expect(writing).to.equal(false)
          drained += 1
        },
      }),
    )
    for (let i = 0; i < 5; i++) {
      writing = true
      expect(stream.write(Buffer.alloc(100))).to.equal(false)
      writing = false
      a.turn()
    }
    expect(drained).to.equal(5)
  })

  it('stages no more than twice its mark while the socket does not drain', () => {
    const a = createMuxEnd('dialler', { stagingBytes: 100_000 })
    a.writing = false
    const streams = Array.from({ length: 8 }, () => opened(a))
    a.turn()
    for (const stream of streams) while (stream.write(Buffer.alloc(60_000)));
    expect(a.mux.stagedBytes).to.be.within(200_000, 200_000 + 60_000 + 200)
    expect(streams.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0)).to.be.above(0)
  })

  it('asks a stream to wait from its mark on', () => {
    const a = createMuxEnd('dialler', { stagingBytes: 100_000 })
    a.writing = false
    const [one, other] = [opened(a), opened(a)]
    a.turn()
    expect([one.write(Buffer.alloc(60_000)), other.write(Buffer.alloc(60_000))]).to.deep.equal([
      true,
      false,
    ])
    expect(other.pendingBytes).to.equal(0)
  })

  it('lets waiting streams send one frame each in turn', () => {
    const a = createMuxEnd('dialler', { stagingBytes: 1 })
    const streams = [opened(a), opened(a), opened(a)]
    for (const stream of streams) stream.write(Buffer.alloc(150_000))
    const ids = framesOf(a.turn())
      .filter(({ flags }) => flags === 0)
      .map(({ streamId }) => streamId)
    expect(ids).to.deep.equal([1, 3, 5, 1, 3, 5, 1, 3, 5])
  })

  it('stops a caller that writes on after false', () => {
    const { near } = pairWithStream()
    const overrun = (): void => {
      for (let i = 0; i < 100; i++) near.write(Buffer.alloc(100_000))
    }
    expect(overrun).to.throw(TunnelError).with.property('code', 'ERR_WRITE_OVERRUN')
  })

  it('carries the reason of a reset as a number in the length of the window update', () => {
    const { a, b, near, farSide } = pairWithStream()
    near.reset('denied-by-policy')
    const bytes = a.turn()
    expect(framesOf(bytes)[0]).to.include({
      type: frameType.windowUpdate,
      flags: flag.rst,
      length: reasons['denied-by-policy'],
    })
    b.mux.receive(bytes)
    expect(farSide.events).to.deep.equal(['reset denied-by-policy'])
    expect([a.mux.streamCount, b.mux.streamCount]).to.deep.equal([0, 0])
  })

  it('takes a reset without code as a plain one, and an unknown code as a protocol error', () => {
    for (const [code, heard] of [
      [0, 'reset undefined'],
      [9_999, 'reset protocol-error'],
    ] as const) {
      const { a, nearSide } = pairWithStream()
      a.mux.receive(frameBytes(frameType.windowUpdate, flag.rst, 1, code))
      expect(nearSide.events).to.deep.equal([heard])
      expect(a.ends).to.deep.equal([])
    }
  })

  it('calls no handler after a reset', () => {
    const { a, near, nearSide } = pairWithStream()
    near.reset('draining')
    a.mux.receive(frameBytes(frameType.data, flag.fin, 1, 3, Buffer.from('abc')))
    a.mux.receive(frameBytes(frameType.windowUpdate, flag.rst, 1, 0))
    expect(nearSide.events).to.deep.equal([])
    expect(nearSide.received).to.deep.equal([])
    expect(near.write(Buffer.from('x'))).to.equal(false)
  })

  it('keeps a paused stream within its window while another one flows', () => {
    const { a, b, far, near } = pairWithStream()
    const other = recorder()
    const second = opened(a)
    exchange(a, b)
    b.openings[1]?.discard(prefix.length)
    b.openings[1]?.handle(other)
    b.openings[1]?.accept()
    far.pause()
    near.write(Buffer.alloc(400_000))
    for (let i = 0; i < 20; i++) {
      second.write(Buffer.alloc(50_000))
      exchange(a, b)
    }
    expect(Buffer.concat(other.received).length).to.equal(1_000_000)
    expect(far.heldBytes).to.equal(initialWindow)
    expect(b.mux.heldBytes).to.equal(initialWindow)
  })

  it('says end behind all that was written, also what waited for the window', () => {
    const { a, b, near, farSide } = pairWithStream()
    near.write(Buffer.alloc(initialWindow + 100_000))
    near.end()
    expect(near.pendingBytes).to.be.above(0)
    exchange(a, b)
    expect(Buffer.concat(farSide.received).length).to.equal(initialWindow + 100_000)
    expect(farSide.events).to.deep.equal(['end'])
    expect(b.ends).to.deep.equal([])
  })

  it('delivers what was held before it tells the end', () => {
    const { a, b, near, far, farSide } = pairWithStream()
    far.pause()
    near.write(Buffer.from('last words'))
    near.end()
    exchange(a, b)
    expect(farSide.events).to.deep.equal([])
    far.resume()
    expect(Buffer.concat(farSide.received).toString()).to.equal('last words')
    expect(farSide.events).to.deep.equal(['end'])
  })

  it('answers pings and reports answers', () => {
    const a = createMuxEnd('dialler')
    const b = createMuxEnd('acceptor')
    a.mux.ping(77)
    exchange(a, b)
    expect(a.pongs).to.deep.equal([77])
  })

  it('resets all streams at both ends with the reason it is closed for', () => {
    const { a, b, nearSide, farSide } = pairWithStream()
    b.mux.close('below-floor')
    expect(farSide.events).to.deep.equal(['reset below-floor'])
    a.mux.receive(b.turn())
    expect(nearSide.events).to.deep.equal(['reset below-floor'])
    expect(b.ends).to.deep.equal([{ reason: 'below-floor', error: undefined }])
    expect([a.mux.streamCount, b.mux.streamCount]).to.deep.equal([0, 0])
    expect(a.mux.draining).to.equal(true)
    expect(a.mux.open(prefix, recorder())).to.equal('draining')
    expect(b.mux.heldBytes).to.equal(0)
  })

  it('is closed for its own reason, though the owner closes it again for each stream that ends', () => {
    const a = createMuxEnd('dialler')
    let quieter = 0
    const b = createMuxEnd('acceptor', {}, undefined, {
      // What a tunnel does that is to end with its last stream.
      onQuieter: () => {
        quieter += 1
        if (b.mux.draining && b.mux.streamCount === 0) b.mux.close('draining')
      },
    })
    const sides = [recorder(), recorder()]
    for (const side of sides) opened(a, side)
    exchange(a, b)
    const closeAgain = (): void => {
      b.mux.close('internal-error')
    }
    for (const stream of b.openings) {
      stream.handle(recorder({ onReset: closeAgain }))
      stream.accept()
    }
    b.mux.close('below-floor')
    expect(b.ends).to.deep.equal([{ reason: 'below-floor', error: undefined }])
    expect(quieter).to.equal(0)
    const bytes = b.turn()
    expect(framesOf(bytes).filter(({ type }) => type === frameType.goAway)).to.have.lengthOf(1)
    a.mux.receive(bytes)
    for (const { events } of sides) expect(events).to.deep.equal(['reset below-floor'])
  })

  it('says that it was closed by itself, though the owner aborts it when a stream is gone', () => {
    const a = createMuxEnd('dialler')
    opened(
      a,
      recorder({
        onReset: () => {
          a.mux.abort(new TunnelError('ERR_TUNNEL_CLOSED', 'no-tunnel', 'closed by the peer'))
        },
      }),
    )
    a.mux.close('draining')
    expect(a.ends).to.deep.equal([{ reason: 'draining', error: undefined }])
  })

  it('closes once, though a handler tries to open streams meanwhile', () => {
    const a = createMuxEnd('dialler')
    const again: unknown[] = []
    opened(a, recorder({ onReset: () => again.push(a.mux.open(prefix, recorder())) }))
    a.mux.close('draining')
    a.mux.close('draining')
    expect(again).to.deep.equal(['draining'])
    expect(a.ends).to.have.lengthOf(1)
  })
})

describe('StreamMux limits', () => {
  it('resets a stream beyond the limit, and goes on with the others', () => {
    const a = createMuxEnd('dialler')
    const b = createMuxEnd('acceptor', { maxStreams: 2 })
    const third = recorder()
    opened(a)
    opened(a)
    opened(a, third)
    exchange(a, b)
    expect(third.events).to.deep.equal(['reset limit-reached'])
    expect(b.openings).to.have.lengthOf(2)
    expect(b.ends).to.deep.equal([])
  })

  it('opens no more than its own limit', () => {
    const a = createMuxEnd('dialler', { maxStreams: 1 })
    opened(a)
    expect(a.mux.open(prefix, recorder())).to.equal('limit-reached')
  })

  it('resets the stream that passes the cap on held bytes of the whole tunnel', () => {
    const a = createMuxEnd('dialler')
    const b = createMuxEnd('acceptor', { maxHeldBytes: 300_000 })
    const sides = [recorder(), recorder()]
    for (const side of sides) opened(a, side).write(Buffer.alloc(200_000))
    exchange(a, b)
    expect(sides.map(({ events }) => events.filter((event) => event !== 'drain'))).to.deep.equal([
      [],
      ['reset limit-reached'],
    ])
    expect(b.mux.heldBytes).to.be.below(300_000)
    expect(b.ends).to.deep.equal([])
  })

  it('gives up on a peer that asks and does not read', () => {
    const b = createMuxEnd('acceptor', { maxStagedBytes: 10_000 })
    b.writing = false
    for (let i = 0; i < 2_000; i++) b.mux.receive(frameBytes(frameType.ping, flag.syn, 0, i))
    expectEnd(b, 'ERR_TUNNEL_LIMIT', 'limit-reached')
    expect(b.mux.stagedBytes).to.be.below(10_100)
  })
})

describe('StreamMux against rapid reset', () => {
  const open = (id: number): Buffer => frameBytes(frameType.data, flag.syn, id, 4, prefix)
  const reset = (id: number): Buffer => frameBytes(frameType.windowUpdate, flag.rst, id, 0)
  const limits = { uselessStreamsPerSecond: 10, uselessStreamsBurst: 5 }

  /** Streams 1, 3, 5 ... of a peer that opens each only to reset it. */
  function resetter(now: () => number): { end: MuxEnd; resets: (count: number) => void } {
    const end = createMuxEnd('acceptor', limits, undefined, { now })
    let id = -1
    return {
      end,
      resets: (count) => {
        for (let left = count; left > 0; left--) {
          id += 2
          end.mux.receive(Buffer.concat([open(id), reset(id)]))
        }
      },
    }
  }

  it('ends the session beyond the burst, and counts', () => {
    const { end, resets } = resetter(() => 0)
    resets(5)
    expect([end.ends, end.mux.uselessStreams]).to.deep.equal([[], 5])
    resets(1)
    const error = expectEnd(end, 'ERR_FRAME', 'protocol-error')
    expect(error.message).to.contain('opened and reset at once')
    expect(framesOf(end.turn()).at(-1)).to.include({ type: frameType.goAway, length: 1 })
    expect([end.mux.uselessStreams, end.mux.streamCount]).to.deep.equal([6, 0])
    const { length } = end.openings
    resets(100)
    expect(end.openings).to.have.lengthOf(length)
  })

  it('takes so many in each second, and no more for a long rest than the burst', () => {
    let now = 0
    const { end, resets } = resetter(() => now)
    resets(5)
    for (let second = 0; second < 5; second++) {
      now += 500
      resets(5)
    }
    expect(end.ends).to.deep.equal([])
    now += 3_600_000
    resets(5)
    expect(end.ends).to.deep.equal([])
    resets(1)
    expectEnd(end, 'ERR_FRAME', 'protocol-error')
  })

  const others: Readonly<Record<string, (end: MuxEnd, id: number) => void>> = {
    'a reset in the data frame': (end, id) => {
      end.mux.receive(Buffer.concat([open(id), frameBytes(frameType.data, flag.rst, id, 0)]))
    },
    'streams that begin wrongly': (end, id) => {
      end.mux.receive(open(id))
      const stream = end.mux.stream(id)
      if (stream !== undefined) end.mux.refuse(stream, 'protocol-error')
    },
  }
  for (const [name, attack] of Object.entries(others)) {
    it(`ends the session for ${name} as well`, () => {
      const end = createMuxEnd('acceptor', limits)
      for (let id = 1; id <= 9; id += 2) attack(end, id)
      expect(end.ends).to.deep.equal([])
      attack(end, 11)
      expectEnd(end, 'ERR_FRAME', 'protocol-error')
    })
  }

  it('does not count streams that were accepted, or that this end refused', () => {
    const end = createMuxEnd('acceptor', limits)
    for (let id = 1; id < 100; id += 4) {
      end.mux.receive(Buffer.concat([open(id), open(id + 2)]))
      const stream = end.mux.stream(id)
      stream?.handle(recorder())
      stream?.accept()
      end.mux.stream(id + 2)?.reset('denied-by-policy')
      end.mux.receive(Buffer.concat([reset(id), reset(id + 2)]))
    }
    expect([end.ends, end.mux.uselessStreams]).to.deep.equal([[], 0])
  })
})

describe('StreamMux against a peer that breaks the rules', () => {
  const syn = frameBytes(frameType.data, flag.syn, 1, 4, prefix)
  const attacks: readonly { name: string; role?: 'dialler'; bytes: Buffer[]; says: string }[] = [
    {
      name: 'more data than the window, before a byte of it is held',
      bytes: [frameBytes(frameType.data, flag.syn, 1, initialWindow + 1, Buffer.alloc(100))],
      says: 'by the window',
    },
    {
      name: 'a second frame beyond what is left of the window',
      bytes: [syn, frameBytes(frameType.data, 0, 1, initialWindow - 3)],
      says: `expected at most ${String(initialWindow - 4)} bytes`,
    },
    { name: 'an even stream id', bytes: [frameBytes(0, flag.syn, 2, 0)], says: 'odd stream id' },
    { name: 'a stream that is opened twice', bytes: [syn, syn], says: 'expected an id above 1' },
    {
      name: 'an id below one that was used',
      bytes: [frameBytes(0, flag.syn, 5, 0), frameBytes(0, flag.syn, 3, 0)],
      says: 'expected an id above 5',
    },
    { name: 'data for a stream not opened', bytes: [frameBytes(0, 0, 1, 0)], says: 'not opened' },
    { name: 'an ACK from the opener', bytes: [syn, frameBytes(1, flag.ack, 1, 0)], says: 'an ACK' },
    {
      name: 'data after the end',
      bytes: [syn, frameBytes(0, flag.fin, 1, 0), frameBytes(0, 0, 1, 1, Buffer.alloc(1))],
      says: 'data after the end',
    },
    {
      name: 'two ends',
      bytes: [syn, frameBytes(1, flag.fin, 1, 0), frameBytes(1, flag.fin, 1, 0)],
      says: 'a second end',
    },
    {
      name: 'a window beyond 2^32',
      bytes: [syn, frameBytes(1, 0, 1, 0xffffffff)],
      says: 'more than 2^32',
    },
    { name: 'a wrong version', bytes: [Buffer.alloc(12, 1)], says: 'expected version 0' },
    {
      name: 'a stream opened by the accepting end',
      role: 'dialler',
      bytes: [frameBytes(0, flag.syn, 2, 0)],
      says: 'opened by the accepting end',
    },
  ]
  for (const { name, role, bytes, says } of attacks) {
    it(`ends the session for ${name}`, () => {
      const end = createMuxEnd(role ?? 'acceptor')
      for (const chunk of bytes) end.mux.receive(chunk)
      const error = expectEnd(end, 'ERR_FRAME', 'protocol-error')
      expect(error.message).to.contain(says)
      expect(framesOf(end.turn()).at(-1)).to.include({ type: frameType.goAway, length: 1 })
      expect([end.mux.streamCount, end.mux.heldBytes]).to.deep.equal([0, 0])
      end.mux.receive(syn)
      expect(end.mux.streamCount).to.equal(0)
    })
  }

  it('drops late frames of a stream that it has reset', () => {
    const { a, b, far } = pairWithStream()
    far.reset('denied-by-policy')
    b.mux.receive(frameBytes(frameType.data, 0, 1, 5, Buffer.from('abcde')))
    b.mux.receive(frameBytes(frameType.windowUpdate, flag.fin, 1, 9))
    expect([a.ends, b.ends]).to.deep.equal([[], []])
  })

  it('ends with the reason of a go away', () => {
    for (const [code, reason] of [
      [1, 'protocol-error'],
      [2, 'internal-error'],
      [7, 'protocol-error'],
    ] as const) {
      const { a, nearSide } = pairWithStream()
      a.mux.receive(frameBytes(frameType.goAway, 0, 0, code))
      expectEnd(a, 'ERR_TUNNEL_CLOSED', reason)
      expect(nearSide.events).to.deep.equal([`reset ${reason}`])
    }
  })
})
