import type { Socket } from 'node:net'
import { SysError } from './sys-error.ts'

/**
 * The file descriptor of an open socket, or undefined once it is closed. Node does not document where
 * it is: this is the one place that knows, and it throws `ERR_SOCKET_FD` rather than guess.
 */
export function socketFd(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: unknown }
  if (handle === null) return undefined
  const fd = typeof handle === 'object' && 'fd' in handle ? handle.fd : undefined
  if (typeof fd !== 'number') {
    throw new SysError('ERR_SOCKET_FD', `Node ${process.version} shows no descriptor of a socket`)
  }
  // libuv's word for a handle whose descriptor is gone.
  return fd < 0 ? undefined : fd
}
