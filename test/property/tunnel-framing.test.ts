import { expect } from 'chai'
import fc from 'fast-check'
import { headerBytes, initialWindow } from '../../src/tunnel/frame.ts'
import type { TunnelStream } from '../../src/tunnel/stream.ts'
import { createMuxEnd, frameBytes, framesOf, type MuxEnd } from '../support/mux-end.ts'
import { propertyRuns } from '../support/property-runs.ts'

/** An accepting end that takes every stream and writes down what it hears, byte runs joined. */
function listener(limits = {}): { end: MuxEnd; heard: () => unknown } {
  const streams = new Map<number, { data: Buffer[]; events: string[] }>()
  const end = createMuxEnd('acceptor', limits, (stream) => {
    const entry = { data: [] as Buffer[], events: [] as string[] }
    streams.set(stream.id, entry)
    stream.handle({
      onData: (bytes) => entry.data.push(Buffer.from(bytes)),
      onEnd: () => entry.events.push('end'),
      onReset: (reason) => entry.events.push(`reset ${String(reason)}`),
      onDrain: () => undefined,
    })
    stream.accept()
  })
  const heard = (): unknown => ({
    streams: [...streams].map(([id, { data, events }]) => [
      id,
      Buffer.concat(data).toString('hex'),
      events,
    ]),
    ends: end.ends.map(({ reason, error }) => [reason, error?.message]),
  })
  return { end, heard }
}

const streamId = fc.integer({ min: 0, max: 9 })
const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
/** Mostly sensible frames, some of them at odds with the rules. */
const frame = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(streamId, payload)
      .map(([id, bytes]) => frameBytes(0, 1, id * 2 + 1, bytes.length, bytes)),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0, 0, 4, 8), streamId, payload)
      .map(([flags, id, bytes]) => frameBytes(0, flags, id * 2 + 1, bytes.length, bytes)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0, 4, 8), streamId, fc.nat(200))
      .map(([flags, id, length]) => frameBytes(1, flags, id * 2 + 1, length)),
  },
  { weight: 2, arbitrary: fc.nat().map((value) => frameBytes(2, 1, 0, value)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(5), fc.nat(20), fc.nat(12), fc.nat())
      .map((fields) => frameBytes(...fields)),
  },
)
const frames = fc.array(frame, { maxLength: 40, size: 'max' }).map((list) => Buffer.concat(list))

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((to, index) => bytes.subarray(at[index], to))
}

describe('yamux framing properties', () => {
  it('gives the same result for any chunking of the same bytes', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (bytes, cuts) => {
        const whole = listener()
        whole.end.mux.receive(bytes)
        const pieces = listener()
        for (const chunk of split(bytes, cuts)) pieces.end.mux.receive(chunk)
        expect(pieces.heard()).to.deep.equal(whole.heard())
        expect(pieces.end.turn().equals(whole.end.turn())).to.equal(true)
      }),
      propertyRuns(300),
    )
  })

  it('answers mutated frames with a TunnelError or nothing, and holds no more than its limits', () => {
    const limits = { maxStreams: 4, maxHeldBytes: 100_000, maxStagedBytes: 4_096 }
    const mutation = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(
        frames,
        fc.array(mutation, { maxLength: 8 }),
        fc.boolean(),
        (bytes, mutations, reads) => {
          for (const [at, change] of mutations) {
            const index = at % Math.max(1, bytes.length)
            if (index < bytes.length) bytes.writeUInt8(bytes.readUInt8(index) ^ change, index)
          }
          const end = createMuxEnd('acceptor', limits)
          end.writing = reads
          end.mux.receive(bytes)
          for (let i = 0; i < 200 && !end.mux.closed; i++) end.mux.receive(frameBytes(2, 1, 0, i))
          expect(end.mux.streamCount).to.be.at.most(4)
          expect(end.mux.heldBytes).to.be.at.most(100_000)
          expect(end.mux.stagedBytes).to.be.at.most(4_096 + 2 * headerBytes)
          expect(end.ends.length).to.equal(end.mux.closed ? 1 : 0)
          for (const { error } of end.ends) expect(error?.name).to.equal('TunnelError')
        },
      ),
      propertyRuns(300),
    )
  })

  it('survives random bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom<'dialler' | 'acceptor'>('dialler', 'acceptor'),
        (bytes, role) => {
          const end = createMuxEnd(role)
          end.mux.receive(Buffer.from(bytes))
          expect(end.mux.heldBytes).to.be.at.most(400)
          if (bytes.length >= headerBytes && bytes[0] !== 0) expect(end.mux.closed).to.equal(true)
        },
      ),
      propertyRuns(),
    )
  })
})

/** Bytes whose value tells where in a stream they belong. */
const pattern = Buffer.from(Array.from({ length: 251 + 200_000 }, (_, index) => index % 251))

type Step =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'write'
      readonly stream: number
      readonly side: 0 | 1
      readonly bytes: number
    }
  | { readonly kind: 'end' | 'pause' | 'resume'; readonly stream: number; readonly side: 0 | 1 }
  | { readonly kind: 'reset'; readonly stream: number; readonly side: 0 | 1 }
  | { readonly kind: 'carry'; readonly side: 0 | 1; readonly bytes: number }
  | { readonly kind: 'turn'; readonly side: 0 | 1 }

const side = fc.constantFrom<0 | 1>(0, 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      stream: fc.nat(5),
      side,
      bytes: fc.integer({ min: 1, max: 200_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('end' as const, 'pause' as const, 'resume' as const),
      stream: fc.nat(5),
      side,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reset' as const), stream: fc.nat(20), side }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('carry' as const),
      side,
      bytes: fc.integer({ min: 1, max: 300_000 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turn' as const), side }) },
)

describe('yamux flow control properties', () => {
  it('never passes a window, loses or reorders a byte, under any interleaving', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }), (steps) => {
        const world = createWorld()
        for (let i = 0; i < 3; i++) world.apply({ kind: 'open' })
        for (const next of steps) world.apply(next)
        world.settle()
      }),
      propertyRuns(),
    )
  }).timeout(600_000)
})

/** Two ends with a wire between them whose bytes move only when told, and a model of every stream. */
function createWorld(): { apply: (step: Step) => void; settle: () => void } {
  interface Flow {
    written: number
    received: number
    ended: boolean
    heardEnd: boolean
    blocked: boolean
  }
  interface Model {
    readonly ends: [TunnelStream?, TunnelStream?]
    readonly flows: [Flow, Flow]
    cut: boolean
  }
  const flow = (): Flow => ({
    written: 0,
    received: 0,
    ended: false,
    heardEnd: false,
    blocked: false,
  })
  const models: Model[] = []
  // What each side may still send on a stream, counted apart from the code under test.
  const allowance = [new Map<number, number>(), new Map<number, number>()] as const
  const wire: [Buffer[], Buffer[]] = [[], []]

  const handlers = (model: Model, me: 0 | 1) => ({
    onData: (bytes: Buffer) => {
      const incoming = model.flows[1 - me]
      if (incoming === undefined) return
      for (const byte of [bytes.at(0), bytes.at(-1)]) expect(byte).to.be.a('number')
      expect(bytes.at(0)).to.equal(incoming.received % 251)
      incoming.received += bytes.length
      expect(bytes.at(-1)).to.equal((incoming.received - 1) % 251)
    },
    onEnd: () => {
      const incoming = model.flows[1 - me]
      if (incoming !== undefined) incoming.heardEnd = true
    },
    onReset: () => {
      model.cut = true
    },
    onDrain: () => {
      model.flows[me].blocked = false
    },
  })

  const b = createMuxEnd('acceptor', {}, (stream) => {
    const model = models[(stream.id - 1) / 2]
    if (model === undefined) throw new Error('a stream nobody opened')
    model.ends[1] = stream
    stream.handle(handlers(model, 1))
    stream.accept()
  })
  const a = createMuxEnd('dialler')
  const muxes = [a, b] as const

  const collect = (from: 0 | 1): void => {
    const bytes = muxes[from].turn()
    for (const { type, streamId, length } of framesOf(bytes)) {
      if (type !== 0) continue
      const left = (allowance[from].get(streamId) ?? initialWindow) - length
      expect(left, 'the window').to.be.at.least(0)
      expect(length, 'the frame').to.be.at.most(64 * 1024)
      allowance[from].set(streamId, left)
    }
    if (bytes.length > 0) wire[from].push(bytes)
  }
  const carry = (from: 0 | 1, most: number): void => {
    const bytes = Buffer.concat(wire[from].splice(0))
    const moved = bytes.subarray(0, most)
    if (bytes.length > most) wire[from].push(bytes.subarray(most))
    const to = from === 0 ? 1 : 0
    credit(to, moved)
    muxes[to].mux.receive(moved)
    expect(muxes[to].mux.closed, muxes[to].ends[0]?.error?.message).to.equal(false)
    for (const stream of muxes[to].mux.streams()) {
      expect(stream.heldBytes).to.be.at.most(stream.window)
    }
  }
  // Credit counts when its frame has arrived whole: what is cut is carried over to the next call.
  const carried: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)]
  const skip: [number, number] = [0, 0]
  const credit = (to: 0 | 1, moved: Buffer): void => {
    let bytes = Buffer.concat([carried[to], moved])
    for (;;) {
      const jump = Math.min(skip[to], bytes.length)
      skip[to] -= jump
      bytes = bytes.subarray(jump)
      if (bytes.length < headerBytes) break
      const type = bytes.readUInt8(1)
      const id = bytes.readUInt32BE(4)
      const length = bytes.readUInt32BE(8)
      if (type === 0) skip[to] = length
      const isReset = (bytes.readUInt16BE(2) & 8) !== 0
      if (type === 1 && !isReset) {
        allowance[to].set(id, (allowance[to].get(id) ?? initialWindow) + length)
      }
      bytes = bytes.subarray(headerBytes)
    }
    carried[to] = Buffer.from(bytes)
  }

  const write = (model: Model, me: 0 | 1, bytes: number): void => {
    const stream = model.ends[me]
    const mine = model.flows[me]
    if (stream === undefined || stream.closed || mine.ended || mine.blocked) return
    const data = pattern.subarray(mine.written % 251, (mine.written % 251) + bytes)
    mine.written += bytes
    mine.blocked = !stream.write(data)
  }

  const apply = (next: Step): void => {
    if (next.kind === 'open') {
      const model: Model = { ends: [], flows: [flow(), flow()], cut: false }
      models.push(model)
      const stream = a.mux.open(Buffer.alloc(0), handlers(model, 0))
      if (typeof stream === 'string') throw new Error(stream)
      model.ends[0] = stream
      return
    }
    if (next.kind === 'carry') {
      carry(next.side, next.bytes)
      return
    }
    if (next.kind === 'turn') {
      collect(next.side)
      return
    }
    const model = models[next.stream]
    const stream = model?.ends[next.side]
    if (model === undefined || stream === undefined) return
    if (next.kind === 'write') write(model, next.side, next.bytes)
    else if (next.kind === 'reset') {
      stream.reset('draining')
      model.cut = true
    } else if (next.kind === 'end') {
      stream.end()
      model.flows[next.side].ended = true
    } else stream[next.kind]()
  }

  const settle = (): void => {
    for (let quiet = 0; quiet < 3;) {
      for (const model of models) for (const stream of model.ends) stream?.resume()
      for (const from of [0, 1] as const) collect(from)
      quiet = wire[0].length + wire[1].length === 0 ? quiet + 1 : 0
      for (const from of [0, 1] as const) carry(from, Infinity)
    }
    for (const { flows, cut } of models) {
      for (const { written, received, ended, heardEnd } of cut ? [] : flows) {
        expect(received).to.equal(written)
        expect(heardEnd).to.equal(ended)
      }
    }
    expect([a.mux.heldBytes, b.mux.heldBytes]).to.deep.equal([0, 0])
  }
  return { apply, settle }
}
