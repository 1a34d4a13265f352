import type { Reason } from '../policy/reason.ts'

export type TunnelErrorCode =
  | 'ERR_FRAME'
  | 'ERR_STREAM_HEADER'
  | 'ERR_CONTROL_MESSAGE'
  | 'ERR_HANDSHAKE'
  | 'ERR_PEER_REFUSED'
  | 'ERR_PROFILE'
  | 'ERR_REAUTHENTICATION'
  | 'ERR_TUNNEL_LIMIT'
  | 'ERR_TUNNEL_CLOSED'
  | 'ERR_WRITE_OVERRUN'

/** What went wrong on a tunnel: precise for the log, with the closed `reason` for flows and resets. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError'
  readonly code: TunnelErrorCode
  readonly reason: Reason
  constructor(code: TunnelErrorCode, reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.reason = reason
  }
}
