import type { Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { sidecarId } from '../base/sidecar-account.ts'
import {
  createOriginalDestination,
  loadLibc,
  openSocketOwners,
  socketFd,
  type RawEndpoint,
} from '../sys/index.ts'
import { addressBytes, addressText } from '../tunnel/endpoint.ts'
import { SidecarError } from './sidecar-error.ts'

/** What the kernel knows of redirected connections. */
export interface Kernel extends Disposable {
  /** Where an accepted connection was going; undefined where it is closed, or was never redirected. */
  destinationOf(socket: Socket): HostPort | undefined
  /** The uid of the local program that opened an accepted connection to `destination`, if it still is open. */
  ownerOf(socket: Socket, destination: HostPort): number | undefined
}

/** Loads the foreign functions, and refuses (`ERR_CAPTURE`) where the rules would capture the sidecar itself. */
export async function openKernel(): Promise<Kernel> {
  checkAccount(process.getuid?.(), process.getgid?.())
  try {
    const libc = await loadLibc()
    const originalDestination = createOriginalDestination(libc)
    const owners = openSocketOwners(libc)
    return {
      destinationOf: (socket) => {
        const fd = socketFd(socket)
        if (fd === undefined) return undefined
        const family = socket.remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4'
        const found = originalDestination(fd, family)
        return found && { host: addressText(found.address), port: found.port }
      },
      ownerOf: ({ remoteAddress, remotePort }, destination) => {
        const client = rawEndpoint(remoteAddress, remotePort)
        // The client's socket still has the original destination as its other end.
        const meant = rawEndpoint(destination.host, destination.port)
        return client && meant && owners.uidOf(client, meant)
      },
      [Symbol.dispose]: () => {
        owners[Symbol.dispose]()
      },
    }
  } catch (cause: unknown) {
    throw new SidecarError('ERR_CAPTURE', 'connections cannot be captured', { cause })
  }
}

function checkAccount(uid: number | undefined, gid: number | undefined): void {
  if (uid === sidecarId && gid === sidecarId) return
  throw new SidecarError(
    'ERR_CAPTURE',
    `expected to run with uid and gid ${String(sidecarId)}, got ${String(uid)} and ${String(gid)}: ` +
      'its own connections would be captured',
  )
}

function rawEndpoint(
  address: string | undefined,
  port: number | undefined,
): RawEndpoint | undefined {
  const bytes = address === undefined ? undefined : addressBytes(address)
  return bytes === undefined || port === undefined ? undefined : { address: bytes, port }
}
