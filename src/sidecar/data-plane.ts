import type { HostPort } from '../base/env.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import {
  createTunnelAcceptor,
  defaultMaxHandshakes,
  dialTunnel,
  type Tunnel,
  type TunnelContext,
} from '../tunnel/index.ts'
import { createAlerts } from './alerts.ts'
import type { CaptureSource, OpenedListeners } from './capture.ts'
import type { DataPlaneConfig } from './config.ts'
import { createConnectionLog } from './connection-log.ts'
import { createEgress, type Egress } from './egress.ts'
import { openEntrances, type Entrances } from './entrances.ts'
import type { FlowRecorder } from './flow-recorder.ts'
import type { Ground } from './ground.ts'
import { openIngress } from './ingress.ts'
import type { Standing } from './judgement.ts'
import { createLiveConnections, type LiveConnections } from './live-connections.ts'
import type { DataSources, Metrics } from './metrics.ts'
import { createNameService, type NameService } from './names/name-service.ts'
import { createRelaying } from './relayed/relaying.ts'
import { createTunnelPool, type TunnelPool } from './tunnel-pool.ts'
import { createTunnelRegistry, type TunnelRegistry } from './tunnel-registry.ts'

/** Listeners, tunnels and open connections. */
export interface DataPlane {
  readonly egressAddresses: readonly HostPort[]
  readonly ingressAddresses: readonly HostPort[]
  readonly live: LiveConnections
  readonly tunnels: TunnelRegistry
  readonly pool: Pick<TunnelPool, 'destinationsWith'>
  /** What is known of names, for what another process learns. */
  readonly names: Pick<NameService, 'learn'>
  /** Takes nothing new, waits for what is open until `deadlineMs` from now, then cuts it. */
  drain(deadlineMs: number): Promise<void>
}

/** Opens all listeners. */
export async function openDataPlane(options: {
  readonly config: DataPlaneConfig
  readonly ground: Ground
  readonly recorder: FlowRecorder
  readonly metrics: Metrics
  readonly log: Logger
}): Promise<DataPlane> {
  const { config, ground, recorder, metrics, log } = options
  const { clock, identity, mesh } = ground
  const standing = (): Standing => ground.standing()
  const live = createLiveConnections(standing)
  const connectionLog = createConnectionLog({ clock, recorder, metrics, log })
  const alerts = createAlerts({ clock, metrics, log })
  const followers = { live, connectionLog, metrics, alerts }
  const own = (): typeof identity.current => identity.current
  const tunnels = createTunnelRegistry({ own, metrics, log })
  const context = tunnelContext(options)
  const stopDialling = new AbortController()

  const dial = async ({ host, port }: HostPort): Promise<Tunnel> => {
    const shown = own()
    const connectMs = config.dialTimeoutMs
    try {
      const tunnel = await dialTunnel({
        ...context,
        host,
        port,
        connectMs,
        signal: stopDialling.signal,
      })
      tunnel.onPeerChanged = () => {
        live.redecide()
      }
      tunnels.add(tunnel, shown)
      metrics.dial('ok')
      return tunnel
    } catch (error: unknown) {
      metrics.dial('failed')
      throw error
    }
  }

  const { applicationTimeoutMs, dialTimeoutMs, resolvers } = config
  const maxConnections = shareOf(config.maxConnections, config)
  const pool = createTunnelPool({ dial, clock, log })
  using opened = new DisposableStack()
  const isOfInterest = (name: string): boolean => mesh.outside.hasName(name)
  const names = opened.use(createNameService({ resolvers, isOfInterest, clock }))
  const relaying = createRelaying({
    ...{ bundle: () => mesh.bundle, standing, clock, log },
    issue: ground.issueWorkloadToken,
    // A proof is good once in a sidecar: where several processes would have to agree on that, never.
    ...(config.workers === 1 ? {} : { mostProofs: 0 }),
  })
  const egress = createEgress({
    ...{ pool, standing, followers, relaying, maxConnections, dialTimeoutMs, clock, log },
    namesOf: names.namesOf,
  })
  opened.defer(
    mesh.changed.subscribe(() => {
      tunnels.recheck()
      live.redecide()
      relaying.prepare()
    }),
  )
  opened.defer(
    identity.changed.subscribe(() => {
      tunnels.reauthenticate()
      live.redecide()
      relaying.prepare()
    }),
  )
  const entrances = opened.use(await openEntrances(config, names, log))
  const ingress = await openIngress(entrances.openDoor, {
    acceptor: createTunnelAcceptor({
      ...context,
      maxHandshakes: shareOf(defaultMaxHandshakes, config),
    }),
    registry: tunnels,
    standing,
    own,
    followers,
    relaying,
    maxConnections,
    applicationTimeoutMs,
    takesClear: config.workers === 1,
    clock,
    log,
  })
  const capture = await captureOrClose(entrances, egress, ingress)
  relaying.prepare()
  const parts = opened.move()
  return {
    egressAddresses: capture.addresses,
    ingressAddresses: ingress.addresses,
    live,
    tunnels,
    pool,
    names,
    drain: async (deadlineMs) => {
      await Promise.all([capture.stop(), ingress.stop()])
      stopDialling.abort()
      tunnels.retireAll()
      live.retireAll()
      await within(deadlineMs, Promise.all([tunnels.drained(), live.drained()]))
      live.cutAll('draining')
      tunnels.closeAll('draining' satisfies Reason)
      await tunnels.drained()
      live.close()
      parts.dispose()
    },
  }
}

/** What its metrics are read off. */
export function sourcesOf({ live, tunnels, pool }: DataPlane): DataSources {
  return {
    openConnections: (direction) => live.count(direction),
    tunnels: (side) => tunnels.count(side === 'dialled' ? 'dialler' : 'acceptor'),
    destinationsWith: (count) => pool.destinationsWith(count),
    uselessStreams: () => tunnels.uselessStreams(),
    tunnelMemory: () => tunnels.memory(),
  }
}

/** What each of the processes may have of a limit of the whole sidecar. */
function shareOf(limit: number, { workers }: DataPlaneConfig): number {
  return Math.ceil(limit / workers)
}

async function captureOrClose(
  entrances: Entrances,
  egress: Egress,
  ingress: OpenedListeners,
): Promise<CaptureSource> {
  try {
    return await entrances.capture((connection) => {
      egress.take(connection)
    })
  } catch (error: unknown) {
    await ingress.stop()
    throw error
  }
}

/** What every handshake of ours asks for at its time: the present identity, trust and clock. */
function tunnelContext({
  ground,
  config,
}: {
  readonly config: DataPlaneConfig
  readonly ground: Ground
}): TunnelContext {
  return {
    identity: () => {
      const { current } = ground.identity
      if (current === undefined) throw new Error('BUG: a tunnel without an identity')
      return current
    },
    trust: () => {
      const { bundle, floors } = ground.mesh
      if (bundle === undefined) throw new Error('BUG: a tunnel without a bundle')
      return { bundle, floors, now: ground.clock.now() }
    },
    limits: { idleMs: config.tunnelIdleMs },
    // Only an outage of the controller lets a tunnel outlive its certificates (DESIGN §3).
    expiryGraceMs: () => (ground.contact.isConnected ? 0 : config.outageGraceMs),
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
