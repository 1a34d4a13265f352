import type { Socket } from 'node:net'
import type { HostPort } from '../../base/env.ts'
import type { Reason } from '../../policy/reason.ts'
import {
  holdNothing,
  type StreamHeader,
  type Tunnel,
  type TunnelStream,
} from '../../tunnel/index.ts'
import type { PeerSource } from '../connection-facts.ts'
import { judge, judgeClear, refusalOfNew, type Judgement, type Standing } from '../judgement.ts'
import { openConnection, type Followers, type OpenConnection } from '../open-connection.ts'
import { createRelay } from '../relay.ts'
import { openStreamThatMayBeClear } from './agreement.ts'
import { dialClear } from './clear-dial.ts'
import { createClearStream } from './clear-stream.ts'

export interface ClearEgressOptions {
  /** The program's connection, paused and open for half-close. */
  readonly socket: Socket
  readonly tunnel: Tunnel
  readonly destination: HostPort
  readonly header: StreamHeader
  readonly standing: () => Standing
  readonly followers: Followers
  readonly flowId: string
  readonly startedAt: number
  readonly timeoutMs: number
  /** Records why there is no connection, and resets the program's. */
  readonly refuse: (reason: Reason, peer: PeerSource, policy: string) => void
}

/**
 * Carries an allowed connection of a pair that policy lets speak in clear: in clear where the other end
 * says so too, and through the tunnel where it does not. What was agreed on and fails is refused, never
 * tried another way.
 */
export async function carryClear(options: ClearEgressOptions): Promise<void> {
  const { tunnel, header, refuse } = options
  const agreement = await openStreamThatMayBeClear(tunnel, header)
  if (typeof agreement === 'string') {
    refuse(agreement, tunnel, '')
    return
  }
  const { how, stream, first } = agreement
  if (how === 'clear') {
    await carryBeside(options, stream)
    return
  }
  const connection = open(options, tunnel, judge)
  if (connection === undefined) {
    stream.reset('connection-reset')
    return
  }
  stream.handle(connection.handlers)
  connection.established()
  connection.start(stream)
  if (first.length > 0) connection.handlers.onData(first, holdNothing)
  stream.resume()
}

async function carryBeside(options: ClearEgressOptions, lifeline: TunnelStream): Promise<void> {
  const { tunnel, standing, timeoutMs, destination, refuse } = options
  const gone = new AbortController()
  let reason: Reason = 'no-tunnel'
  lifeline.handle({
    onData: () => undefined,
    onEnd: () => undefined,
    onDrain: () => undefined,
    onReset: (why = 'connection-reset') => {
      reason = why
      gone.abort()
    },
  })
  const generations = [
    standing().own?.workload.generation ?? 0,
    tunnel.peer.workload?.generation ?? 0,
  ] as const
  const { host: address, port } = destination
  const facts = { streamId: lifeline.id, destination: { address, port }, generations }
  const data = await dialClear(tunnel, facts, timeoutMs, gone.signal)
  const peer = { peer: tunnel.peer, isClear: true } as const
  if (data === undefined || gone.signal.aborted) {
    data?.destroy()
    lifeline.reset(reason)
    refuse(reason, peer, '')
    return
  }
  const stream = createClearStream(data, lifeline)
  const connection = open(options, peer, judgeClear)
  if (connection === undefined) {
    stream.reset('connection-reset')
    return
  }
  connection.established()
  connection.start(stream)
  stream.handle(connection.handlers)
  lifeline.resume()
}

/** Asks once more, because much may have changed since; undefined where it is refused now. */
function open(
  options: ClearEgressOptions,
  peer: PeerSource,
  decide: typeof judge,
): OpenConnection | undefined {
  const { socket, tunnel, destination, standing, followers, refuse } = options
  const now = standing()
  const ask = (then: Standing): Judgement =>
    decide(then, 'egress', tunnel.peerProfile, destination.port)
  const refusal = refusalOfNew(now)
  const judgement = ask(now)
  if (refusal !== undefined || judgement.verdict === 'deny') {
    refuse(refusal ?? judgement.reason, peer, judgement.policy)
    return undefined
  }
  if (socket.destroyed) {
    refuse('connection-reset', peer, judgement.policy)
    return undefined
  }
  return openConnection({
    ...{ direction: 'egress', tunnel: peer, destination, judgement, judge: ask, followers },
    relay: (onEnd) => createRelay(socket, onEnd),
    flowId: options.flowId,
    startedAt: options.startedAt,
    refused: (reason) => {
      refuse(reason, peer, judgement.policy)
    },
  })
}
