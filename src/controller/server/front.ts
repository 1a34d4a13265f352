import type { TLSSocket } from 'node:tls'
import { setTimeout as delay } from 'node:timers/promises'
import { ServerCredentials, type Server } from '@grpc/grpc-js'
import type { HostPort } from '../../base/env.ts'
import type { Logger } from '../../base/logger.ts'
import type { Trust, KnownAdministrator } from '../caller.ts'
import type { ControllerMetrics } from '../metrics.ts'
import { createSlots } from './call-limits.ts'
import { createConnections, type Connection, type Connections } from './connections.ts'
import {
  listenTls,
  type ListenerLimits,
  type ServerIdentity,
  type TlsListener,
} from './listener.ts'
import { createCallAdapter, createGrpcServer, type CallAdapter, type ServedService } from './rpc.ts'

/** The gRPC port: everything between an accepted socket and a handler. */
export interface Front {
  readonly adapter: CallAdapter
  readonly connections: Connections
  /** Opens the port for these services. */
  listen(services: readonly ServedService[], identity: ServerIdentity): Promise<TlsListener>
}

/** Of all connections, how many may be of strangers: those who have a certificate find room. */
const strangersShare = 1 / 4

/** What a stranger may send before anything is known of it, and what a verified caller may. */
const strangerLimits = { requestBytes: 256 * 1024, streams: 16, idleMs: 60_000 }
const callerLimits = { requestBytes: 5 * 1024 * 1024, streams: 128 }

export function createFront(deps: {
  readonly address: HostPort
  readonly limits: ListenerLimits & { readonly strangerSilenceMs: number }
  readonly trust: Trust
  readonly administrator: (serial: string) => KnownAdministrator | undefined
  readonly metrics: ControllerMetrics
  readonly log: Logger
}): Front {
  const { metrics, log } = deps
  const connections = createConnections(deps)
  const adapter = createCallAdapter({ ...deps, connections })
  return {
    adapter,
    connections,
    listen: async (services, identity) => {
      const strangers = createGrpcServer(services, strangerLimits)
      const callers = createGrpcServer(services, callerLimits)
      const toStrangers = injectorOf(strangers)
      const toCallers = injectorOf(callers)
      const strangerSlots = createSlots(Math.ceil(deps.limits.connections * strangersShare))
      const listener = await listenTls({
        listen: deps.address,
        identity,
        limits: deps.limits,
        log,
        onConnection: (socket, ownKeySha256) => {
          socket.on('error', (error) => {
            log.debug({ error: error.message }, 'connection lost')
          })
          const connection = connections.register(socket, ownKeySha256)
          const { caller } = connection
          if (caller.kind === 'refused') {
            log.warn(
              { source: caller.source, code: caller.code, detail: caller.detail },
              'certificate refused',
            )
          }
          const isKnown = caller.kind === 'workload' || caller.kind === 'administrator'
          if (isKnown) {
            toCallers.injectConnection(socket)
            return
          }
          const leave = strangerSlots.take(caller.source)
          if (leave === undefined) {
            metrics.refusedConnections.inc({ reason: 'too-many-strangers' })
            socket.destroy()
            return
          }
          socket.once('close', leave)
          endOnceSilent(socket, connection, deps.limits.strangerSilenceMs)
          toStrangers.injectConnection(socket)
        },
        onRefused: (reason) => {
          metrics.refusedConnections.inc({ reason })
        },
      })
      return {
        address: listener.address,
        renew: (renewed) => {
          listener.renew(renewed)
        },
        stopAccepting: () => {
          listener.stopAccepting()
        },
        get connections() {
          return listener.connections
        },
        [Symbol.asyncDispose]: async () => {
          listener.stopAccepting()
          await drained([strangers, callers])
          await listener[Symbol.asyncDispose]()
          strangers.forceShutdown()
          callers.forceShutdown()
        },
      }
    },
  }
}

/** A slot is not for whoever begins calls and never ends them. */
function endOnceSilent(socket: TLSSocket, connection: Connection, longestMs: number): void {
  const look = (): void => {
    const leftMs = longestMs - connection.silence()
    if (leftMs <= 0) socket.destroy()
    else timer = setTimeout(look, leftMs)
  }
  let timer = setTimeout(look, longestMs)
  socket.once('close', () => {
    clearTimeout(timer)
  })
}

/** Calls under way get this long to end by themselves. */
const drainMs = 1_000

async function drained(servers: readonly Server[]): Promise<void> {
  const late = new AbortController()
  const finished = servers.map(
    (server) =>
      new Promise<void>((resolve) => {
        server.tryShutdown(() => {
          resolve()
        })
      }),
  )
  const deadline = delay(drainMs, undefined, { signal: late.signal }).catch(() => undefined)
  await Promise.race([Promise.all(finished), deadline])
  late.abort()
}

function injectorOf(server: Server): ReturnType<Server['createConnectionInjector']> {
  return server.createConnectionInjector(ServerCredentials.createInsecure())
}
