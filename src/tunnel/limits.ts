/** Everything that a peer can make one tunnel hold or wait for. Sizes in bytes. */
export interface TunnelLimits {
  /** Streams open at once; one more is reset with `limit-reached`. */
  readonly maxStreams: number
  /** Received bytes of all streams that nobody has taken yet; the stream that passes it is reset. */
  readonly maxHeldBytes: number
  /** What all windows together may have grown beyond their initial size; no window grows past it. */
  readonly maxGrownBytes: number
  /**
   * A stream that writes is asked to wait while more than this is staged for the socket. Up to twice as much, what it
   * has read by then is staged all the same, as it would have to be copied twice otherwise.
   */
  readonly stagingBytes: number
  /** Staged bytes, answers to the peer included, at which the tunnel gives up on a peer that does not read. */
  readonly maxStagedBytes: number
  /**
   * Streams per second that a peer may open only to reset them before they are accepted, or that
   * begin wrongly: each makes this end work for nothing. Beyond it the tunnel ends.
   */
  readonly uselessStreamsPerSecond: number
  /** How many of these may come at once. */
  readonly uselessStreamsBurst: number
  /** How long a new stream may take to bring its whole header. */
  readonly headerMs: number
  /**
   * The peer is asked for a sign of life when it was silent for a whole interval of this length, and
   * counts as dead after the next one: between two and three of them after the last that was heard.
   */
  readonly keepAliveMs: number
  /**
   * A peer that owes an answer to a new stream is asked for a sign of life when it was silent for a
   * whole interval of this length. After the next one new streams go elsewhere: between two and three
   * of them after the stream was opened. Established streams have until the peer counts as dead.
   */
  readonly answerMs: number
  /** A tunnel without streams is closed by its dialler after this long, by the accepting end after twice as long. */
  readonly idleMs: number
  /** How long each end of a new tunnel has for its Hello. */
  readonly helloMs: number
  /** Re-authentications that a peer may ask for within one minute. */
  readonly reauthenticationsPerMinute: number
}

export const defaultLimits: TunnelLimits = {
  maxStreams: 16_384,
  maxHeldBytes: 64 * 1024 * 1024,
  maxGrownBytes: 32 * 1024 * 1024,
  stagingBytes: 256 * 1024,
  maxStagedBytes: 2 * 1024 * 1024,
  // A program that dies takes all its connections with it, and a sidecar has up to 10,000 of them.
  uselessStreamsPerSecond: 2_000,
  uselessStreamsBurst: 10_000,
  headerMs: 3_000,
  keepAliveMs: 15_000,
  answerMs: 5_000,
  idleMs: 5 * 60_000,
  helloMs: 3_000,
  reauthenticationsPerMinute: 30,
}
