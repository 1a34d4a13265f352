import { StreamMux, type MuxOptions } from '../../src/tunnel/mux.ts'
import { defaultLimits, type TunnelLimits } from '../../src/tunnel/limits.ts'
import { headerBytes, readHeader, type FrameHeader } from '../../src/tunnel/frame.ts'
import type { TunnelStream } from '../../src/tunnel/stream.ts'
import type { TunnelError } from '../../src/tunnel/tunnel-error.ts'
import type { Reason } from '../../src/policy/reason.ts'

/** One session without a socket: what it sends is kept, turns of the event loop are given by hand. */
export interface MuxEnd {
  readonly mux: StreamMux
  readonly openings: TunnelStream[]
  readonly pongs: number[]
  readonly ends: { reason: Reason; error: TunnelError | undefined }[]
  /** Runs what is scheduled until nothing is, and returns the bytes sent since the last call. */
  turn(): Buffer
  /** While false, batches stay in flight as on a socket that does not drain. */
  writing: boolean
}

export function createMuxEnd(
  role: MuxOptions['role'],
  limits: Partial<TunnelLimits> = {},
  onOpening: (stream: TunnelStream) => void = () => undefined,
  more: Partial<Pick<MuxOptions, 'now' | 'later' | 'onQuieter'>> = {},
): MuxEnd {
  const scheduled: (() => void)[] = []
  const inFlight: (() => void)[] = []
  const sent: Buffer[] = []
  const openings: TunnelStream[] = []
  const seen = new Set<TunnelStream>()
  const pongs: number[] = []
  const ends: { reason: Reason; error: TunnelError | undefined }[] = []
  const mux = new StreamMux({
    role,
    limits: { ...defaultLimits, ...limits },
    send: (batch, written) => {
      sent.push(Buffer.from(batch))
      inFlight.push(written)
    },
    schedule: (run) => {
      scheduled.push(run)
    },
    later: (run) => {
      scheduled.push(run)
    },
    now: () => 0,
    onOpening: (stream) => {
      if (!seen.has(stream)) openings.push(stream)
      seen.add(stream)
      onOpening(stream)
    },
    onPong: (value) => {
      pongs.push(value)
    },
    onClosed: (reason, error) => {
      ends.push({ reason, error })
    },
    ...more,
  })
  const end: MuxEnd = {
    mux,
    openings,
    pongs,
    ends,
    writing: true,
    turn: () => {
      for (;;) {
        const run = scheduled.shift() ?? (end.writing ? inFlight.shift() : undefined)
        if (run === undefined) break
        run()
      }
      return Buffer.concat(sent.splice(0))
    },
  }
  return end
}

/** Carries bytes both ways until neither end has anything to say. */
export function exchange(a: MuxEnd, b: MuxEnd): void {
  for (;;) {
    const fromA = a.turn()
    const fromB = b.turn()
    if (fromA.length === 0 && fromB.length === 0) return
    b.mux.receive(fromA)
    a.mux.receive(fromB)
  }
}

export interface Frame extends FrameHeader {
  readonly payload: Buffer
}

/** Cuts whole frames out of bytes that a session of ours sent. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length;) {
    const header: FrameHeader = { version: 0, type: 0, flags: 0, streamId: 0, length: 0 }
    readHeader(bytes, at, header)
    at += headerBytes
    const payloadBytes = header.type === 0 ? header.length : 0
    frames.push({ ...header, payload: bytes.subarray(at, at + payloadBytes) })
    at += payloadBytes
  }
  return frames
}

/** One frame in bytes, any field of it wrong if asked for. */
export function frameBytes(
  type: number,
  flags: number,
  streamId: number,
  length: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt8(type, 1)
  bytes.writeUInt16BE(flags, 2)
  bytes.writeUInt32BE(streamId, 4)
  bytes.writeUInt32BE(length, 8)
  return Buffer.concat([bytes, payload])
}
