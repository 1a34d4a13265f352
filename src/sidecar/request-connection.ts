import type { HostPort } from '../base/env.ts'
import type { HttpRequest } from '../policy/index.ts'
import { factsOf } from './connection-facts.ts'
import { createRequestRelay } from './http/request-relay.ts'
import { serveRequests, type RequestVerdict } from './http/request-proxy.ts'
import { both, type Judgement, type Standing } from './judgement.ts'
import { openConnection, type ConnectionOptions, type OpenConnection } from './open-connection.ts'

export interface RequestConnectionOptions extends Omit<ConnectionOptions, 'direction' | 'relay'> {
  readonly application: HostPort
  readonly applicationTimeoutMs: number
  /** SPIFFE ID of the peer as it is now; undefined where none was proven. */
  readonly peer: () => string | undefined
  readonly standing: () => Standing
  readonly judgeRequest: (standing: Standing, request: HttpRequest) => Judgement
}

/**
 * An allowed connection to a port in HTTP mode (PROTOCOL §7). The application hears of it with the first
 * request that is allowed; each request is decided when it arrives, and with the connection again
 * whenever that is, as long as its answer is not finished.
 */
export function openRequestConnection(options: RequestConnectionOptions): OpenConnection {
  const { tunnel, destination, flowId, standing, judgeRequest } = options
  const { connectionLog } = options.followers
  let underWay: ReadonlySet<HttpRequest> = new Set()

  const judgeAll = (now: Standing): Judgement => {
    let judgement = options.judge(now)
    for (const request of underWay) {
      if (judgement.verdict === 'deny') break
      judgement = both(judgement, judgeRequest(now, request))
    }
    return judgement
  }

  const decide = (request: HttpRequest): RequestVerdict => {
    const { verdict, reason, policy, deadline } = judgeRequest(standing(), request)
    const facts = factsOf({ direction: 'ingress', tunnel, destination, verdict, reason, policy })
    connectionLog.request(facts, flowId, request)
    if (verdict === 'allow' && deadline !== undefined) connection.holdUntil(deadline)
    return { verdict, reason }
  }

  const connection = openConnection({
    ...options,
    direction: 'ingress',
    judge: judgeAll,
    relay: (onEnd) =>
      createRequestRelay((duplex) => {
        const served = serveRequests(duplex, {
          application: options.application,
          connectMs: options.applicationTimeoutMs,
          peer: options.peer,
          decide,
          refused: (fault) => {
            const refusal = { verdict: 'deny', reason: 'protocol-error' } as const
            const facts = factsOf({ direction: 'ingress', tunnel, destination, ...refusal })
            connectionLog.requestRefused(facts, flowId, fault)
          },
        })
        underWay = served.underWay
        return served
      }, onEnd),
  })
  return connection
}
