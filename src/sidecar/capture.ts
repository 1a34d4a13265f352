import { createServer, type Server, type Socket } from 'node:net'
import { formatHostPort, type HostPort } from '../base/env.ts'
import type { Reason } from '../policy/reason.ts'
import { isBeyondMachine } from './address.ts'
import { isName, type EgressListener } from './listener-map.ts'
import { resetSocket } from './socket-ending.ts'

/** The destination of a connection whose name has no address. */
const nowhere = '0.0.0.0'

/** A connection of the local workload, and where it meant to go. */
export interface CapturedConnection {
  readonly socket: Socket // paused, open for half-close
  readonly originalDestination: HostPort
  /** Why it may go nowhere, whatever policy says. */
  readonly refusal?: Reason
}

/**
 * Where outbound connections come from: named listeners (`explicit`), or the kernel's redirection
 * with the original destination read off the socket (`redirect`). What follows does not know which.
 */
export interface CaptureSource {
  /** Where it listens, one address per configured listener, in that order. */
  readonly addresses: readonly HostPort[]
  /** Takes no new connection from here on. */
  stop(): Promise<void>
}

/** Finds the addresses of a name, in canonical form; empty where there is none. */
export type LookUp = (name: string) => Promise<readonly string[]>

/** Listens on every configured local address; all of them or none. */
export async function captureExplicit(
  listeners: readonly EgressListener[],
  lookUp: LookUp,
  onConnection: (connection: CapturedConnection) => void,
  isShared = false,
): Promise<CaptureSource> {
  const takeNamed = (socket: Socket, destination: HostPort): void => {
    locate(destination, lookUp)
      .then((found) => {
        onConnection({ socket, ...found })
      })
      .catch(() => {
        // Not even a query could be made, for want of a socket for instance.
        resetSocket(socket)
      })
  }
  const wanted = listeners.map(({ listen, destination }) => {
    const isNamed = isName(destination.host)
    const onSocket = (socket: Socket): void => {
      if (isNamed) takeNamed(socket, destination)
      else onConnection({ socket, originalDestination: destination })
    }
    return { listen, onSocket }
  })
  return await openListeners(wanted, { pause: true, isShared })
}

/** Where a name is at this moment. It is never this machine or link, whatever DNS says of it. */
async function locate(
  { host: name, port }: HostPort,
  lookUp: LookUp,
): Promise<Omit<CapturedConnection, 'socket'>> {
  const addresses = await lookUp(name)
  const host = addresses.find(isBeyondMachine)
  if (host !== undefined) return { originalDestination: { host, port } }
  return { originalDestination: { host: nowhere, port }, refusal: 'application-unreachable' }
}

export interface OpenedListeners {
  readonly addresses: readonly HostPort[]
  stop(): Promise<void>
}

/** Opens TCP listeners, with sockets that arrive paused if so wanted; closes those already open if one cannot be. */
export async function openListeners(
  wanted: readonly {
    readonly listen: HostPort
    readonly onSocket: (socket: Socket, local: HostPort) => void
  }[],
  options: {
    readonly pause: boolean
    /** Whether a listener on `::` leaves IPv4 to another one; otherwise it takes both. */
    readonly ipv6Only?: boolean
    /** Whether other processes of this sidecar listen there as well; the kernel spreads connections over them. */
    readonly isShared?: boolean
  },
): Promise<OpenedListeners> {
  const servers: Server[] = []
  const addresses: HostPort[] = []
  try {
    for (const { listen, onSocket } of wanted) {
      const server = createServer({
        allowHalfOpen: true,
        pauseOnConnect: options.pause,
        noDelay: true,
      })
      servers.push(server)
      const bound = await bind(server, listen, options)
      addresses.push(bound)
      server.on('connection', (socket) => {
        // Without this, an error before anybody has taken over the socket would end the process.
        socket.on('error', () => undefined)
        socket.setKeepAlive(true, 30_000)
        onSocket(socket, bound)
      })
    }
  } catch (error: unknown) {
    await closeAll(servers)
    throw error
  }
  return {
    addresses,
    stop: async () => {
      await closeAll(servers)
    },
  }
}

/**
 * Connections that the kernel takes before this process does, as many as Linux allows by default:
 * beyond it some are reset that their clients believe to stand.
 */
const backlog = 4_096

async function bind(
  server: Server,
  listen: HostPort,
  { ipv6Only = false, isShared = false }: Parameters<typeof openListeners>[1],
): Promise<HostPort> {
  return await new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Error(`cannot listen on ${formatHostPort(listen)}`, { cause }))
    })
    server.listen({ ...listen, backlog, ipv6Only, reusePort: isShared }, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : listen.port
      resolve({ host: listen.host, port })
    })
  })
}

/** Stops listening; sockets that were accepted live on, so this does not wait for them. */
async function closeAll(servers: readonly Server[]): Promise<void> {
  for (const server of servers) {
    if (server.listening) server.close()
  }
  await Promise.resolve()
}
