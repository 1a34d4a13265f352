import { flag, frameType, headerBytes } from '../../src/tunnel/frame.ts'
import { TunnelError } from '../../src/tunnel/tunnel-error.ts'
import { createMuxEnd, frameBytes, type MuxEnd } from './mux-end.ts'
import { recorder } from './tunnel-pair.ts'

/** What a run of sequences ended in. */
export interface FuzzOutcome {
  /** Sequences by the code of the error that ended the session, or `open` where it went on. */
  readonly ends: Readonly<Record<string, number>>
  /** The most that a session held and staged, in bytes. */
  readonly mostHeld: number
  readonly mostStaged: number
}

const limits = { maxStreams: 8, maxHeldBytes: 200_000, maxStagedBytes: 8_192, maxGrownBytes: 0 }
/** Beyond the mark at which a session gives up: the frames of one more answer, and the go away. */
const stagedSlack = 64 + limits.maxStreams * headerBytes

/** Numbers that look random and are the same for the same seed (xorshift). */
export function createRandom(seed: number): (below: number) => number {
  let state = (seed | 0) === 0 ? 1 : seed | 0
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/**
 * Feeds so many mutated frame sequences to sessions of both roles, in any chunking, before readers
 * that take everything, nothing, or give up. Throws, with the number to begin with again, at the
 * first that throws, passes a limit, or ends with anything but one `TunnelError`.
 */
export function fuzzFrames(sequences: number, seed: number): FuzzOutcome {
  const ends: Record<string, number> = {}
  let mostHeld = 0
  let mostStaged = 0
  for (let number = 0; number < sequences; number++) {
    try {
      const end = runSequence(createRandom((seed + number) * 0x9e3779b1))
      const code = codeOfEnd(end)
      ends[code] = (ends[code] ?? 0) + 1
      mostHeld = Math.max(mostHeld, end.mux.heldBytes)
      mostStaged = Math.max(mostStaged, end.mux.stagedBytes)
    } catch (cause: unknown) {
      throw new Error(`sequence ${String(seed + number)}`, { cause })
    }
  }
  return { ends, mostHeld, mostStaged }
}

function runSequence(random: (below: number) => number): MuxEnd {
  const end = random(4) === 0 ? createDialler(random(4)) : createAcceptor(random)
  end.writing = random(2) === 0
  const bytes = mutate(sequence(random), random)
  for (let at = 0; at < bytes.length;) {
    const to = at + 1 + random(random(3) === 0 ? 16 : bytes.length)
    end.mux.receive(bytes.subarray(at, to))
    checkLimits(end)
    if (random(2) === 0) end.turn()
    at = to
  }
  return end
}

function createAcceptor(random: (below: number) => number): MuxEnd {
  return createMuxEnd('acceptor', limits, (stream) => {
    const reader = random(4)
    if (reader === 0 || stream.closed) return
    if (reader === 1) stream.pause()
    stream.handle(recorder(reader === 2 ? { onData: () => stream.reset('draining') } : {}))
    stream.accept()
  })
}

/** With so many streams open. */
function createDialler(streams: number): MuxEnd {
  const end = createMuxEnd('dialler', limits)
  for (let count = 0; count < streams; count++) end.mux.open(Buffer.from('HEAD'), recorder())
  return end
}

/** Up to two dozen frames that follow the rules of an opening end, most of the time. */
function sequence(random: (below: number) => number): Buffer {
  let opened = 0
  const frames = Array.from({ length: 1 + random(24) }, () => {
    const length = random(4) === 0 ? random(30_000) : random(40)
    const kind = random(40)
    if (kind < 10 || opened === 0) {
      const id = 2 * opened++ + 1
      return frameBytes(frameType.data, flag.syn, id, length, Buffer.alloc(length, id))
    }
    const id = 1 + 2 * random(opened)
    const flags = [0, 0, 0, 0, 0, 0, flag.fin, flag.rst][random(8)] ?? 0
    if (kind < 28) return frameBytes(frameType.data, flags, id, length, Buffer.alloc(length, id))
    if (kind < 36) return frameBytes(frameType.windowUpdate, flags, id, random(300_000))
    if (kind < 38) return frameBytes(frameType.ping, random(2) === 0 ? flag.syn : flag.ack, 0, 7)
    if (kind < 39) return frameBytes(frameType.goAway, 0, 0, random(3))
    return Buffer.concat(Array<Buffer>(random(1_000)).fill(frameBytes(2, flag.syn, 0, 7)))
  })
  return Buffer.concat(frames)
}

/** Bits turned, extremes written, parts left out, said twice or cut off. */
function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let mutated = bytes
  for (let left = random(4); left > 0; left--) {
    const at = random(mutated.length)
    const kind = random(6)
    if (kind < 2) mutated.writeUInt8(mutated.readUInt8(at) ^ (1 << random(8)), at)
    else if (kind === 2) mutated.subarray(at, at + 1 + random(8)).fill(random(2) === 0 ? 0xff : 0)
    else if (kind === 3) {
      mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + random(20))])
    } else if (kind === 4) mutated = Buffer.concat([mutated.subarray(0, at), mutated])
    else mutated = Buffer.from(mutated.subarray(0, at + 1))
    if (mutated.length === 0) return Buffer.from([random(256)])
  }
  return mutated
}

function checkLimits({ mux }: MuxEnd): void {
  const over = [
    [mux.heldBytes, limits.maxHeldBytes, 'bytes held'],
    [mux.stagedBytes, limits.maxStagedBytes + stagedSlack, 'bytes staged'],
    [mux.streamCount, limits.maxStreams, 'streams'],
  ] as const
  for (const [seen, most, what] of over) {
    if (seen < 0 || seen > most) {
      throw new Error(`expected at most ${String(most)} ${what}, got ${String(seen)}`)
    }
  }
}

function codeOfEnd({ mux, ends }: MuxEnd): string {
  const [first, ...more] = ends
  if (more.length > 0) throw new Error('ended more than once')
  if ((first !== undefined) !== mux.closed) throw new Error('closed without an end')
  if (first === undefined) return 'open'
  if (!(first.error instanceof TunnelError)) throw new Error('ended without a TunnelError')
  if (mux.heldBytes !== 0 || mux.streamCount !== 0) throw new Error('something is left')
  return first.error.code
}
