import { headerBytes, writeHeader } from './frame.ts'

const firstBufferBytes = 16 * 1024
/** Buffers that a burst made larger than this are given back once they are empty. */
const keptBufferBytes = 1024 * 1024

export interface OutboxOptions {
  /** Takes a batch of frames; the memory is free again when `written` is called, exactly once. */
  readonly send: (batch: Buffer, written: () => void) => void
  /** Runs a function once at the end of this event-loop turn. */
  readonly schedule: (run: () => void) => void
  /** Called whenever a batch has been handed over and there is room again. */
  readonly onRoom: () => void
}

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
  #scheduled = false
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
  frame(type: number, flags: number, streamId: number, length: number): void {
    const at = this.#reserve(headerBytes)
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
  ): void {
    const at = this.#reserve(headerBytes + to - from)
    writeHeader(this.#filling, at, type, flags, streamId, to - from)
    bytes.copy(this.#filling, at + headerBytes, from, to)
  }

  /** Hands over what is there, unless a batch is being written: then it follows that one. */
  flush(): void {
    this.#scheduled = false
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
  #reserve(count: number): number {
    const at = this.#size
    const needed = at + count
    if (needed > this.#filling.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#filling.length * 2, needed))
      this.#filling.copy(larger, 0, 0, at)
      this.#filling = larger
    }
    this.#size = needed
    if (!this.#scheduled && !this.#inFlight) {
      this.#scheduled = true
      this.#options.schedule(() => {
        this.flush()
      })
    }
    return at
  }
}
