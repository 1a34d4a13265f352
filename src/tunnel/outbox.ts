import { headerBytes, writeHeader } from './frame.ts'

const firstBufferBytes = 16 * 1024
/** Buffers that a burst made larger than this are given back once they are empty. */
const keptBufferBytes = 1024 * 1024

export interface OutboxOptions {
  /** Takes a batch of frames; the memory is free again when `written` is called, exactly once. */
  readonly send: (batch: Buffer, written: () => void) => void
  /** Runs a function once at the end of this event-loop turn. */
  readonly schedule: (run: () => void) => void
  /** Runs a function a few milliseconds from now. */
  readonly later: (run: () => void) => void
  /** Called whenever a batch has been handed over and there is room again. */
  readonly onRoom: () => void
}

/**
 * When a frame leaves at the latest: at the end of this event-loop turn, or of the next one, which may
 * bring what belongs to it; or `along` with the next batch, a few milliseconds from now. Every batch is
 * a record, a system call and a wake-up at both ends, and takes all that is there.
 */
export type Departure = 'this-turn' | 'next-turn' | 'along'

/**
 * Frames on their way out: collected in one buffer, handed to the socket once per event-loop turn,
 * and collected in a second buffer while the first is being written.
 */
export class Outbox {
  readonly #options: OutboxOptions
  #filling: Buffer = Buffer.allocUnsafeSlow(firstBufferBytes)
  #spare: Buffer | undefined
  #size = 0
  #inFlight = false
  readonly #scheduled: Record<Departure, boolean> = {
    'this-turn': false,
    'next-turn': false,
    along: false,
  }
  #onIdle: (() => void) | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Bytes that wait for the next batch. */
  get size(): number {
    return this.#size
  }

  /** Whether nothing is staged, and nothing is being written. */
  get idle(): boolean {
    return this.#size === 0 && !this.#inFlight
  }

  /** Adds a frame without payload. */
  frame(
    type: number,
    flags: number,
    streamId: number,
    length: number,
    departure: Departure = 'this-turn',
  ): void {
    const at = this.#reserve(headerBytes, departure)
    writeHeader(this.#filling, at, type, flags, streamId, length)
  }

  /** Adds a frame and a copy of its payload, `bytes[from..to)`. */
  payload(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    from: number,
    to: number,
    departure: Departure = 'this-turn',
  ): void {
    const at = this.#reserve(headerBytes + to - from, departure)
    writeHeader(this.#filling, at, type, flags, streamId, to - from)
    bytes.copy(this.#filling, at + headerBytes, from, to)
  }

  /** Hands over what is there, unless a batch is being written: then it follows that one. */
  flush(): void {
    if (this.#inFlight || this.#size === 0) return
    const batch = this.#filling
    const size = this.#size
    this.#filling = this.#spare ?? Buffer.allocUnsafeSlow(firstBufferBytes)
    this.#spare = undefined
    this.#size = 0
    this.#inFlight = true
    this.#options.send(batch.subarray(0, size), () => {
      this.#written(batch)
    })
    this.#options.onRoom()
  }

  /** Flushes, and runs `onIdle` when nothing is staged or in flight any more. */
  finish(onIdle: () => void): void {
    this.#onIdle = onIdle
    this.flush()
    this.#checkIdle()
  }

  #written(batch: Buffer): void {
    this.#inFlight = false
    if (batch.length <= keptBufferBytes) this.#spare = batch
    this.flush()
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (!this.idle || this.#onIdle === undefined) return
    const onIdle = this.#onIdle
    this.#onIdle = undefined
    onIdle()
  }

  /** Where the next `count` bytes go: the buffer grows rather than lose or refuse a frame. */
  #reserve(count: number, departure: Departure): number {
    const at = this.#size
    const needed = at + count
    if (needed > this.#filling.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#filling.length * 2, needed))
      this.#filling.copy(larger, 0, 0, at)
      this.#filling = larger
    }
    this.#size = needed
    // What follows a batch that is being written leaves as soon as that is done.
    if (!this.#inFlight && !this.#scheduled[departure]) this.#schedule(departure)
    return at
  }

  #schedule(departure: Departure): void {
    const { schedule, later } = this.#options
    const depart = (): void => {
      this.#scheduled[departure] = false
      this.flush()
    }
    this.#scheduled[departure] = true
    if (departure === 'this-turn') schedule(depart)
    else if (departure === 'along') later(depart)
    else {
      schedule(() => {
        schedule(depart)
      })
    }
  }
}
