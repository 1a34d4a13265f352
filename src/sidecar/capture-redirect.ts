import type { Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { codeOf, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import { isBeyondMachine } from './address.ts'
import {
  openListeners,
  type CaptureSource,
  type CapturedConnection,
  type OpenedListeners,
} from './capture.ts'
import type { RedirectConfig } from './capture-config.ts'
import type { Kernel } from './kernel.ts'
import { resetSocket } from './socket-ending.ts'

/** Takes what the kernel redirects to the egress port. It redirects to loopback, so only that is listened on. */
export async function captureRedirected(options: {
  readonly config: RedirectConfig
  readonly kernel: Kernel
  readonly onConnection: (connection: CapturedConnection) => void
  readonly isShared?: boolean
  readonly log: Logger
}): Promise<CaptureSource> {
  const { config, kernel, onConnection, isShared = false, log } = options
  const onSocket = (socket: Socket, local: HostPort): void => {
    try {
      onConnection(identify(socket, local, config, kernel))
    } catch (error: unknown) {
      log.error({ error: messageOf(error) }, 'the kernel says nothing of a connection')
      resetSocket(socket)
    }
  }
  const { egressPort: port } = config
  return await openBothFamilies({
    ...{ v4: '127.0.0.1', v6: '::1', port, pause: true },
    ...{ isShared, onSocket, log },
  })
}

/**
 * Where the connection was going, and whether it may go anywhere. One that was not redirected has this
 * listener as its destination: dialling that would go round in circles.
 */
function identify(
  socket: Socket,
  local: HostPort,
  config: RedirectConfig,
  kernel: Kernel,
): CapturedConnection {
  const original = kernel.destinationOf(socket)
  const refusal = refusalOf(socket, original, config, kernel)
  return {
    socket,
    originalDestination: original ?? local,
    ...(refusal === undefined ? {} : { refusal }),
  }
}

function refusalOf(
  socket: Socket,
  destination: HostPort | undefined,
  { workloadUid }: RedirectConfig,
  kernel: Kernel,
): Reason | undefined {
  if (destination === undefined || !isBeyondMachine(destination.host)) return 'no-tunnel'
  if (workloadUid === undefined) return undefined
  // Whose socket is gone already cannot be told from somebody else.
  return kernel.ownerOf(socket, destination) === workloadUid ? undefined : 'not-the-workload'
}

/** Listens on one port in both families. */
export async function openBothFamilies(options: {
  readonly v4: string
  readonly v6: string
  readonly port: number
  readonly pause: boolean
  readonly isShared: boolean
  readonly onSocket: (socket: Socket, local: HostPort) => void
  readonly log: Logger
}): Promise<OpenedListeners> {
  const { port, pause, isShared, onSocket, log } = options
  const listenOn = async (host: string): Promise<OpenedListeners> =>
    await openListeners([{ listen: { host, port }, onSocket }], { pause, isShared, ipv6Only: true })
  return await inBothFamilies(options, listenOn, log)
}

/** Opens the same at an address of each family; a kernel without IPv6 has nothing to redirect there either. */
export async function inBothFamilies(
  hosts: { readonly v4: string; readonly v6: string },
  listenOn: (host: string) => Promise<OpenedListeners>,
  log: Logger,
): Promise<OpenedListeners> {
  const v4 = await listenOn(hosts.v4)
  try {
    const v6 = await listenOn(hosts.v6)
    return {
      addresses: [...v4.addresses, ...v6.addresses],
      stop: async () => {
        await Promise.all([v4.stop(), v6.stop()])
      },
    }
  } catch (error: unknown) {
    if (isWithoutIpv6(error)) {
      log.warn({ address: hosts.v6 }, 'this machine has no IPv6')
      return v4
    }
    await v4.stop()
    throw error
  }
}

function isWithoutIpv6(error: unknown): boolean {
  const code = codeOf(error instanceof Error ? error.cause : undefined)
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'
}
