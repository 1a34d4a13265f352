import type { Socket } from 'node:net'
import type { Libc } from './libc.ts'
import { socketFd } from './socket-fd.ts'
import { SysError } from './sys-error.ts'

/** Who is at the other end of a Unix socket, by the kernel: of a server, who made it listen. */
export interface PeerAccount {
  readonly uid: number
  readonly gid: number
}

// <asm-generic/socket.h>, <linux/socket.h>: struct ucred { pid_t pid; uid_t uid; gid_t gid }
const solSocket = 1
const soPeercred = 17
const lengthOfUcred = 12

/** Undefined where the socket is closed; throws `ERR_SYSTEM_CALL` where the kernel does not tell. */
export function peerAccountOf(
  libc: Pick<Libc, 'getsockopt' | 'errno'>,
  socket: Socket,
): PeerAccount | undefined {
  const fd = socketFd(socket)
  if (fd === undefined) return undefined
  const value = Buffer.alloc(lengthOfUcred)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(lengthOfUcred)
  if (libc.getsockopt(fd, solSocket, soPeercred, value, length) === 0) {
    return { uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) }
  }
  const errno = libc.errno()
  const message = `getsockopt(SO_PEERCRED) failed with errno ${String(errno)}`
  throw new SysError('ERR_SYSTEM_CALL', message, { errno })
}
