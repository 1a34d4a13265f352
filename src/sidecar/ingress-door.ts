import type { Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { isBeyondMachine, isUnspecified } from './address.ts'
import { openListeners, type OpenedListeners } from './capture.ts'
import type { RedirectConfig } from './capture-config.ts'
import { openBothFamilies } from './capture-redirect.ts'
import type { Kernel } from './kernel.ts'
import type { IngressListener } from './listener-map.ts'

/** A local pair, and the application behind it. */
export interface Served {
  readonly local: HostPort
  readonly application: HostPort
}

/** A connection from outside, before anybody knows whose it is. */
export interface Arrival {
  readonly socket: Socket
  readonly served: Served
  /** The local pair that it was made to, where the kernel has redirected it from there. */
  readonly redirectedFrom?: HostPort
}

/** Where connections from outside come in. */
export interface IngressDoor {
  /** Pairs that a peer may name on a tunnel that was dialled to another one. */
  readonly declared: readonly Served[]
  readonly listeners: OpenedListeners
}

/** Opens a door, and gives every connection that comes in to `onArrival`. */
export type OpenDoor = (onArrival: (arrival: Arrival) => void) => Promise<IngressDoor>

/** One listener for each pair that the configuration names. */
export async function openNamedDoor(
  wanted: readonly IngressListener[],
  onArrival: (arrival: Arrival) => void,
  isShared = false,
): Promise<IngressDoor> {
  const listeners = await openListeners(
    wanted.map(({ listen, application }) => ({
      listen,
      onSocket: (socket, local) => {
        onArrival({ socket, served: { local, application } })
      },
    })),
    { pause: false, isShared },
  )
  const declared = wanted.flatMap(({ application }, index) => {
    const local = listeners.addresses[index]
    return local === undefined ? [] : [{ local, application }]
  })
  return { declared, listeners }
}

/**
 * One listener for whatever the kernel redirects. The application is where the connection was made to,
 * or what the configuration names for that pair. A connection that was not redirected is closed.
 */
export async function openRedirectedDoor(options: {
  readonly config: RedirectConfig
  readonly kernel: Kernel
  readonly wanted: readonly IngressListener[]
  readonly onArrival: (arrival: Arrival) => void
  readonly isShared?: boolean
  readonly log: Logger
}): Promise<IngressDoor> {
  const { config, kernel, wanted, onArrival, isShared = false, log } = options
  const declared = wanted.map(({ listen, application }) => ({ local: listen, application }))
  const own = [config.egressPort, config.ingressPort]
  const onSocket = (socket: Socket): void => {
    try {
      const pair = kernel.destinationOf(socket)
      if (pair !== undefined && isBeyondMachine(pair.host) && !own.includes(pair.port)) {
        onArrival({ socket, served: servedAt(pair, declared), redirectedFrom: pair })
        return
      }
      log.info(
        { source: socket.remoteAddress, reason: 'not-a-tunnel' },
        'connection not redirected',
      )
    } catch (error: unknown) {
      log.error({ error: messageOf(error) }, 'the kernel says nothing of a connection')
    }
    socket.resetAndDestroy()
  }
  const { ingressPort: port } = config
  const listeners = await openBothFamilies({
    v4: '0.0.0.0',
    v6: '::',
    port,
    pause: false,
    isShared,
    onSocket,
    log,
  })
  return { declared, listeners }
}

/** The pair itself unless the configuration says what is behind it, for one address or for any. */
function servedAt(pair: HostPort, declared: readonly Served[]): Served {
  const atPort = declared.filter(({ local }) => local.port === pair.port)
  const named =
    atPort.find(({ local }) => local.host === pair.host) ??
    atPort.find(({ local }) => isUnspecified(local.host))
  return { local: pair, application: named?.application ?? pair }
}
