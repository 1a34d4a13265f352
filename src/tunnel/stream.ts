import type { Reason } from '../policy/reason.ts'
import { ByteQueue } from './byte-queue.ts'
import { flag, initialWindow, largestWindow, maxFrameBytes } from './frame.ts'
import { holdNothing, type Hold } from './receive-buffer.ts'
import { TunnelError } from './tunnel-error.ts'

/** What the owner of a stream wants to hear. None of them is called after a reset, in either direction. */
export interface StreamHandlers {
  /**
   * Bytes from the peer, in order, in memory that is written over afterwards unless `hold` is called.
   * Once this returns they count as taken and their window may be given back: a receiver that cannot
   * take more calls `pause`.
   */
  onData(bytes: Buffer, hold: Hold): void
  /** The peer will send no more; the other direction stays open. */
  onEnd(): void
  /** Cut by the peer or with the tunnel, and why; without a reason it is the peer's plain TCP reset. The last call. */
  onReset(reason: Reason | undefined): void
  /** There is room again after a `write` that returned false. */
  onDrain(): void
  /** The peer has accepted a stream that we opened. */
  onAccept?(): void
}

/** What a stream needs of the session it belongs to. */
export interface StreamSession {
  /** Whether staged frames leave room for more data. */
  hasRoom(): boolean
  /** Whether bytes that were read already may be staged even so. */
  mayStage(): boolean
  sendData(streamId: number, flags: number, bytes: Buffer, from: number, to: number): void
  sendWindowUpdate(streamId: number, flags: number, length: number): void
  sendReset(streamId: number, reason: Reason | undefined): void
  /** Puts the stream in the queue of those that get a turn as soon as there is room. */
  awaitTurn(stream: TunnelStream): void
  /** Counts bytes held for somebody who has not taken them yet; false when it is too much for the tunnel. */
  hold(change: number): boolean
  /** Milliseconds, never set back. */
  now(): number
  /** Asks for a window larger by `bytes`, when half of the present one was taken within `elapsedMs`. */
  grow(bytes: number, elapsedMs: number): boolean
  /** Gives back what `grow` has granted. */
  shrink(bytes: number): void
  /** A stream has begun to move bytes in bulk, or one that did is over. */
  countBulk(change: 1 | -1): void
  /** The stream is over in both directions. */
  forget(stream: TunnelStream): void
}

/** Most that may wait in one stream for the peer's window; only a caller that ignores `false` gets there. */
const maxPendingBytes = 1024 * 1024

/**
 * One two-way byte stream inside a tunnel. Each direction ends by itself (`end`, `onEnd`); `reset`
 * ends both at once. Bytes that the peer sends while the stream is paused or not yet accepted are
 * held, within the window that was granted.
 */
export class TunnelStream {
  readonly id: number
  readonly openedByPeer: boolean
  /** What is written may be written over when `write` returns. */
  readonly copies = true
  /** Payload bytes received from the peer, and staged towards it; the stream header does not count. */
  bytesIn = 0
  bytesOut = 0

  readonly #session: StreamSession
  #handlers: StreamHandlers | undefined
  #accepted: boolean
  #acknowledged = false
  #paused = false
  #delivering = false
  #closed = false

  readonly #held: ByteQueue = new ByteQueue()
  #window = initialWindow
  #receiveWindow = initialWindow
  #creditedAt: number
  #isBulk = false
  #taken = 0
  #peerEnded = false
  #endDelivered = false

  readonly #pending: ByteQueue = new ByteQueue()
  #sendWindow = initialWindow
  #ending = false
  #endSent = false
  #wantsDrain = false

  constructor(id: number, session: StreamSession, handlers: StreamHandlers | undefined) {
    this.id = id
    this.openedByPeer = handlers === undefined
    this.#session = session
    this.#handlers = handlers
    this.#accepted = handlers !== undefined
    this.#creditedAt = session.now()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Whether the peer opened it and nobody has accepted or reset it yet. */
  get isOpening(): boolean {
    return !this.#accepted && !this.#closed
  }

  /** Whether the peer has accepted it; of a stream that this end opened. */
  get isAcknowledged(): boolean {
    return this.#acknowledged
  }

  /** Bytes received that nobody has taken. */
  get heldBytes(): number {
    return this.#held.size
  }

  /** The most that the peer may have under way to us: it grows for a stream that keeps draining. */
  get window(): number {
    return this.#window
  }

  /** Bytes written that the peer's window does not admit yet. */
  get pendingBytes(): number {
    return this.#pending.size
  }

  /** Whether the peer has said that it sends no more. */
  get peerEnded(): boolean {
    return this.#peerEnded
  }

  /** Sets who hears of this stream; for a stream that the peer opened, before `accept`. */
  handle(handlers: StreamHandlers): void {
    this.#handlers = handlers
  }

  /** Tells the peer that the stream is served, and starts delivery with what was held. */
  accept(): void {
    if (this.#closed || this.#accepted) return
    if (this.#handlers === undefined) throw new Error('BUG: a stream is accepted without handlers')
    this.#accepted = true
    this.#session.sendWindowUpdate(this.id, flag.ack, this.#creditToGive())
    this.#deliverHeld()
  }

  /**
   * Sends a copy of the bytes; false asks the caller to wait for `onDrain`. Writing after `end`, or
   * on a stream that is closed, is without effect. Throws `TunnelError` when a caller ignores false
   * for a megabyte.
   */
  write(bytes: Buffer): boolean {
    if (this.#closed || this.#ending) return false
    if (this.#pending.size + bytes.length > maxPendingBytes) throw writeOverrun(this.id)
    let sent = 0
    if (this.#pending.size === 0 && this.#session.mayStage()) {
      sent = Math.min(bytes.length, this.#sendWindow)
      this.#send(bytes, 0, sent)
    }
    if (sent < bytes.length) this.#pending.append(bytes, sent)
    return this.#mayWriteMore()
  }

  /** Sends no more after what was written; the peer's direction stays open. */
  end(): void {
    if (this.#closed || this.#ending) return
    this.#ending = true
    if (this.#pending.size === 0) this.#sendEnd()
  }

  /** Cuts both directions at once and tells the peer why; no reason stands for a plain TCP reset. */
  reset(reason?: Reason): void {
    if (this.#closed) return
    this.#session.sendReset(this.id, reason)
    this.#close()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deliverHeld()
  }

  /** A copy of the first held bytes of a stream that is not accepted yet, or undefined while there are fewer. */
  peek(count: number): Buffer | undefined {
    return this.#held.peek(count)
  }

  /** Takes held bytes away that are not the application's, such as the stream header. */
  discard(count: number): void {
    this.#held.discard(count)
    this.bytesIn -= count
    this.#taken += count
    this.#session.hold(-count)
  }

  // What follows is called by the session.

  /** Opens the stream on the wire with the bytes that come before the application's: one frame. */
  open(prefix: Buffer): void {
    this.#sendWindow -= prefix.length
    this.#session.sendData(this.id, flag.syn, prefix, 0, prefix.length)
  }

  /** Checks an announced payload against the window before a byte of it is looked at. */
  reserve(length: number): string | undefined {
    if (this.#peerEnded && length > 0) return 'data after the end of the stream'
    if (length > this.#receiveWindow) {
      return `expected at most ${String(this.#receiveWindow)} bytes by the window, got ${String(length)}`
    }
    this.#receiveWindow -= length
    return undefined
  }

  receive(record: Buffer, from: number, to: number, hold: Hold): void {
    if (this.#closed) return
    this.bytesIn += to - from
    if (this.#accepted && !this.#paused && !this.#delivering && this.#held.size === 0) {
      this.#handlers?.onData(record.subarray(from, to), hold)
      this.#credit(to - from)
      return
    }
    this.#held.append(record, from, to)
    if (!this.#session.hold(to - from)) this.abort('limit-reached', true)
  }

  receiveEnd(): string | undefined {
    if (this.#peerEnded) return 'a second end of the same stream'
    this.#peerEnded = true
    this.#deliverHeld()
    return undefined
  }

  receiveWindowUpdate(length: number): string | undefined {
    this.#sendWindow += length
    if (this.#sendWindow > 0xffffffff) return 'a window of more than 2^32 bytes'
    // A window beyond the initial one is what a peer grants to bulk.
    if (this.#sendWindow > initialWindow) this.#noteBulk()
    if (length > 0 && (this.#pending.size > 0 || this.#wantsDrain)) this.#session.awaitTurn(this)
    return undefined
  }

  receiveAccept(): void {
    if (this.#acknowledged) return
    this.#acknowledged = true
    this.#handlers?.onAccept?.()
  }

  /** Sends one frame of what is pending; true when there is more that the window admits. */
  takeTurn(): boolean {
    if (this.#closed) return false
    const chunk = this.#pending.shift(Math.min(this.#sendWindow, maxFrameBytes))
    if (chunk !== undefined) this.#send(chunk, 0, chunk.length)
    if (this.#pending.size > 0) return this.#sendWindow > 0
    if (this.#ending) this.#sendEnd()
    else if (this.#wantsDrain && this.#sendWindow > 0) {
      this.#wantsDrain = false
      this.#handlers?.onDrain()
    }
    return false
  }

  /** Ends the stream without the peer's doing: the owner hears the reason, and the peer too if `tell`. */
  abort(reason: Reason | undefined, tell: boolean): void {
    if (this.#closed) return
    if (tell) this.#session.sendReset(this.id, reason)
    this.#close()
    this.#handlers?.onReset(reason)
  }

  #send(bytes: Buffer, from: number, to: number): void {
    this.#sendWindow -= to - from
    this.bytesOut += to - from
    for (let at = from; at < to; at += maxFrameBytes) {
      this.#session.sendData(this.id, 0, bytes, at, Math.min(to, at + maxFrameBytes))
    }
  }

  #mayWriteMore(): boolean {
    const hasRoom = this.#session.hasRoom()
    if (this.#pending.size === 0 && this.#sendWindow > 0 && hasRoom) return true
    this.#wantsDrain = true
    // Without window there is nothing to wait for but a window update, which asks for the turn.
    if (this.#sendWindow > 0) this.#session.awaitTurn(this)
    return false
  }

  #sendEnd(): void {
    if (this.#endSent) return
    this.#endSent = true
    this.#session.sendWindowUpdate(this.id, flag.fin, 0)
    this.#forgetIfOver()
  }

  #deliverHeld(): void {
    if (!this.#accepted || this.#delivering) return
    this.#delivering = true
    while (!this.#paused && !this.#closed) {
      const bytes = this.#held.shift(maxFrameBytes)
      if (bytes === undefined) break
      this.#session.hold(-bytes.length)
      this.#handlers?.onData(bytes, holdNothing)
      this.#credit(bytes.length)
    }
    this.#delivering = false
    if (!this.#peerEnded || this.#endDelivered || this.#paused || this.#closed) return
    this.#endDelivered = true
    this.#handlers?.onEnd()
    this.#forgetIfOver()
  }

  /** Gives window back in few frames: once half of it has been taken. */
  #credit(count: number): void {
    this.#taken += count
    if (this.#taken < this.#window / 2 || this.#peerEnded || this.#closed) return
    this.#growIfDraining()
    this.#session.sendWindowUpdate(this.id, 0, this.#creditToGive())
  }

  /** Doubles the window where nothing waits and half of it was gone within a few round trips. */
  #growIfDraining(): void {
    const now = this.#session.now()
    const elapsedMs = now - this.#creditedAt
    this.#creditedAt = now
    if (this.#held.size > 0 || this.#paused || this.#window >= largestWindow) return
    if (!this.#session.grow(this.#window, elapsedMs)) return
    this.#taken += this.#window
    this.#window *= 2
    this.#noteBulk()
  }

  #noteBulk(): void {
    if (this.#isBulk) return
    this.#isBulk = true
    this.#session.countBulk(1)
  }

  #creditToGive(): number {
    const credit = this.#taken
    this.#taken = 0
    this.#receiveWindow += credit
    return credit
  }

  #forgetIfOver(): void {
    if (!this.#endSent || !this.#endDelivered || this.#closed) return
    this.#close()
  }

  #close(): void {
    this.#closed = true
    this.#session.hold(-this.#held.size)
    this.#session.shrink(this.#window - initialWindow)
    if (this.#isBulk) this.#session.countBulk(-1)
    this.#held.clear()
    this.#pending.clear()
    this.#session.forget(this)
  }
}

function writeOverrun(id: number): TunnelError {
  return new TunnelError(
    'ERR_WRITE_OVERRUN',
    'internal-error',
    `stream ${String(id)}: written on after being told to wait`,
  )
}
