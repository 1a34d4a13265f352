/**
 * The only folder with foreign functions. Nothing of it is loaded before `loadLibc()` is called, so
 * that a process which needs none of it pays for none of it. Structures are those of Linux on
 * little-endian machines (x86-64, arm64).
 */
export { loadLibc, type Libc } from './libc.ts'
export { enterNewNetwork } from './network-namespace.ts'
export {
  createOriginalDestination,
  type AddressFamily,
  type ReadOriginalDestination,
} from './original-destination.ts'
export { peerAccountOf, type PeerAccount } from './peer-account.ts'
export type { RawEndpoint } from './raw-endpoint.ts'
export { socketFd } from './socket-fd.ts'
export { openSocketOwners, type SocketOwners } from './socket-owner.ts'
export { SysError, type SysErrorCode } from './sys-error.ts'
