import type { Libc } from './libc.ts'
import type { RawEndpoint } from './raw-endpoint.ts'
import { SysError } from './sys-error.ts'

/** Finds who opened a local TCP socket, by the exact pair of endpoints and without any privilege. */
export interface SocketOwners extends Disposable {
  /**
   * The uid of the process that made the socket which has `local` and `remote` as its own endpoints,
   * or undefined where this network namespace has no such socket. Throws `ERR_SYSTEM_CALL`.
   */
  uidOf(local: RawEndpoint, remote: RawEndpoint): number | undefined
}

// <linux/netlink.h>, <linux/sock_diag.h>, <linux/inet_diag.h>
const afNetlink = 16
const rawNonBlockingCloseOnExec = 3 | 0o4000 | 0o2000000
const netlinkSockDiag = 4
const sockDiagByFamily = 20
const nlmsgRequest = 1
const nlmsgError = 2
const afInet = 2
const afInet6 = 10
const ipprotoTcp = 6
const everyState = 0xffff_ffff
const noCookie = 0xffff_ffff
const enoent = 2

const requestLength = 72 // nlmsghdr (16) and inet_diag_req_v2 (56)
const at = {
  type: 4,
  sequence: 8,
  error: 16,
  family: 16,
  protocol: 17,
  states: 20,
  localPort: 24,
  remotePort: 26,
  local: 28,
  remote: 44,
  cookie: 64,
  uid: 80,
} as const
const leastReply = at.uid + 4

/** Opens the netlink socket and makes one lookup, so that the first connection does not pay for it. */
export function openSocketOwners(libc: Libc): SocketOwners {
  const fd = libc.socket(afNetlink, rawNonBlockingCloseOnExec, netlinkSockDiag)
  if (fd < 0) throw failure('socket', libc.errno())
  const request = createRequest()
  const reply = Buffer.alloc(4_096)
  let sequence = 0

  const ask = (local: RawEndpoint, remote: RawEndpoint): void => {
    sequence = (sequence + 1) >>> 0
    request.writeUInt32LE(sequence, at.sequence)
    request[at.family] = local.address.length === 16 ? afInet6 : afInet
    request.writeUInt16BE(local.port, at.localPort)
    request.writeUInt16BE(remote.port, at.remotePort)
    request.fill(0, at.local, at.cookie)
    request.set(local.address, at.local)
    request.set(remote.address, at.remote)
    if (libc.send(fd, request, requestLength, 0) < 0) throw failure('send', libc.errno())
  }

  /** The kernel answers within send(); what is left of an earlier lookup is read over. */
  const answer = (): number | undefined => {
    for (;;) {
      const length = libc.recv(fd, reply, reply.length, 0)
      if (length < 0) throw failure('recv', libc.errno())
      if (reply.readUInt32LE(at.sequence) !== sequence) continue
      if (reply.readUInt16LE(at.type) === nlmsgError) {
        const errno = -reply.readInt32LE(at.error)
        if (errno === enoent) return undefined
        throw failure('lookup', errno)
      }
      if (length < leastReply) {
        const message = `sock_diag: expected ${String(leastReply)} bytes, got ${String(length)}`
        throw new SysError('ERR_SYSTEM_CALL', message)
      }
      return reply.readUInt32LE(at.uid)
    }
  }

  const owners: SocketOwners = {
    uidOf: (local, remote) => {
      ask(local, remote)
      return answer()
    },
    [Symbol.dispose]: () => {
      libc.close(fd)
    },
  }
  const nowhere = { address: new Uint8Array(4), port: 0 }
  owners.uidOf(nowhere, nowhere)
  return owners
}

function createRequest(): Buffer {
  const request = Buffer.alloc(requestLength)
  request.writeUInt32LE(requestLength, 0)
  request.writeUInt16LE(sockDiagByFamily, at.type)
  request.writeUInt16LE(nlmsgRequest, at.type + 2)
  request[at.protocol] = ipprotoTcp
  request.writeUInt32LE(everyState, at.states)
  request.writeUInt32LE(noCookie, at.cookie)
  request.writeUInt32LE(noCookie, at.cookie + 4)
  return request
}

function failure(call: string, errno: number): SysError {
  const message = `sock_diag: ${call} failed with errno ${String(errno)}`
  return new SysError('ERR_SYSTEM_CALL', message, { errno })
}
