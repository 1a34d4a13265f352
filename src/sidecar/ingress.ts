import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import {
  TunnelError,
  type StreamHeader,
  type Tunnel,
  type TunnelAcceptor,
  type TunnelStream,
} from '../tunnel/index.ts'
import { isUnspecified } from './address.ts'
import { connectApplication } from './application.ts'
import { createArrivalCheck, type ClearArrival } from './arrival-check.ts'
import type { OpenedListeners } from './capture.ts'
import { answers } from './clear/agreement.ts'
import { serveClear } from './clear/clear-ingress.ts'
import { createClearOffers, type ClearOffers } from './clear/clear-offers.ts'
import { factsOf, verdictOfRefusal, type OutsidePeer } from './connection-facts.ts'
import { createFlowId } from './flow-id.ts'
import {
  deny,
  judge,
  judgeUnread,
  readsRequests,
  mayBeClear,
  refusalOfNew,
  type Judgement,
  type Standing,
} from './judgement.ts'
import type { Arrival, OpenDoor, Served } from './ingress-door.ts'
import { openConnection, type Followers, type OpenConnection } from './open-connection.ts'
import { carryOutside } from './outside-connection.ts'
import type { OwnIdentity } from './own-identity.ts'
import { clientCertOf } from './http/header-lines.ts'
import { createRelay } from './relay.ts'
import type { Relaying } from './relayed/relaying.ts'
import { openRequestConnection } from './request-connection.ts'
import { resetSocket } from './socket-ending.ts'
import type { TunnelRegistry } from './tunnel-registry.ts'

export interface IngressOptions {
  readonly acceptor: TunnelAcceptor
  readonly registry: TunnelRegistry
  readonly standing: () => Standing
  readonly own: () => OwnIdentity | undefined
  readonly followers: Followers
  readonly relaying: Relaying
  readonly maxConnections: number
  readonly applicationTimeoutMs: number
  /** Whether connections in clear can be waited for: each comes by itself, and may reach another process. */
  readonly takesClear: boolean
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Logger
}

/** Opens the mesh-facing door: tunnels are taken there, and what policy allows from outside the mesh. */
export async function openIngress(
  openDoor: OpenDoor,
  options: IngressOptions,
): Promise<OpenedListeners> {
  const waiting = { count: 0 }
  let declared: readonly Served[] = []
  const check = createArrivalCheck(options.standing)
  const offers = createClearOffers()

  const acceptTunnel = async ({ socket, served, redirectedFrom }: Arrival): Promise<void> => {
    const own = options.own()
    const source = formatHostPort({
      host: socket.remoteAddress ?? '',
      port: socket.remotePort ?? 0,
    })
    // Without an identity to show, or policy to decide by, no handshake is worth its cost.
    const isFull = options.registry.count('acceptor') >= options.maxConnections
    const refusal = isFull ? 'limit-reached' : refusalOfNew(options.standing())
    if (refusal !== undefined) {
      options.followers.metrics.tunnelRefused(refusal)
      resetSocket(socket)
      return
    }
    try {
      if (offers.isExpecting && (await offers.take(socket, check.patience(socket, served.local)))) {
        return
      }
      const found = await check.examine(socket, served.local)
      if (found !== undefined && found.kind !== 'tunnel') {
        await takeClear({ ...options, waiting }, found, socket, served)
        return
      }
      const tunnel = await options.acceptor.accept(
        socket,
        redirectedFrom && { address: redirectedFrom.host, port: redirectedFrom.port },
      )
      tunnel.onStream = (stream, header) => {
        takeStream(tunnel, served, stream, header)
      }
      tunnel.onPeerChanged = () => {
        options.followers.live.redecide()
      }
      options.registry.add(tunnel, own)
    } catch (error: unknown) {
      const reason = error instanceof TunnelError ? error.reason : 'internal-error'
      options.followers.metrics.tunnelRefused(reason)
      options.log.info({ source, reason, error: messageOf(error) }, 'tunnel refused')
      socket.destroy()
    }
  }

  const takeStream = (
    tunnel: Tunnel,
    accepted: Served,
    stream: TunnelStream,
    header: StreamHeader,
  ): void => {
    serveStream(
      { options, waiting, offers, tunnel, stream, header },
      chooseListener(tunnel, accepted, header, declared),
    ).catch((error: unknown) => {
      options.log.error({ error: messageOf(error) }, 'BUG: ingress failed')
      stream.reset('internal-error')
    })
  }

  const door = await openDoor((arrival) => void acceptTunnel(arrival))
  declared = door.declared
  return door.listeners
}

/** A connection that is no tunnel: carried where it comes from outside and policy allows it. */
async function takeClear(
  options: IngressOptions & Pick<Incoming, 'waiting'>,
  arriving: ClearArrival,
  socket: Socket,
  { local, application }: Served,
): Promise<void> {
  const { followers, clock, waiting, maxConnections } = options
  const startedAt = clock.monotonic()
  const flowId = createFlowId()
  const refuse = (reason: Reason, tunnel?: OutsidePeer, policy = ''): void => {
    const verdict = verdictOfRefusal(reason)
    const destination = local
    const facts = factsOf({ direction: 'ingress', tunnel, destination, verdict, reason, policy })
    followers.connectionLog.refused(facts, flowId, startedAt)
    resetSocket(socket)
  }
  if (arriving.kind === 'gone') resetSocket(socket)
  else if (arriving.kind === 'mesh-in-clear') refuse('mesh-peer-in-clear')
  else if (followers.live.count('ingress') + waiting.count >= maxConnections)
    refuse('limit-reached', { outside: arriving.choice.name })
  else {
    waiting.count++
    try {
      await carryOutside({
        ...{ ...arriving, standing: options.standing, followers, refuse, socket },
        relaying: options.relaying,
        ...{ flowId, startedAt, target: application, destination: local },
        timeoutMs: options.applicationTimeoutMs,
      })
    } finally {
      waiting.count--
    }
  }
}

interface Incoming {
  readonly options: IngressOptions
  /** Streams whose application is being connected: they count towards the limit. */
  readonly waiting: { count: number }
  /** Connections in clear that were agreed on. */
  readonly offers: ClearOffers
  readonly tunnel: Tunnel
  readonly stream: TunnelStream
  readonly header: StreamHeader
}

/** Where a stream goes, by what this end knows of itself; `undefined` = to another workload. */
interface Target {
  readonly pair: HostPort
  readonly application: HostPort
}

/**
 * A stream for the pair that the tunnel was dialled to goes behind the listener that accepted the
 * tunnel; one for another pair only if that is exactly a declared one (PROTOCOL §4, Ingress).
 */
function chooseListener(
  tunnel: Tunnel,
  accepted: Served,
  { destination }: StreamHeader,
  declared: readonly Served[],
): Target | undefined {
  const dialled = tunnel.peerEndpoint
  if (destination.address === dialled.address && destination.port === dialled.port) {
    const { address: host, port } = tunnel.localEndpoint
    return { pair: { host, port }, application: accepted.application }
  }
  const named = declared.find(
    ({ local }) =>
      !isUnspecified(local.host) &&
      local.host === destination.address &&
      local.port === destination.port,
  )
  return named && { pair: named.local, application: named.application }
}

/** Verdict first; only then the application hears of it, and only then a byte moves. */
async function serveStream(arrival: Incoming, target: Target | undefined): Promise<void> {
  const { options, tunnel, stream, header } = arrival
  const { followers, clock, standing, relaying } = options
  const startedAt = clock.monotonic()
  const { flowId } = header
  const destination = target?.pair ?? {
    host: header.destination.address,
    port: header.destination.port,
  }
  const record = (reason: Reason, policy = ''): void => {
    const verdict = verdictOfRefusal(reason)
    const facts = factsOf({ direction: 'ingress', tunnel, destination, verdict, reason, policy })
    followers.connectionLog.refused(facts, flowId, startedAt)
  }
  const refuse = (reason: Reason, policy = ''): void => {
    stream.reset(reason)
    record(reason, policy)
  }

  if (target === undefined) {
    refuse('wrong-workload')
    return
  }
  const about = { direction: 'ingress', peer: tunnel.peer.spiffeId } as const
  const judgement = decide(arrival, target)
  followers.alerts.raise(about, judgement.alerts)
  if (judgement.verdict === 'deny') {
    refuse(judgement.reason, judgement.policy)
    return
  }
  const { port } = target.pair
  const common = { tunnel, destination, flowId, startedAt, followers, refused: record }
  const judgeConnection = (now: Standing): Judgement =>
    judge(now, 'ingress', tunnel.peerProfile, port)
  if (readsRequests(standing(), port)) {
    const connection = openRequestConnection({
      ...{ ...common, judgement, judge: judgeConnection, standing },
      application: target.application,
      applicationTimeoutMs: options.applicationTimeoutMs,
      direction: 'ingress',
      admit: ({ checked: { request } }) => ({
        judge: (now) => judge(now, 'ingress', tunnel.peerProfile, port, request),
        headers: clientCertOf(tunnel.peer.spiffeId),
      }),
      bodies: relaying.bodies,
    })
    begin(arrival, connection)
    return
  }
  const isClear = header.mayBeClear === true && goesClear(arrival, target, judgement)
  const gone = new AbortController()
  stream.handle(waitingHandlers(gone))
  arrival.waiting.count++
  const socket = await connectApplication(target.application, {
    reads: isClear ? 'own' : 'shared',
    timeoutMs: options.applicationTimeoutMs,
    signal: gone.signal,
  })
  arrival.waiting.count--
  if (typeof socket === 'string') {
    refuse(socket, judgement.policy)
    return
  }
  // Asked again: what was allowed before the application answered may be denied now.
  const judgementNow = judgeUnread(standing(), port, decide(arrival, target))
  followers.alerts.raise(about, judgementNow.alerts, judgement.alerts)
  if (judgementNow.verdict === 'deny' || stream.closed) {
    resetSocket(socket)
    refuse(stream.closed ? 'connection-reset' : judgementNow.reason, judgementNow.policy)
    return
  }
  if (isClear) {
    arrival.waiting.count++
    await serveClear({
      ...{ socket, tunnel, stream, header, destination, followers, flowId, startedAt, record },
      ...{ offers: arrival.offers, standing, gone: gone.signal },
      timeoutMs: options.applicationTimeoutMs,
    }).finally(() => arrival.waiting.count--)
    return
  }
  const connection = openConnection({
    ...common,
    direction: 'ingress',
    relay: (onEnd) => createRelay(socket, onEnd),
    judgement: judgementNow,
    judge: (now) => judgeUnread(now, port, judgeConnection(now)),
  })
  begin(arrival, connection)
}

function begin({ stream, header }: Incoming, connection: OpenConnection): void {
  stream.handle(connection.handlers)
  connection.established()
  connection.start(stream)
  stream.accept()
  // Whoever may speak in clear waits to be told whether to.
  if (header.mayBeClear === true) stream.write(answers.tunnel)
}

/** Whether this end, too, lets the pair speak in clear. */
function goesClear(
  { options: { standing, takesClear } }: Incoming,
  { pair }: Target,
  judgement: Judgement,
): boolean {
  if (!takesClear) return false
  const now = standing()
  return now.own !== undefined && mayBeClear(now, judgement, now.own.profile, pair.port)
}

/** The port is the listener's own: a peer that says it dialled another one gains nothing. */
function decide({ options, tunnel, waiting }: Incoming, target: Target): Judgement {
  const { standing, followers, maxConnections } = options
  if (followers.live.count('ingress') + waiting.count >= maxConnections)
    return deny('limit-reached')
  const now = standing()
  const refusal = refusalOfNew(now)
  if (refusal !== undefined) return deny(refusal)
  return judge(now, 'ingress', tunnel.peerProfile, target.pair.port)
}

/** While the application is being connected nothing is delivered; the peer may still give up. */
function waitingHandlers(gone: AbortController): Parameters<TunnelStream['handle']>[0] {
  return {
    onData: () => undefined,
    onEnd: () => undefined,
    onDrain: () => undefined,
    onReset: () => {
      gone.abort()
    },
  }
}
