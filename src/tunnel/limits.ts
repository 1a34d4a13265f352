/** Everything that a peer can make one tunnel hold or wait for. Sizes in bytes. */
export interface TunnelLimits {
  /** Streams open at once; one more is reset with `limit-reached`. */
  readonly maxStreams: number
  /** Received bytes of all streams that nobody has taken yet; the stream that passes it is reset. */
  readonly maxHeldBytes: number
  /** A stream that writes is asked to wait while more than this is staged for the socket. */
  readonly stagingBytes: number
  /** Staged bytes, answers to the peer included, at which the tunnel gives up on a peer that does not read. */
  readonly maxStagedBytes: number
  /** How long a new stream may take to bring its whole header. */
  readonly headerMs: number
  /** Silence after which the peer is asked for a sign of life; after as much again it counts as dead. */
  readonly keepAliveMs: number
  /** How long each end of a new tunnel has for its Hello. */
  readonly helloMs: number
  /** Re-authentications that a peer may ask for within one minute. */
  readonly reauthenticationsPerMinute: number
}

export const defaultLimits: TunnelLimits = {
  maxStreams: 16_384,
  maxHeldBytes: 64 * 1024 * 1024,
  stagingBytes: 256 * 1024,
  maxStagedBytes: 2 * 1024 * 1024,
  headerMs: 3_000,
  keepAliveMs: 15_000,
  helloMs: 3_000,
  reauthenticationsPerMinute: 30,
}
