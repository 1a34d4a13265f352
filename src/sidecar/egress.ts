import { isIPv6 } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import { canonicalAddress, type StreamHeader } from '../tunnel/index.ts'
import type { CapturedConnection } from './capture.ts'
import { carryClear } from './clear/clear-egress.ts'
import { factsOf, verdictOfRefusal, type OutsidePeer, type PeerSource } from './connection-facts.ts'
import { questionOf, type NamesOf } from './egress-question.ts'
import { createFlowId } from './flow-id.ts'
import { judge, mayBeClear, refusalOfNew, type Standing } from './judgement.ts'
import { openConnection, type Followers } from './open-connection.ts'
import { chooseOutside } from './outside-choice.ts'
import { carryOutside } from './outside-connection.ts'
import type { Relaying } from './relayed/relaying.ts'
import { createRelay } from './relay.ts'
import { resetSocket } from './socket-ending.ts'
import type { TunnelPool } from './tunnel-pool.ts'

/** What carries connections of the local workload to the other side of the mesh. */
export interface Egress {
  take(connection: CapturedConnection): void
}

/** Why there is no tunnel where there is no sidecar. */
const withoutPeer: ReadonlySet<Reason> = new Set<Reason>(['no-tunnel', 'not-a-tunnel'])

/**
 * Takes captured connections: inside or outside the mesh, tunnel, verdict on the peer's full profile, stream, relay. A connection
 * that may not be is closed with a reset before a byte of it has been read.
 */
export function createEgress(options: {
  readonly pool: TunnelPool
  readonly standing: () => Standing
  readonly followers: Followers
  readonly namesOf: NamesOf
  readonly relaying: Relaying
  readonly maxConnections: number
  /** How long a connection to the outside may take. */
  readonly dialTimeoutMs: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Logger
}): Egress {
  const { pool, standing, followers, clock, log } = options
  let underWay = 0

  const connect = async (captured: CapturedConnection): Promise<void> => {
    const { socket, originalDestination } = captured
    const startedAt = clock.monotonic()
    const flowId = createFlowId()
    const destination = originalDestination
    const refuse = (reason: Reason, tunnel?: PeerSource | OutsidePeer, policy = ''): void => {
      const verdict = verdictOfRefusal(reason)
      const facts = factsOf({ direction: 'egress', tunnel, destination, verdict, reason, policy })
      followers.connectionLog.refused(facts, flowId, startedAt)
      resetSocket(socket)
    }

    if (captured.refusal !== undefined) {
      refuse(captured.refusal)
      return
    }
    if (followers.live.count('egress') + underWay > options.maxConnections) {
      refuse('limit-reached')
      return
    }
    const refusal = refusalOfNew(standing())
    if (refusal !== undefined) {
      refuse(refusal)
      return
    }
    const question = await questionOf(socket, destination, options.namesOf, standing())
    if (question === undefined) {
      refuse('connection-reset')
      return
    }
    const choice = chooseOutside(standing(), question)
    if (choice.kind === 'outside') {
      await carryOutside({
        ...{ question, choice, standing, followers, refuse, socket, flowId, startedAt },
        relaying: options.relaying,
        target: destination,
        timeoutMs: options.dialTimeoutMs,
        destination,
      })
      return
    }
    const tunnel = await pool.get(destination)
    if (typeof tunnel === 'string') {
      const denial = choice.kind === 'neither' ? choice.denial : undefined
      // Nobody speaks our protocol there, so it is outside, and why it may not be is known.
      if (denial !== undefined && withoutPeer.has(tunnel)) {
        refuse(denial.reason, undefined, denial.policy)
      } else refuse(tunnel)
      return
    }
    // Asked again: much may have changed while the tunnel was dialled.
    const refusalNow = refusalOfNew(standing())
    if (refusalNow !== undefined) {
      refuse(refusalNow, tunnel)
      return
    }
    const judgement = judge(standing(), 'egress', tunnel.peerProfile, destination.port)
    const about = { direction: 'egress', peer: tunnel.peer.spiffeId } as const
    followers.alerts.raise(about, judgement.alerts)
    if (judgement.verdict === 'deny') {
      refuse(judgement.reason, tunnel, judgement.policy)
      return
    }
    if (socket.destroyed) {
      refuse('connection-reset', tunnel, judgement.policy)
      return
    }
    const header = headerOf(socket, destination, flowId)
    if (mayBeClear(standing(), judgement, tunnel.peerProfile, destination.port)) {
      await carryClear({
        ...{ socket, tunnel, destination, header, standing, followers, flowId, startedAt, refuse },
        timeoutMs: options.dialTimeoutMs,
      })
      return
    }
    const connection = openConnection({
      direction: 'egress',
      relay: (onEnd) => createRelay(socket, onEnd),
      tunnel,
      destination,
      judgement,
      judge: (now) => judge(now, 'egress', tunnel.peerProfile, destination.port),
      flowId,
      startedAt,
      followers,
      refused: (reason) => {
        // A denial by the other end is by its policy, which is not told.
        const isOurs = verdictOfRefusal(reason) === 'allow'
        refuse(reason, tunnel, isOurs ? judgement.policy : '')
      },
    })
    const stream = tunnel.openStream(header, {
      ...connection.handlers,
      onAccept: () => {
        connection.established()
      },
    })
    if (typeof stream === 'string') refuse(stream, tunnel, judgement.policy)
    else connection.start(stream)
  }

  return {
    take: (connection) => {
      underWay++
      connect(connection)
        .catch((error: unknown) => {
          log.error({ error: messageOf(error) }, 'BUG: egress failed')
          resetSocket(connection.socket)
        })
        .finally(() => {
          underWay--
        })
    },
  }
}

/** The source is for display only; where its family is not the destination's it is left out. */
function headerOf(
  socket: CapturedConnection['socket'],
  destination: HostPort,
  flowId: string,
): StreamHeader {
  const address = canonicalAddress(socket.remoteAddress ?? '')
  const sameFamily = address !== undefined && isIPv6(address) === isIPv6(destination.host)
  const unknown = isIPv6(destination.host) ? '::' : '0.0.0.0'
  return {
    source: {
      address: sameFamily ? address : unknown,
      port: sameFamily ? (socket.remotePort ?? 0) : 0,
    },
    destination: { address: destination.host, port: destination.port },
    flowId,
  }
}
