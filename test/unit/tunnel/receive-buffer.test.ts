import { expect } from 'chai'
import { createReceiveBuffer, type Hold } from '../../../src/tunnel/receive-buffer.ts'

const record = 16 * 1024
const resume = (): void => undefined

/** A buffer whose turns end when the test says so, and reads into it as Node does. */
function fixture() {
  const scheduled: (() => void)[] = []
  const received = createReceiveBuffer((run) => scheduled.push(run))
  const { onread } = received
  const buffer = (): Uint8Array => {
    if (typeof onread.buffer !== 'function') throw new Error('expected a buffer for each read')
    return onread.buffer()
  }
  // Asked for before the read that fills it, like the one that a socket is given.
  let offered = buffer()
  const memories = new Set<ArrayBufferLike>()
  return {
    received,
    memories,
    read: (bytes: Buffer): boolean => {
      memories.add(offered.buffer)
      offered.set(bytes)
      const goesOn = onread.callback(bytes.length, offered)
      offered = buffer()
      return goesOn
    },
    endTurn: () => {
      for (const run of scheduled.splice(0)) run()
    },
  }
}

/** Bytes that tell where in the sequence they are. */
function sequence(): (count: number) => Buffer {
  const period = Buffer.from(Array.from({ length: 251 }, (_, at) => at))
  let at = 0
  return (count) => {
    const bytes = Buffer.alloc(at + count, period).subarray(at)
    at = (at + count) % period.length
    return bytes
  }
}

describe('createReceiveBuffer()', () => {
  it('hands on whole records together, at the end of the turn', () => {
    const { received, read, endTurn } = fixture()
    const taken: number[] = []
    received.follow((bytes) => taken.push(bytes.length), resume)
    read(Buffer.alloc(record))
    endTurn()
    for (const count of [record, record]) read(Buffer.alloc(count))
    expect(taken).to.deep.equal([record])
    endTurn()
    expect(taken).to.deep.equal([record, 2 * record])
  })

  it('hands on at once what ends with a smaller record', () => {
    const { received, read, endTurn } = fixture()
    const taken: number[] = []
    received.follow((bytes) => taken.push(bytes.length), resume)
    read(Buffer.alloc(record))
    read(Buffer.alloc(100))
    expect(taken).to.deep.equal([record + 100])
    endTurn()
    expect(taken).to.have.length(1)
  })

  it('uses little memory, and the same again, where nobody holds it', () => {
    const { received, read, endTurn, memories } = fixture()
    const next = sequence()
    const sent: Buffer[] = []
    const taken: Buffer[] = []
    received.follow((bytes) => taken.push(Buffer.from(bytes)), resume)
    for (let turn = 0; turn < 100; turn++) {
      for (const count of [record, record, record, 5_000]) {
        const bytes = next(count)
        sent.push(bytes)
        read(bytes)
      }
      endTurn()
    }
    expect(Buffer.concat(taken).equals(Buffer.concat(sent))).to.equal(true)
    expect(memories.size).to.be.lessThan(5)
  })

  it('writes over nothing that somebody holds, and over it once nobody does', () => {
    const { received, read, endTurn, memories } = fixture()
    const next = sequence()
    const held: { bytes: Buffer; copy: Buffer; release: () => void }[] = []
    received.follow((bytes, hold: Hold) => {
      held.push({ bytes, copy: Buffer.from(bytes), release: hold() })
    }, resume)
    const rounds = (count: number): void => {
      for (let turn = 0; turn < count; turn++) {
        read(next(record))
        read(next(1_000))
        endTurn()
      }
    }
    rounds(60)
    for (const { bytes, copy } of held) expect(bytes.equals(copy)).to.equal(true)
    const soFar = memories.size
    for (const { release } of held.splice(0)) release()
    rounds(1)
    for (let turn = 0; turn < 200; turn++) {
      rounds(1)
      for (const { release } of held.splice(0, held.length - 1)) release()
    }
    expect(memories.size - soFar).to.be.lessThan(3)
  })

  it('takes bytes that were read otherwise, and copies them', () => {
    const { received } = fixture()
    const taken: Buffer[] = []
    received.follow((bytes) => taken.push(Buffer.from(bytes)), resume)
    const next = sequence()
    const bytes = next(100_001)
    received.add(bytes)
    const copy = Buffer.from(bytes)
    bytes.fill(0)
    received.flush()
    expect(Buffer.concat(taken).equals(copy)).to.equal(true)
  })

  it('asks to stop until somebody takes it, and loses nothing', () => {
    const { received, read } = fixture()
    const next = sequence()
    const early = [next(record), next(record), next(7)]
    for (const bytes of early) expect(read(bytes)).to.equal(false)
    const taken: Buffer[] = []
    received.follow((bytes) => taken.push(Buffer.from(bytes)), resume)
    const later = next(9)
    expect(read(later)).to.equal(true)
    expect(Buffer.concat(taken).equals(Buffer.concat([...early, later]))).to.equal(true)
  })

  it('stops when it has had its share of a turn, and goes on after it', () => {
    const { received, read, endTurn } = fixture()
    let resumed = 0
    let taken = 0
    received.follow(
      (bytes) => (taken += bytes.length),
      () => resumed++,
    )
    for (let turn = 1; turn <= 3; turn++) {
      for (let at = 1; at < 8; at++) expect(read(Buffer.alloc(record))).to.equal(true)
      expect(read(Buffer.alloc(record))).to.equal(false)
      endTurn()
      expect([resumed, taken]).to.deep.equal([turn, turn * 8 * record])
    }
  })

  it('goes on by itself when a turn brings less', () => {
    const { received, read, endTurn } = fixture()
    let resumed = 0
    received.follow(
      () => undefined,
      () => resumed++,
    )
    for (let turn = 0; turn < 100; turn++) {
      for (let at = 0; at < 7; at++) expect(read(Buffer.alloc(record))).to.equal(true)
      endTurn()
    }
    expect(resumed).to.equal(0)
  })

  it('stops for a share that comes in small records, too', () => {
    const { received, read, endTurn } = fixture()
    let resumed = 0
    received.follow(
      () => undefined,
      () => resumed++,
    )
    const outcomes = Array.from({ length: 300 }, () => read(Buffer.alloc(1_000)))
    expect(outcomes.indexOf(false)).to.equal(131)
    endTurn()
    expect([resumed, read(Buffer.alloc(1_000))]).to.deep.equal([1, true])
  })
})
