import type { Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import type { Reason } from '../policy/reason.ts'
import { connectApplication } from './application.ts'
import type { OutsidePeer } from './connection-facts.ts'
import { refusalOfNew, type Judgement, type Standing } from './judgement.ts'
import { openConnection, type Followers } from './open-connection.ts'
import {
  chooseOutside,
  judgeOutside,
  type OutsideChoice,
  type OutsideQuestion,
} from './outside-choice.ts'
import { createOutsideStream } from './outside-stream.ts'
import { resetSocket } from './socket-ending.ts'

export interface OutsideConnectionOptions {
  readonly question: OutsideQuestion
  readonly choice: Extract<OutsideChoice, { kind: 'outside' }>
  readonly standing: () => Standing
  readonly followers: Followers
  /** The accepted connection, paused and open for half-close: of the program, or of the peer. */
  readonly socket: Socket
  /** Where the other connection goes: to the peer, or to the program. */
  readonly target: HostPort
  readonly timeoutMs: number
  readonly destination: HostPort
  readonly flowId: Buffer
  readonly startedAt: number
  /** Records why there is no connection, and resets the accepted one. */
  readonly refuse: (reason: Reason, peer: OutsidePeer, policy: string) => void
}

/**
 * Carries an allowed connection with a peer outside the mesh, in clear: it connects the other side,
 * asks once more, and relays. Both ends of the relay are as they are for a tunnel: the program's socket,
 * and the peer.
 */
export async function carryOutside(options: OutsideConnectionOptions): Promise<void> {
  const { question, choice, standing, followers, socket, destination, refuse } = options
  const { direction } = question
  const peer = { outside: choice.name }
  const { judgement } = choice
  const about = { direction, peer: `external:${choice.name}` } as const
  followers.alerts.raise(about, judgement.alerts)
  const other = await connectOther(options)
  if (typeof other === 'string') {
    refuse(other, peer, judgement.policy)
    return
  }
  const now = decideAgain(standing(), question)
  if ('refusal' in now || socket.destroyed) {
    resetSocket(other)
    if ('refusal' in now) refuse(now.refusal, peer, now.policy)
    else refuse('connection-reset', peer, judgement.policy)
    return
  }
  followers.alerts.raise(about, now.judgement.alerts, judgement.alerts)
  const [program, outsider] = direction === 'egress' ? [socket, other] : [other, socket]
  const stream = createOutsideStream(outsider)
  const connection = openConnection({
    ...{ direction, tunnel: peer, destination, followers },
    socket: program,
    judgement: now.judgement,
    judge: (later) => judgeOutside(later, question),
    flowId: options.flowId,
    startedAt: options.startedAt,
    refused: (reason) => {
      refuse(reason, peer, now.judgement.policy)
    },
  })
  connection.established()
  connection.start(stream)
  stream.handle(connection.handlers)
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
function decideAgain(
  standing: Standing,
  question: OutsideQuestion,
): { readonly judgement: Judgement } | { readonly refusal: Reason; readonly policy: string } {
  const refusal = refusalOfNew(standing)
  if (refusal !== undefined) return { refusal, policy: '' }
  const choice = chooseOutside(standing, question)
  if (choice.kind === 'outside') return choice
  const { reason, policy } = judgeOutside(standing, question)
  return { refusal: reason, policy }
}
