import type { HostPort } from '../base/env.ts'
import type { Reason } from '../policy/reason.ts'
import type { StreamHandlers } from '../tunnel/index.ts'
import type { Alerts } from './alerts.ts'
import {
  endingOf,
  factsOf,
  nameOfPeer,
  type OutsidePeer,
  type PeerSource,
} from './connection-facts.ts'
import type { ConnectionLog, LoggedConnection } from './connection-log.ts'
import type { FlowDirection } from './flow-recorder.ts'
import type { Judgement, Standing } from './judgement.ts'
import type { LiveConnection, LiveConnections } from './live-connections.ts'
import type { Metrics } from './metrics.ts'
import type { Relay, RelayEnding, RelayStream } from './relay.ts'

/** An allowed connection and everything that follows it: relay, live decisions, record. */
export interface OpenConnection {
  readonly handlers: StreamHandlers
  /** Ties stream and socket, and puts the connection among the live ones. */
  start(stream: RelayStream): void
  /** Both ends agree: it counts as opened from here on. */
  established(): void
  /** Something in it is allowed for so long only: then it is decided again. */
  holdUntil(deadline: number): void
}

/** Who keeps track of open connections. */
export interface Followers {
  readonly live: LiveConnections
  readonly connectionLog: ConnectionLog
  readonly metrics: Metrics
  readonly alerts: Alerts
}

export interface ConnectionOptions {
  readonly direction: FlowDirection
  /** Makes what carries its bytes; `onEnd` is to be called once, when that is over. */
  readonly relay: (onEnd: (ending: RelayEnding) => void) => Relay
  readonly tunnel: PeerSource | OutsidePeer
  readonly destination: HostPort
  readonly judgement: Judgement
  /** Decides about it again. */
  readonly judge: (standing: Standing) => Judgement
  readonly flowId: string
  readonly startedAt: number
  readonly followers: Followers
  /** Called if it ends before it is established. */
  readonly refused: (reason: Reason) => void
}

/** One connection from its allow verdict to its end. */
export function openConnection(options: ConnectionOptions): OpenConnection {
  const { direction, tunnel, destination, flowId, startedAt, followers } = options
  const { live, metrics, connectionLog, alerts } = followers
  let { judgement } = options
  let cutPolicy = ''
  let logged: LoggedConnection | undefined

  const report = (): void => {
    const { toStream, fromStream } = relay.carried
    if (direction === 'egress') logged?.progress(toStream, fromStream)
    else logged?.progress(fromStream, toStream)
  }

  const onEnd = (ending: RelayEnding): void => {
    live.remove(entry)
    if (ending.kind === 'cut') metrics.cut(ending.reason)
    if (logged === undefined) {
      options.refused('reason' in ending ? ending.reason : 'connection-reset')
      return
    }
    const conclude = (): void => {
      report()
      logged?.end(endingOf(ending, cutPolicy))
    }
    // Of many that are cut at once none waits for what is written of those before it.
    if (ending.kind === 'cut') queueMicrotask(conclude)
    else conclude()
  }

  const relay = options.relay(onEnd)
  // Without accessors: an object literal that has any is kept as a hash table, half a kilobyte each.
  const entry = {
    direction,
    judge: options.judge,
    deadline: judgement.deadline,
    report,
    retire: () => {
      relay.retire?.()
    },
    cut: (reason: Reason, policy: string) => {
      cutPolicy = policy
      relay.cut(reason)
    },
    confirm: (next: Judgement) => {
      alerts.raise({ direction, peer: nameOfPeer(tunnel) }, next.alerts, judgement.alerts)
      judgement = next
      entry.deadline = next.deadline
    },
  } satisfies LiveConnection

  return {
    handlers: relay.handlers,
    start: (stream) => {
      live.add(entry)
      relay.start(stream)
    },
    established: () => {
      if (logged !== undefined) return
      const { reason, policy } = judgement
      const facts = factsOf({ direction, tunnel, destination, verdict: 'allow', reason, policy })
      logged = connectionLog.opened(facts, flowId, startedAt)
    },
    holdUntil: (deadline) => {
      if (deadline >= (judgement.deadline ?? Infinity)) return
      judgement = { ...judgement, deadline }
      entry.deadline = deadline
      live.expedite(deadline)
    },
  }
}
