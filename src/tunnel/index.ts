/**
 * Tunnels: one mutual-TLS connection between two sidecars that carries many streams. A pure core
 * (frames, windows, stream headers, control messages: bytes in, bytes out) and a thin adapter that
 * runs it over Node's TLS. What a stream is allowed to do is the sidecar's to decide; the tunnel
 * says who the peer is, and cuts what it is told to cut with a reason.
 */
export {
  createTunnelAcceptor,
  defaultMaxHandshakes,
  type AcceptorOptions,
  type TunnelAcceptor,
} from './accept.ts'
export { readClientHello, type ClientHello, type FirstBytes } from './client-hello.ts'
export type { LocalIdentity, Trust, TunnelContext } from './context.ts'
export { dialTunnel, type DialOptions } from './dial.ts'
export { canonicalAddress, type Endpoint } from './endpoint.ts'
export { defaultLimits, type TunnelLimits } from './limits.ts'
export { holdNothing, type Hold } from './receive-buffer.ts'
export type { StreamHeader } from './proxy-v2.ts'
export { reasonOfRefusal } from './reauth.ts'
export type { StreamHandlers, TunnelStream } from './stream.ts'
export { systemTimers, type Timers } from './timers.ts'
export { alpnProtocol } from './tls-options.ts'
export { TunnelError, type TunnelErrorCode } from './tunnel-error.ts'
export { Tunnel, type TunnelEnd, type TunnelMemory } from './tunnel.ts'
