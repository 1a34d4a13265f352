import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import type { Tunnel, TunnelMemory } from '../tunnel/index.ts'
import type { Metrics } from './metrics.ts'
import type { OwnIdentity } from './own-identity.ts'

/** Every tunnel that is open, whoever dialled it. */
export interface TunnelRegistry {
  /** Takes a new tunnel, which was set up under the identity `shown`. */
  add(tunnel: Tunnel, shown: OwnIdentity | undefined): void
  count(role: Tunnel['role']): number
  /** Streams that peers opened only to reset them, or began wrongly, over all tunnels there have been. */
  uselessStreams(): number
  /** Over all tunnels; of those that are closed the refusals count on. */
  memory(): TunnelMemory
  /** The own identity is another one: shows it on every tunnel, in place (PROTOCOL §4). */
  reauthenticate(): void
  /** Bundle or floors have changed: closes tunnels whose peer does not hold any more. */
  recheck(): void
  /** Takes no new stream on any tunnel; each ends with its last stream. */
  retireAll(): void
  closeAll(reason: Reason): void
  /** Resolves when no tunnel is left. */
  drained(): Promise<void>
}

export function createTunnelRegistry(options: {
  readonly own: () => OwnIdentity | undefined
  readonly metrics: Pick<Metrics, 'tunnelClosed'>
  readonly log: Logger
}): TunnelRegistry {
  const { metrics, log } = options
  const tunnels = new Set<Tunnel>()
  let uselessOfClosed = 0
  let refusalsOfClosed = 0

  const show = (tunnel: Tunnel, identity: OwnIdentity): void => {
    tunnel.reauthenticate(identity).then(
      (refusal) => {
        if (refusal === undefined || !tunnels.has(tunnel)) return
        log.warn({ peer: tunnel.peer.spiffeId, reason: refusal }, 'peer refused the renewed SVID')
      },
      (error: unknown) => {
        log.warn(
          { peer: tunnel.peer.spiffeId, error: messageOf(error) },
          're-authentication failed',
        )
      },
    )
  }

  return {
    add: (tunnel, shown) => {
      tunnels.add(tunnel)
      const peer = tunnel.peer.spiffeId
      log.debug({ peer, role: tunnel.role }, 'tunnel open')
      void tunnel.closed.then(({ reason, error }) => {
        tunnels.delete(tunnel)
        uselessOfClosed += tunnel.uselessStreams
        refusalsOfClosed += tunnel.memory.growthRefusals
        metrics.tunnelClosed(reason)
        const detail = error === undefined ? {} : { error: messageOf(error) }
        // A peer that breaks the protocol has proved who it is, and somebody should look at it.
        const level = reason === 'protocol-error' ? 'warn' : 'debug'
        log[level]({ peer, role: tunnel.role, reason, ...detail }, 'tunnel closed')
      })
      const own = options.own()
      if (own !== undefined && own !== shown) show(tunnel, own)
    },
    count: (role) => {
      let count = 0
      for (const tunnel of tunnels) if (tunnel.role === role) count++
      return count
    },
    uselessStreams: () => {
      let count = uselessOfClosed
      for (const tunnel of tunnels) count += tunnel.uselessStreams
      return count
    },
    memory: () => {
      let heldBytes = 0
      let grownBytes = 0
      let growthRefusals = refusalsOfClosed
      for (const { memory } of tunnels) {
        heldBytes += memory.heldBytes
        grownBytes += memory.grownBytes
        growthRefusals += memory.growthRefusals
      }
      return { heldBytes, grownBytes, growthRefusals }
    },
    reauthenticate: () => {
      const own = options.own()
      if (own === undefined) return
      for (const tunnel of tunnels) show(tunnel, own)
    },
    recheck: () => {
      for (const tunnel of [...tunnels]) tunnel.recheck()
    },
    retireAll: () => {
      for (const tunnel of [...tunnels]) tunnel.retire()
    },
    closeAll: (reason) => {
      for (const tunnel of [...tunnels]) tunnel.close(reason)
    },
    drained: async () => {
      await Promise.all([...tunnels].map(async (tunnel) => await tunnel.closed))
    },
  }
}
