import { reasonOfCode, reasons, type Reason } from '../policy/reason.ts'
import {
  flag,
  frameType,
  goAwayCode,
  headerBytes,
  headerProblem,
  maxFrameBytes,
  readHeader,
  type FrameHeader,
} from './frame.ts'
import type { TunnelLimits } from './limits.ts'
import { Outbox, type Departure } from './outbox.ts'
import { holdNothing, type Hold } from './receive-buffer.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'
import { TunnelStream, type StreamHandlers, type StreamSession } from './stream.ts'
import { TunnelError } from './tunnel-error.ts'

export interface MuxOptions {
  /** Only the dialling end opens streams: a tunnel serves one direction. */
  readonly role: 'dialler' | 'acceptor'
  readonly limits: TunnelLimits
  /** Takes a batch of frames for the socket; calls `written` once when the memory is free again. */
  readonly send: (batch: Buffer, written: () => void) => void
  /** Runs a function at the end of this event-loop turn. */
  readonly schedule: (run: () => void) => void
  /** Runs a function a few milliseconds from now. */
  readonly later: (run: () => void) => void
  /** Milliseconds, never set back. */
  readonly now: () => number
  /** A stream of the peer that is not accepted yet has opened, received more, or ended. */
  readonly onOpening: (stream: TunnelStream) => void
  readonly onPong?: (value: number) => void
  /** A stream is gone, or the peer wants no new ones. */
  readonly onQuieter?: () => void
  /** The session is over: it calls and sends nothing more. `error` is undefined for our own `close`. */
  readonly onClosed: (reason: Reason, error: TunnelError | undefined) => void
}

const highestStreamId = 0xffffffff
/** Half a window within so many round trips: more could be under way if the window were larger. */
const growingRoundTrips = 4
/** On a path this short, 6 MB/s are no reason for a larger window yet. */
const shortestGrowingMs = 20
/** No path is longer; a peer that answers late gains nothing. */
const longestGrowingMs = 2_000

/**
 * One yamux session, pure: bytes in by `receive`, bytes out by `send`. Whatever the peer sends, the
 * session holds no more than the windows it granted; a violation ends it with a go away.
 */
export class StreamMux {
  readonly #options: MuxOptions
  readonly #outbox: Outbox
  readonly #session: StreamSession
  readonly #streams = new Map<number, TunnelStream>()
  readonly #waiting = new Set<TunnelStream>()
  readonly #useless: TokenBucket
  #uselessStreams = 0
  #heldBytes = 0
  #grownBytes = 0
  #growthRefusals = 0
  #bulkStreams = 0
  #pingedAt: number | undefined
  #roundTripMs = 0
  #lastOpened = -1
  #closed = false
  #draining = false
  #closing = false
  #takingTurns = false

  readonly #header: FrameHeader = { version: 0, type: 0, flags: 0, streamId: 0, length: 0 }
  readonly #partial: Buffer = Buffer.alloc(headerBytes)
  #partialBytes = 0
  #payloadLeft = 0
  #payloadStream: TunnelStream | undefined

  constructor(options: MuxOptions) {
    this.#options = options
    this.#outbox = new Outbox({
      send: options.send,
      schedule: options.schedule,
      later: options.later,
      onRoom: () => {
        this.#giveTurns()
      },
    })
    this.#session = this.#createSession()
    this.#useless = createTokenBucket({
      perSecond: options.limits.uselessStreamsPerSecond,
      burst: options.limits.uselessStreamsBurst,
      now: options.now,
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Whether the peer, or we, want no new streams. */
  get draining(): boolean {
    return this.#draining
  }

  get streamCount(): number {
    return this.#streams.size
  }

  /** Streams that the peer has opened only to reset them, or has begun wrongly. */
  get uselessStreams(): number {
    return this.#uselessStreams
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** What the windows of all streams have grown beyond their initial size. */
  get grownBytes(): number {
    return this.#grownBytes
  }

  /** How often a window stayed as it was because all of them together had grown enough. */
  get growthRefusals(): number {
    return this.#growthRefusals
  }

  /** Streams that move, or have moved, as much as a larger window than the initial one is for. */
  get bulkStreams(): number {
    return this.#bulkStreams
  }

  get stagedBytes(): number {
    return this.#outbox.size
  }

  streams(): IterableIterator<TunnelStream> {
    return this.#streams.values()
  }

  stream(id: number): TunnelStream | undefined {
    return this.#streams.get(id)
  }

  /** Opens a stream whose first bytes are `prefix` (at most one frame), or says why it cannot. */
  open(prefix: Buffer, handlers: StreamHandlers): TunnelStream | Reason {
    if (this.#options.role !== 'dialler') throw new Error('BUG: the accepting end opens no streams')
    if (prefix.length > maxFrameBytes) throw new Error('BUG: a stream prefix fits in one frame')
    if (this.#closed) return 'no-tunnel'
    const id = this.#lastOpened + 2
    if (this.#draining || id > highestStreamId) return 'draining'
    if (this.#streams.size >= this.#options.limits.maxStreams) return 'limit-reached'
    if (this.#outbox.size > this.#options.limits.maxStagedBytes / 2) return 'limit-reached'
    this.#lastOpened = id
    const stream = new TunnelStream(id, this.#session, handlers)
    this.#streams.set(id, stream)
    stream.open(prefix)
    return stream
  }

  /** Resets a stream that the peer has begun wrongly. */
  refuse(stream: TunnelStream, reason: Reason): void {
    if (stream.closed) return
    stream.reset(reason)
    this.#countUseless()
  }

  /** Asks the peer for a sign of life; its answer tells the round trip. */
  ping(value: number): void {
    if (this.#closed) return
    this.#pingedAt ??= this.#options.now()
    this.#stage(frameType.ping, flag.syn, 0, value)
  }

  /** Announces that no new streams are wanted; those that are open go on. */
  drain(): void {
    if (this.#closed || this.#draining) return
    this.#draining = true
    this.#stage(frameType.goAway, 0, 0, goAwayCode.normal)
  }

  /** Resets every stream with `reason` at both ends and ends the session. */
  close(reason: Reason): void {
    if (this.#closed || this.#closing) return
    this.#draining = true
    // What the ends of its streams set off must not end it for another reason than this one.
    this.#closing = true
    for (const stream of this.#streams.values()) stream.abort(reason, true)
    this.#outbox.frame(frameType.goAway, 0, 0, goAwayCode.normal)
    this.#finish(reason, undefined)
  }

  /** The transport is gone or cannot be trusted any more: nothing is sent. */
  abort(error: TunnelError): void {
    if (!this.#closed && !this.#closing) this.#finish(error.reason, error)
  }

  /** Runs `onIdle` once all that was staged has been written. */
  flush(onIdle: () => void): void {
    this.#outbox.finish(onIdle)
  }

  /**
   * Takes received bytes, in any chunking. Payload is handed on as slices of `chunk`, which the
   * caller must not reuse while somebody holds it.
   */
  receive(chunk: Buffer, hold: Hold = holdNothing): void {
    let at = 0
    while (at < chunk.length && !this.#closed) {
      at = this.#payloadLeft > 0 ? this.#takePayload(chunk, at, hold) : this.#takeHeader(chunk, at)
    }
  }

  /** Ends the session because of what the peer sent, and tells it so. */
  fail(error: TunnelError): void {
    if (this.#closed) return
    const internal = error.reason === 'internal-error'
    const code = internal ? goAwayCode.internalError : goAwayCode.protocolError
    this.#outbox.frame(frameType.goAway, 0, 0, code)
    this.#finish(error.reason, error)
  }

  #violation(message: string): void {
    this.fail(new TunnelError('ERR_FRAME', 'protocol-error', message))
  }

  #createSession(): StreamSession {
    const options = this.#options
    const { limits } = options
    const giveTurns = (): void => {
      this.#giveTurns()
    }
    return {
      hasRoom: () => this.#outbox.size < limits.stagingBytes,
      mayStage: () => this.#outbox.size < 2 * limits.stagingBytes,
      sendData: (id, flags, bytes, from, to) => {
        // The first bytes of the application are mostly there already, and read in the next turn.
        const departure = (flags & flag.syn) === 0 ? 'this-turn' : 'next-turn'
        this.#outbox.payload(frameType.data, flags, id, bytes, from, to, departure)
      },
      sendWindowUpdate: (id, flags, length) => {
        // Nobody's data waits for an ACK, and the application's answer mostly follows at once.
        const departure = flags === flag.ack ? 'along' : 'this-turn'
        this.#stage(frameType.windowUpdate, flags, id, length, departure)
      },
      sendReset: (id, reason) => {
        this.#stage(
          frameType.windowUpdate,
          flag.rst,
          id,
          reason === undefined ? 0 : reasons[reason],
        )
      },
      awaitTurn: (stream) => {
        this.#waiting.add(stream)
        // Never at once: the caller of write() is told to wait before it is told to go on.
        if (this.#outbox.idle) options.schedule(giveTurns)
      },
      hold: (change) => {
        this.#heldBytes += change
        return this.#heldBytes <= limits.maxHeldBytes
      },
      now: options.now,
      grow: (bytes, elapsedMs) => {
        const soonMs = Math.max(shortestGrowingMs, growingRoundTrips * this.#roundTripMs)
        if (elapsedMs > Math.min(soonMs, longestGrowingMs)) return false
        if (this.#grownBytes + bytes > limits.maxGrownBytes) {
          this.#growthRefusals += 1
          return false
        }
        this.#grownBytes += bytes
        return true
      },
      shrink: (bytes) => {
        this.#grownBytes -= bytes
      },
      countBulk: (change) => {
        this.#bulkStreams += change
      },
      forget: (stream) => {
        this.#streams.delete(stream.id)
        this.#waiting.delete(stream)
        if (!this.#closed && !this.#closing) options.onQuieter?.()
      },
    }
  }

  /** Lets the waiting streams send one frame each, in turn, until the staging mark is reached. */
  #giveTurns(): void {
    if (this.#takingTurns) return
    this.#takingTurns = true
    for (const stream of this.#waiting) {
      if (this.#outbox.size >= this.#options.limits.stagingBytes) break
      this.#waiting.delete(stream)
      if (stream.takeTurn()) this.#waiting.add(stream)
    }
    this.#takingTurns = false
  }

  /** Stages a frame that answers the peer: a peer that asks and does not read is given up. */
  #stage(
    type: number,
    flags: number,
    streamId: number,
    length: number,
    departure?: Departure,
  ): void {
    if (this.#closed) return
    if (this.#outbox.size > this.#options.limits.maxStagedBytes) {
      this.#finish(
        'limit-reached',
        new TunnelError(
          'ERR_TUNNEL_LIMIT',
          'limit-reached',
          'the peer does not read what it asks for',
        ),
      )
      return
    }
    this.#outbox.frame(type, flags, streamId, length, departure)
  }

  #finish(reason: Reason, error: TunnelError | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#payloadStream = undefined
    this.#waiting.clear()
    for (const stream of this.#streams.values()) stream.abort(reason, false)
    this.#options.onClosed(reason, error)
  }

  #takePayload(chunk: Buffer, at: number, hold: Hold): number {
    const to = Math.min(chunk.length, at + this.#payloadLeft)
    this.#payloadLeft -= to - at
    const stream = this.#payloadStream
    if (stream === undefined) return to
    stream.receive(chunk, at, to, hold)
    if (this.#payloadLeft === 0) this.#endOfData(stream)
    else if (stream.isOpening) this.#options.onOpening(stream)
    return to
  }

  #takeHeader(chunk: Buffer, at: number): number {
    if (this.#partialBytes === 0 && chunk.length - at >= headerBytes) {
      readHeader(chunk, at, this.#header)
      this.#frame()
      return at + headerBytes
    }
    const copied = chunk.copy(this.#partial, this.#partialBytes, at)
    this.#partialBytes += copied
    if (this.#partialBytes === headerBytes) {
      this.#partialBytes = 0
      readHeader(this.#partial, 0, this.#header)
      this.#frame()
    }
    return at + copied
  }

  #frame(): void {
    const header = this.#header
    const problem = headerProblem(header)
    if (problem !== undefined) {
      this.#violation(problem)
      return
    }
    if (header.type === frameType.ping) this.#ping(header)
    else if (header.type === frameType.goAway) this.#goAway(header)
    else this.#streamFrame(header)
  }

  #ping(header: FrameHeader): void {
    if (header.flags === flag.ack) this.#pong(header.length)
    else this.#stage(frameType.ping, flag.ack, 0, header.length)
  }

  /** Only a first answer counts: who answers what nobody asked cannot make its path look longer. */
  #pong(value: number): void {
    if (this.#pingedAt !== undefined) this.#roundTripMs = this.#options.now() - this.#pingedAt
    this.#pingedAt = undefined
    this.#options.onPong?.(value)
  }

  #goAway(header: FrameHeader): void {
    if (header.length === goAwayCode.normal) {
      this.#draining = true
      this.#options.onQuieter?.()
      return
    }
    const reason = header.length === goAwayCode.internalError ? 'internal-error' : 'protocol-error'
    const message = `the peer went away with code ${String(header.length)}`
    this.#finish(reason, new TunnelError('ERR_TUNNEL_CLOSED', reason, message))
  }

  #streamFrame(header: FrameHeader): void {
    const problem =
      (header.flags & flag.syn) === 0 ? this.#checkKnown(header) : this.#opened(header)
    if (problem !== undefined) {
      this.#violation(`stream ${String(header.streamId)}: ${problem}`)
      return
    }
    const stream = this.#streams.get(header.streamId)
    if (header.type === frameType.data) this.#dataFrame(header, stream)
    else if (stream !== undefined) this.#windowUpdate(header, stream)
  }

  /** A frame without SYN belongs to a stream that is open or was: late frames of closed ones are dropped. */
  #checkKnown(header: FrameHeader): string | undefined {
    if (header.streamId % 2 === 0) return 'expected an odd stream id'
    if (header.streamId > this.#lastOpened) return 'not opened yet'
    if ((header.flags & flag.ack) !== 0 && this.#options.role === 'acceptor') {
      return 'an ACK for a stream that the peer opened itself'
    }
    return undefined
  }

  #opened(header: FrameHeader): string | undefined {
    const id = header.streamId
    if (this.#options.role === 'dialler') return 'opened by the accepting end'
    if (id % 2 === 0) return 'expected an odd stream id'
    if (id <= this.#lastOpened) return `expected an id above ${String(this.#lastOpened)}`
    this.#lastOpened = id
    if (this.#draining || this.#streams.size >= this.#options.limits.maxStreams) {
      this.#session.sendReset(id, this.#draining ? 'draining' : 'limit-reached')
      return undefined
    }
    this.#streams.set(id, new TunnelStream(id, this.#session, undefined))
    return undefined
  }

  #dataFrame(header: FrameHeader, stream: TunnelStream | undefined): void {
    const problem = stream?.reserve(header.length)
    if (problem !== undefined) {
      this.#violation(`stream ${String(header.streamId)}: ${problem}`)
      return
    }
    if ((header.flags & flag.ack) !== 0) stream?.receiveAccept()
    this.#payloadLeft = header.length
    this.#payloadStream = stream
    if (header.length === 0 && stream !== undefined) this.#endOfData(stream)
  }

  /** The whole payload of a data frame is here: now its FIN or RST counts. */
  #endOfData(stream: TunnelStream): void {
    const { flags } = this.#header
    this.#payloadStream = undefined
    if ((flags & flag.rst) !== 0) this.#resetByPeer(stream, undefined)
    else this.#afterFrame(stream, flags)
  }

  #windowUpdate(header: FrameHeader, stream: TunnelStream): void {
    const { flags } = header
    if ((flags & flag.rst) !== 0) {
      this.#resetByPeer(stream, header.length === 0 ? undefined : reasonOfCode(header.length))
      return
    }
    if ((flags & flag.ack) !== 0) stream.receiveAccept()
    const problem = stream.receiveWindowUpdate(header.length)
    if (problem !== undefined) {
      this.#violation(`stream ${String(stream.id)}: ${problem}`)
      return
    }
    this.#giveTurns()
    this.#afterFrame(stream, flags)
  }

  #resetByPeer(stream: TunnelStream, reason: Reason | undefined): void {
    const wasOpening = stream.isOpening
    stream.abort(reason, false)
    if (wasOpening) this.#countUseless()
  }

  /** Opening and resetting costs a peer two frames, and us a decision and a connection to the application. */
  #countUseless(): void {
    this.#uselessStreams += 1
    if (!this.#useless.take()) this.#violation('too many streams opened and reset at once')
  }

  #afterFrame(stream: TunnelStream, flags: number): void {
    if (this.#closed || stream.closed) return
    if ((flags & flag.fin) !== 0) {
      const problem = stream.receiveEnd()
      if (problem !== undefined) {
        this.#violation(`stream ${String(stream.id)}: ${problem}`)
        return
      }
    }
    if (stream.isOpening) this.#options.onOpening(stream)
  }
}
