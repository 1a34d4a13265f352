import type { HostPort } from '../base/env.ts'
import type { HttpRequest } from '../policy/index.ts'
import { factsOf, nameOfPeer, type RelayedPeer } from './connection-facts.ts'
import type { BodyMemory } from './http/held-body.ts'
import { createRequestRelay } from './http/request-relay.ts'
import { serveRequests, type ArrivedRequest, type RequestVerdict } from './http/request-proxy.ts'
import { both, deny, type Judgement, type Standing } from './judgement.ts'
import { openConnection, type ConnectionOptions, type OpenConnection } from './open-connection.ts'
import type { Relay } from './relay.ts'

/** What a request is decided by. */
export interface Admission extends Pick<RequestVerdict, 'headers' | 'body'> {
  /** Asked now, and again whenever something changes while the request is under way. */
  readonly judge: (standing: Standing) => Judgement
  /** Who has sent it, where that is not the peer of the connection. */
  readonly peer?: RelayedPeer
}

/** Finds out what there is to know of a request. */
export type Admit = (arrived: ArrivedRequest) => Admission | Promise<Admission>

export interface RequestConnectionOptions extends Omit<ConnectionOptions, 'relay'> {
  /** Where requests go: the application, or a balancer. */
  readonly application: HostPort
  readonly applicationTimeoutMs: number
  readonly standing: () => Standing
  readonly admit: Admit
  readonly bodies: BodyMemory
}

/**
 * An allowed connection whose requests are read (PROTOCOL §7). The other side hears of it with the first
 * request that is allowed; each request is decided when it arrives, and with the connection again
 * whenever that is, as long as its answer is not finished.
 */
export function openRequestConnection(options: RequestConnectionOptions): OpenConnection {
  const { direction, tunnel, destination, flowId, standing } = options
  const { connectionLog, alerts } = options.followers
  const judges = new WeakMap<HttpRequest, Admission['judge']>()
  let underWay: ReadonlySet<HttpRequest> = new Set()

  const judgeAll = (now: Standing): Judgement => {
    let judgement = options.judge(now)
    for (const request of underWay) {
      if (judgement.verdict === 'deny') break
      judgement = both(judgement, judges.get(request)?.(now) ?? deny('internal-error'))
    }
    return judgement
  }

  const settle = (request: HttpRequest, admission: Admission): RequestVerdict => {
    const { judge, peer = tunnel, headers, body } = admission
    const { verdict, reason, policy, deadline, alerts: guardrails } = judge(standing())
    const facts = factsOf({ direction, tunnel: peer, destination, verdict, reason, policy })
    connectionLog.request(facts, flowId, request)
    // About the peer of the connection they were raised with that.
    if (peer !== tunnel) alerts.raise({ direction, peer: nameOfPeer(peer) }, guardrails)
    judges.set(request, judge)
    if (verdict === 'allow' && deadline !== undefined) connection.holdUntil(deadline)
    return { verdict, reason, headers, body }
  }

  const decide = (arrived: ArrivedRequest): RequestVerdict | Promise<RequestVerdict> => {
    const { request } = arrived.checked
    const admission = options.admit(arrived)
    return admission instanceof Promise
      ? admission.then((found) => settle(request, found))
      : settle(request, admission)
  }

  const connection = openConnection({
    ...options,
    judge: judgeAll,
    relay: (onEnd) => {
      const relay = createRequestRelay((duplex) => {
        const served = serveRequests(duplex, {
          application: options.application,
          connectMs: options.applicationTimeoutMs,
          bodies: options.bodies,
          decide,
          refused: (fault) => {
            const refusal = { verdict: 'deny', reason: 'protocol-error' } as const
            const facts = factsOf({ direction, tunnel, destination, ...refusal })
            connectionLog.requestRefused(facts, flowId, fault)
          },
        })
        underWay = served.underWay
        return served
      }, onEnd)
      return direction === 'egress' ? seenFromProgram(relay) : relay
    },
  })
  return connection
}

/** On the way out the stream is the program's connection, and the other side the peer's. */
function seenFromProgram(relay: Relay): Relay {
  return {
    handlers: relay.handlers,
    start: (stream) => {
      relay.start(stream)
    },
    retire: () => relay.retire?.(),
    cut: (reason) => {
      relay.cut(reason)
    },
    carried: {
      get toStream() {
        return relay.carried.fromStream
      },
      get fromStream() {
        return relay.carried.toStream
      },
    },
  }
}
