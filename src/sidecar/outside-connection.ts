import type { Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import type { Reason } from '../policy/reason.ts'
import { connectApplication } from './application.ts'
import type { OutsidePeer } from './connection-facts.ts'
import {
  deny,
  judgeUnread,
  readsRequests,
  refusalOfNew,
  type Judgement,
  type Standing,
} from './judgement.ts'
import { openConnection, type ConnectionOptions, type Followers } from './open-connection.ts'
import {
  isBalancer,
  judgeOutside,
  type OutsideChoice,
  type OutsideQuestion,
} from './outside-choice.ts'
import { createOutsideStream } from './outside-stream.ts'
import { createRelay } from './relay.ts'
import type { Relaying } from './relayed/relaying.ts'
import { openRequestConnection } from './request-connection.ts'
import { resetSocket } from './socket-ending.ts'

export interface OutsideConnectionOptions {
  readonly question: OutsideQuestion
  readonly choice: Extract<OutsideChoice, { kind: 'outside' }>
  readonly standing: () => Standing
  readonly followers: Followers
  readonly relaying: Relaying
  /** The accepted connection, paused and open for half-close: of the program, or of the peer. */
  readonly socket: Socket
  /** Where the other connection goes: to the peer, or to the program. */
  readonly target: HostPort
  readonly timeoutMs: number
  readonly destination: HostPort
  readonly flowId: string
  readonly startedAt: number
  /** Records why there is no connection, and resets the accepted one. */
  readonly refuse: (reason: Reason, peer: OutsidePeer, policy: string) => void
}

/**
 * Carries an allowed connection with a peer outside the mesh, in clear: it connects the other side,
 * asks once more, and relays. Both ends of the relay are as they are for a tunnel: the program's socket,
 * and the peer. Where this workload's port is in HTTP mode, or the peer is a balancer, requests are read
 * instead.
 */
export async function carryOutside(options: OutsideConnectionOptions): Promise<void> {
  const { question, choice, standing, followers, socket, refuse } = options
  const { direction } = question
  const peer = { outside: choice.name }
  const { judgement } = choice
  const about = { direction, peer: `external:${choice.name}` } as const
  followers.alerts.raise(about, judgement.alerts)
  const isHttpPort = direction === 'ingress' && readsRequests(standing(), question.port)
  if (choice.isBalancer || isHttpPort) {
    // What the connection was looked at for took its time: it may be gone, or not allowed to begin any more.
    const refusal = socket.destroyed ? 'connection-reset' : refusalOfNew(standing())
    if (refusal === undefined) serveOutside(options)
    else refuse(refusal, peer, '')
    return
  }
  const other = await connectOther(options)
  if (typeof other === 'string') {
    refuse(other, peer, judgement.policy)
    return
  }
  const now = decideAgain(standing(), question)
  if (now.verdict === 'deny' || socket.destroyed) {
    resetSocket(other)
    if (now.verdict === 'deny') refuse(now.reason, peer, now.policy)
    else refuse('connection-reset', peer, judgement.policy)
    return
  }
  followers.alerts.raise(about, now.alerts, judgement.alerts)
  const [program, outsider] = direction === 'egress' ? [socket, other] : [other, socket]
  const stream = createOutsideStream(outsider)
  const connection = openConnection({
    ...aboutConnection(options, now),
    direction,
    relay: (onEnd) => createRelay(program, onEnd),
    judge: (later) => judgeCarried(later, question),
  })
  connection.established()
  connection.start(stream)
  stream.handle(connection.handlers)
}

/**
 * Reads the requests of a connection with the outside. Of a peer outside no identity is told to the
 * application, but that of the workload for which a balancer passes a request on is.
 */
function serveOutside(options: OutsideConnectionOptions): void {
  const { question, choice, standing, socket, target, relaying } = options
  const { direction } = question
  const requests = direction === 'ingress' ? relaying.arriving : relaying.leaving
  const stream = createOutsideStream(socket)
  const connection = openRequestConnection({
    ...aboutConnection(options, choice.judgement),
    direction,
    application: target,
    applicationTimeoutMs: options.timeoutMs,
    standing,
    judge: (later) => judgeOutside(later, question),
    admit: (arrived) => requests.admit(arrived, question),
    bodies: relaying.bodies,
  })
  connection.established()
  connection.start(stream)
  stream.handle(connection.handlers)
}

function aboutConnection(
  { choice, destination, flowId, startedAt, followers, refuse }: OutsideConnectionOptions,
  judgement: Judgement,
): Omit<ConnectionOptions, 'direction' | 'relay' | 'judge'> {
  const peer = { outside: choice.name }
  const refused = (reason: Reason): void => {
    refuse(reason, peer, judgement.policy)
  }
  return { tunnel: peer, destination, judgement, flowId, startedAt, followers, refused }
}

/** The word on a connection that is carried unread. */
function judgeCarried(standing: Standing, question: OutsideQuestion): Judgement {
  const judgement = judgeOutside(standing, question)
  if (isBalancer(standing, question)) return { ...deny('http-required'), alerts: judgement.alerts }
  return question.direction === 'ingress'
    ? judgeUnread(standing, question.port, judgement)
    : judgement
}

/** Gives up as soon as the accepted connection is gone, as far as that shows on a paused socket. */
async function connectOther({
  socket,
  target,
  timeoutMs,
}: OutsideConnectionOptions): Promise<Socket | Reason> {
  const gone = new AbortController()
  const abort = (): void => {
    gone.abort()
  }
  socket.once('close', abort)
  const other = await connectApplication(target, {
    timeoutMs,
    signal: gone.signal,
    // Either socket here writes what the other has read, and may keep it for a while.
    reads: 'own',
  })
  socket.off('close', abort)
  return other
}

/** Much may have changed while the other side was connected: policy, and what the address is. */
function decideAgain(standing: Standing, question: OutsideQuestion): Judgement {
  const refusal = refusalOfNew(standing)
  return refusal === undefined ? judgeCarried(standing, question) : deny(refusal)
}
