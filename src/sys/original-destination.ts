import type { Libc } from './libc.ts'
import type { RawEndpoint } from './raw-endpoint.ts'
import { SysError } from './sys-error.ts'

/** `IPv4` and `IPv6` as Node's sockets name their family. */
export type AddressFamily = 'IPv4' | 'IPv6'

// <linux/netfilter_ipv4.h>, <linux/netfilter_ipv6/ip6_tables.h>: both options are number 80.
const originalDestination = 80
const solIp = 0
const solIpv6 = 41
const lengthOfSockaddrIn = 16
const lengthOfSockaddrIn6 = 28
// The kernel never translated this connection, or has forgotten it.
const enoent = 2
const enoprotoopt = 92

/** Asks the kernel where an accepted connection was going before it was redirected here. */
export type ReadOriginalDestination = (fd: number, family: AddressFamily) => RawEndpoint | undefined

/**
 * `undefined` where the kernel knows of no redirection; `ERR_SYSTEM_CALL` for every other failure.
 * The buffers are used again and again: allocating them costs more than the call.
 */
export function createOriginalDestination(libc: Libc): ReadOriginalDestination {
  const value = Buffer.alloc(lengthOfSockaddrIn6)
  const length = Buffer.alloc(4)
  const read: ReadOriginalDestination = (fd, family) => {
    const isV6 = family === 'IPv6'
    length.writeUInt32LE(isV6 ? lengthOfSockaddrIn6 : lengthOfSockaddrIn)
    if (libc.getsockopt(fd, isV6 ? solIpv6 : solIp, originalDestination, value, length) < 0) {
      const errno = libc.errno()
      if (errno === enoent || errno === enoprotoopt) return undefined
      const message = `getsockopt(SO_ORIGINAL_DST) failed with errno ${String(errno)}`
      throw new SysError('ERR_SYSTEM_CALL', message, { errno })
    }
    // sockaddr_in: family, port, address; sockaddr_in6 has its flow label before the address.
    const address = isV6 ? value.subarray(8, 24) : value.subarray(4, 8)
    return { address: Uint8Array.from(address), port: value.readUInt16BE(2) }
  }
  warmUp(read)
  return read
}

/** The first call binds the function, which takes a millisecond that no connection should wait for. */
function warmUp(read: ReadOriginalDestination): void {
  const noDescriptor = -1
  try {
    read(noDescriptor, 'IPv4')
  } catch (error: unknown) {
    if (!(error instanceof SysError)) throw error // EBADF is what is expected
  }
}
