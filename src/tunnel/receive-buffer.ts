import type { OnReadOpts } from 'node:net'

const firstBytes = 64 * 1024
const largestBytes = 256 * 1024
/** The most that one TLS record holds. */
const recordBytes = 16 * 1024
/** Node would read up to 2 MB from a socket before it looks at the others, which wait for milliseconds. */
const mostOfTurn = 128 * 1024

/** Says that received bytes are needed for longer than the call that brought them; what it returns ends that. */
export type Hold = () => () => void

const nothing = (): void => undefined
/** For bytes whose memory is theirs alone. */
export const holdNothing: Hold = () => nothing

/** Takes received bytes, whose memory is written over once nobody holds them. */
export type Take = (bytes: Buffer, hold: Hold) => void

/**
 * Received records one behind the other in one buffer, handed on together, and the same buffer again
 * for what follows: bulk makes no garbage, which would be paid for with the collection of everything
 * else that lives in the process.
 */
export interface ReceiveBuffer {
  /** For a socket that can read into a buffer. */
  readonly onread: OnReadOpts
  /** For bytes that were read otherwise; copies them. False asks to pause the socket. */
  add(bytes: Buffer): boolean
  /**
   * Says who takes what is received; what came before is taken at once. The socket is then to be
   * resumed, and again by `resume` after a turn in which it was stopped because others want theirs.
   */
  follow(take: Take, resume: () => void): void
  /** Hands on now what would be handed on at the end of this turn. */
  flush(): void
}

/** `schedule` runs a function at the end of this event-loop turn. */
export function createReceiveBuffer(
  schedule: (run: () => void) => void = setImmediate,
): ReceiveBuffer {
  let block = createBlock(firstBytes)
  let spare: Block | undefined
  /** What lies before `handed` has been handed on; what follows, up to `filled`, has not. */
  let handed = 0
  let filled = 0
  let largestBatch = 0
  let ofTurn = 0
  let isScheduled = false
  let take: Take | undefined
  let resume: (() => void) | undefined

  const flush = (): void => {
    if (take === undefined || handed === filled) return
    const bytes = block.memory.subarray(handed, filled)
    largestBatch = Math.max(largestBatch, bytes.length)
    handed = filled
    take(bytes, block.hold)
  }

  const endTurn = (): void => {
    const wasStopped = ofTurn >= mostOfTurn
    isScheduled = false
    ofTurn = 0
    flush()
    if (wasStopped) resume?.()
  }

  /** Goes on at the beginning: of this block where nobody needs it any more, else of another. */
  const turnOver = (): void => {
    const unclaimed = block.memory.subarray(handed, filled)
    const isFull = Math.max(largestBatch, unclaimed.length) >= block.memory.length / 2
    const bytes = isFull ? largestBytes : block.memory.length
    if (block.holders() > 0 || unclaimed.length > 0 || bytes > block.memory.length) {
      const last = block
      block = spare?.memory.length === bytes && spare.holders() === 0 ? spare : createBlock(bytes)
      spare = last
    }
    filled = unclaimed.copy(block.memory)
    handed = 0
  }

  /** Where the next record goes. A socket keeps to it until that has come, whatever is handed on meanwhile. */
  const room = (): Buffer => {
    if (block.memory.length - filled < recordBytes) {
      flush()
      turnOver()
    }
    return block.memory.subarray(filled)
  }

  /** A record that is not full is the last of its batch: nobody has to wait for the end of the turn. */
  const received = (count: number): void => {
    filled += count
    ofTurn += count
    if (count < recordBytes) flush()
    if ((count < recordBytes && ofTurn < mostOfTurn) || isScheduled) return
    isScheduled = true
    schedule(endTurn)
  }

  /** Nothing more is read until somebody takes it, nor when the turn is over for this socket. */
  const goesOn = (): boolean => take !== undefined && ofTurn < mostOfTurn

  return {
    onread: {
      buffer: room,
      callback: (count) => {
        received(count)
        return goesOn()
      },
    },
    add: (bytes) => {
      for (let at = 0; at < bytes.length;) {
        const count = bytes.copy(room(), 0, at)
        at += count
        received(count)
      }
      return goesOn()
    },
    follow: (taker, resumer) => {
      take = taker
      resume = resumer
      flush()
    },
    flush,
  }
}

interface Block {
  readonly memory: Buffer
  readonly hold: Hold
  holders(): number
}

function createBlock(bytes: number): Block {
  let holders = 0
  const release = (): void => {
    holders--
  }
  return {
    memory: Buffer.allocUnsafeSlow(bytes),
    hold: () => {
      holders++
      return release
    },
    holders: () => holders,
  }
}
