import type { Socket } from 'node:net'
import type { HostPort } from '../../base/env.ts'
import type { Reason } from '../../policy/reason.ts'
import type { StreamHeader, Tunnel, TunnelStream } from '../../tunnel/index.ts'
import { judgeClear, refusalOfNew, type Standing } from '../judgement.ts'
import { openConnection, type Followers } from '../open-connection.ts'
import { createRelay } from '../relay.ts'
import { resetSocket } from '../socket-ending.ts'
import { answers } from './agreement.ts'
import type { ClearOffers } from './clear-offers.ts'
import { createClearStream } from './clear-stream.ts'

export interface ClearIngressOptions {
  /** The application's connection, paused and open for half-close. */
  readonly socket: Socket
  readonly tunnel: Tunnel
  readonly stream: TunnelStream
  readonly header: StreamHeader
  /** The listener's own pair. */
  readonly destination: HostPort
  readonly offers: ClearOffers
  readonly standing: () => Standing
  readonly followers: Followers
  readonly flowId: string
  readonly startedAt: number
  readonly timeoutMs: number
  /** Aborts when the peer gives the stream up. */
  readonly gone: AbortSignal
  /** Records why there is no connection. */
  readonly record: (reason: Reason, policy: string) => void
}

/** Agrees to a connection in clear, waits for it, and carries it while the stream that it hangs on lasts. */
export async function serveClear(options: ClearIngressOptions): Promise<void> {
  const { socket, tunnel, stream, header, destination, standing, followers, record } = options
  const peer = { peer: tunnel.peer, isClear: true } as const
  const refuse = (reason: Reason, policy = ''): void => {
    stream.reset(reason)
    resetSocket(socket)
    record(reason, policy)
  }
  const generations = [
    tunnel.peer.workload?.generation ?? 0,
    standing().own?.workload.generation ?? 0,
  ] as const
  const facts = { streamId: stream.id, destination: header.destination, generations }
  const arriving = options.offers.expect(tunnel, facts, options.timeoutMs, options.gone)
  stream.accept()
  stream.write(answers.clear)
  const data = await arriving
  if (data === undefined || stream.closed) {
    data?.destroy()
    refuse(options.gone.aborted ? 'connection-reset' : 'no-tunnel')
    return
  }
  const ask = (now: Standing): ReturnType<typeof judgeClear> =>
    judgeClear(now, 'ingress', tunnel.peerProfile, destination.port)
  const judgement = ask(standing())
  const refusal = refusalOfNew(standing())
  if (refusal !== undefined || judgement.verdict === 'deny') {
    data.destroy()
    refuse(refusal ?? judgement.reason, judgement.policy)
    return
  }
  const connection = openConnection({
    ...{ direction: 'ingress', tunnel: peer, destination, judgement, judge: ask },
    relay: (onEnd) => createRelay(socket, onEnd),
    flowId: options.flowId,
    startedAt: options.startedAt,
    followers,
    refused: (reason) => {
      record(reason, judgement.policy)
    },
  })
  const carried = createClearStream(data, stream)
  connection.established()
  connection.start(carried)
  carried.handle(connection.handlers)
}
