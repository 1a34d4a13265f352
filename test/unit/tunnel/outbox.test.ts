import { expect } from 'chai'
import { headerBytes } from '../../../src/tunnel/frame.ts'
import { Outbox, type Departure } from '../../../src/tunnel/outbox.ts'

/** An outbox whose turns, and whose time, are given by hand. */
function handled(): {
  /** Stages the frame of a stream. */
  readonly stage: (streamId: number, departure: Departure) => void
  readonly turn: () => void
  readonly passTime: () => void
  /** The streams of each batch since the last call. */
  readonly batches: () => number[][]
  /** The batch under way has left. */
  readonly written: () => void
} {
  let due: (() => void)[] = []
  let later: (() => void)[] = []
  let written = (): void => undefined
  const batches: number[][] = []
  const outbox = new Outbox({
    send: (batch, done) => {
      const count = batch.length / headerBytes
      batches.push(Array.from({ length: count }, (_, at) => batch.readUInt8(at * headerBytes + 7)))
      written = done
    },
    schedule: (run) => due.push(run),
    later: (run) => later.push(run),
    onRoom: () => undefined,
  })
  return {
    stage: (streamId, departure) => {
      outbox.frame(0, 0, streamId, 0, departure)
    },
    turn: () => {
      const now = due
      due = []
      for (const run of now) run()
    },
    passTime: () => {
      const now = later
      later = []
      for (const run of now) run()
    },
    batches: () => batches.splice(0),
    written: () => {
      written()
    },
  }
}

describe('Outbox', () => {
  it('collects the frames of a turn in one batch', () => {
    const { stage, turn, batches } = handled()
    stage(1, 'this-turn')
    stage(3, 'this-turn')
    expect(batches()).to.deep.equal([])
    turn()
    expect(batches()).to.deep.equal([[1, 3]])
  })

  it('lets a frame wait one turn for what belongs to it, and no longer', () => {
    const { stage, turn, batches, written } = handled()
    stage(1, 'next-turn')
    turn()
    expect(batches()).to.deep.equal([])
    stage(3, 'this-turn')
    turn()
    expect(batches()).to.deep.equal([[1, 3]])
    written()
    stage(5, 'next-turn')
    turn()
    turn()
    expect(batches()).to.deep.equal([[5]])
  })

  it('sends a frame that may wait along with the next batch, in the order of staging', () => {
    const { stage, turn, batches } = handled()
    stage(1, 'along')
    turn()
    turn()
    expect(batches()).to.deep.equal([])
    stage(3, 'this-turn')
    turn()
    expect(batches()).to.deep.equal([[1, 3]])
  })

  it('sends a frame that may wait by itself where nothing follows', () => {
    const { stage, passTime, batches, written } = handled()
    for (const streamId of [1, 3]) {
      stage(streamId, 'along')
      passTime()
      expect(batches()).to.deep.equal([[streamId]])
      written()
    }
  })

  it('sends what came during a batch as soon as that has left', () => {
    const { stage, turn, batches, written } = handled()
    stage(1, 'this-turn')
    turn()
    for (const departure of ['along', 'next-turn', 'this-turn'] as const) stage(3, departure)
    turn()
    expect(batches()).to.deep.equal([[1]])
    written()
    expect(batches()).to.deep.equal([[3, 3, 3]])
  })
})
