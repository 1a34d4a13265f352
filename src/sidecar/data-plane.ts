import type { HostPort } from '../base/env.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import {
  createTunnelAcceptor,
  dialTunnel,
  type Tunnel,
  type TunnelContext,
} from '../tunnel/index.ts'
import { createAlerts } from './alerts.ts'
import type { CaptureSource, OpenedListeners } from './capture.ts'
import type { SidecarConfig } from './config.ts'
import { createConnectionLog } from './connection-log.ts'
import type { ControlPlane } from './control-plane.ts'
import { createEgress, type Egress } from './egress.ts'
import { openEntrances, type Entrances } from './entrances.ts'
import type { FlowRecorder } from './flow-recorder.ts'
import { openIngress } from './ingress.ts'
import type { Standing } from './judgement.ts'
import { createLiveConnections, type LiveConnections } from './live-connections.ts'
import type { Metrics } from './metrics.ts'
import { createNameService } from './names/name-service.ts'
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
  /** Takes nothing new, waits for what is open until `deadlineMs` from now, then cuts it. */
  drain(deadlineMs: number): Promise<void>
}

/** Opens all listeners. `isControllerConnected` decides whether the outage grace holds. */
export async function openDataPlane(options: {
  readonly config: SidecarConfig
  readonly control: ControlPlane
  readonly recorder: FlowRecorder
  readonly metrics: Metrics
  readonly isControllerConnected: () => boolean
  readonly log: Logger
}): Promise<DataPlane> {
  const { config, control, recorder, metrics, log } = options
  const { clock, identity, mesh } = control
  const standing = (): Standing => control.standing()
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

  const { maxConnections, applicationTimeoutMs, dialTimeoutMs, resolvers } = config
  const pool = createTunnelPool({ dial, clock, log })
  using opened = new DisposableStack()
  const isOfInterest = (name: string): boolean => mesh.outside.hasName(name)
  const names = opened.use(createNameService({ resolvers, isOfInterest, clock }))
  const relaying = createRelaying({
    ...{ bundle: () => mesh.bundle, standing, clock, log },
    issue: async (signal) => {
      const connection = control.link.meshConnection()
      if (connection === undefined) throw new Error('no SVID to ask with')
      return await connection.issueWorkloadToken(signal)
    },
  })
  const egress = createEgress({
    ...{ pool, standing, followers, relaying, maxConnections, dialTimeoutMs, clock, log },
    namesOf: names.namesOf,
  })
  const entrances = opened.use(await openEntrances(config, names, log))
  const ingress = await openIngress(entrances.openDoor, {
    acceptor: createTunnelAcceptor(context),
    registry: tunnels,
    standing,
    own,
    followers,
    relaying,
    maxConnections,
    applicationTimeoutMs,
    clock,
    log,
  })
  const capture = await captureOrClose(entrances, egress, ingress)
  const unsubscribe = [
    mesh.changed.subscribe(() => {
      tunnels.recheck()
      live.redecide()
      relaying.prepare()
    }),
    identity.changed.subscribe(() => {
      tunnels.reauthenticate()
      live.redecide()
      relaying.prepare()
    }),
  ]

  relaying.prepare()
  const parts = opened.move()
  return {
    egressAddresses: capture.addresses,
    ingressAddresses: ingress.addresses,
    live,
    tunnels,
    pool,
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
      for (const stop of unsubscribe) stop()
      parts.dispose()
    },
  }
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
function tunnelContext(options: {
  readonly config: SidecarConfig
  readonly control: ControlPlane
  readonly isControllerConnected: () => boolean
}): TunnelContext {
  const { control, config } = options
  return {
    identity: () => {
      const { current } = control.identity
      if (current === undefined) throw new Error('BUG: a tunnel without an identity')
      return current
    },
    trust: () => {
      const { bundle, floors } = control.mesh
      if (bundle === undefined) throw new Error('BUG: a tunnel without a bundle')
      return { bundle, floors, now: control.clock.now() }
    },
    limits: { idleMs: config.tunnelIdleMs },
    // Only an outage of the controller lets a tunnel outlive its certificates (DESIGN §3).
    expiryGraceMs: () => (options.isControllerConnected() ? 0 : config.outageGraceMs),
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
