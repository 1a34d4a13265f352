/**
 * The frame header of yamux (HashiCorp's specification, version 0): version, type, flags, stream id
 * and length, big-endian, 12 bytes.
 */

export const headerBytes = 12
export const initialWindow: number = 256 * 1024
/** What the window of a stream grows to while its bytes are taken as fast as they come. */
export const largestWindow: number = 4 * 1024 * 1024
/** Frames that we send are no longer than this, so that streams interleave fairly. */
export const maxFrameBytes: number = 64 * 1024
/** The stream that carries control messages: the first one that the dialling end opens. */
export const controlStreamId = 1

export const frameType = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const
export const flag = { syn: 1, ack: 2, fin: 4, rst: 8 } as const
export const goAwayCode = { normal: 0, protocolError: 1, internalError: 2 } as const

/** One decoded header; the reader fills the same object again and again. */
export interface FrameHeader {
  version: number
  type: number
  flags: number
  streamId: number
  /** Data: payload bytes; window update: bytes added (with RST: the reason code); ping: opaque; go away: code. */
  length: number
}

export function writeHeader(
  into: Buffer,
  at: number,
  type: number,
  flags: number,
  streamId: number,
  length: number,
): void {
  into[at] = 0
  into[at + 1] = type
  into[at + 2] = 0
  into[at + 3] = flags
  into.writeUInt32BE(streamId, at + 4)
  into.writeUInt32BE(length, at + 8)
}

export function readHeader(from: Buffer, at: number, header: FrameHeader): void {
  header.version = from.readUInt8(at)
  header.type = from.readUInt8(at + 1)
  header.flags = from.readUInt16BE(at + 2)
  header.streamId = from.readUInt32BE(at + 4)
  header.length = from.readUInt32BE(at + 8)
}

/** What is wrong with a header whatever the state of the session, or undefined. */
export function headerProblem(header: FrameHeader): string | undefined {
  if (header.version !== 0) return `expected version 0, got ${String(header.version)}`
  if (header.type > frameType.goAway) return `unknown frame type ${String(header.type)}`
  return header.type >= frameType.ping ? sessionFrameProblem(header) : streamFrameProblem(header)
}

function sessionFrameProblem(header: FrameHeader): string | undefined {
  if (header.streamId !== 0) {
    return `expected stream 0 in a session frame, got ${String(header.streamId)}`
  }
  if (header.type === frameType.goAway) {
    return header.flags === 0 ? undefined : `unexpected flags ${String(header.flags)} in a go away`
  }
  const { flags } = header
  return flags === flag.syn || flags === flag.ack
    ? undefined
    : `expected SYN or ACK in a ping, got flags ${String(flags)}`
}

function streamFrameProblem(header: FrameHeader): string | undefined {
  const { flags } = header
  if (header.streamId === 0) return 'a stream frame names stream 0'
  if (flags > 0xf) return `unknown flags ${String(flags)}`
  if ((flags & flag.syn) !== 0 && (flags & (flag.ack | flag.rst)) !== 0) {
    return 'SYN together with ACK or RST'
  }
  return undefined
}
