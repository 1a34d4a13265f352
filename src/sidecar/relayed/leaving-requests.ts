import type { Clock } from '../../base/clock.ts'
import type { Reason } from '../../policy/reason.ts'
import type { ArrivedRequest } from '../http/request-proxy.ts'
import { deny, type Standing } from '../judgement.ts'
import { isBalancer, judgeOutside, type OutsideQuestion } from '../outside-choice.ts'
import type { Admission } from '../request-connection.ts'
import { makeProof } from './proof-token.ts'
import { identityHeader, proofHeader } from './token-headers.ts'
import type { TokenKeeper } from './token-keeper.ts'

/** Proves the requests of this workload that go to a balancer. */
export interface LeavingRequests {
  admit(arrived: ArrivedRequest, question: OutsideQuestion): Promise<Admission>
}

/** The policy is that of the connection: nobody can say what the balancer does with a request. */
export function createLeavingRequests(parts: {
  readonly tokens: TokenKeeper
  readonly standing: () => Standing
  readonly clock: Pick<Clock, 'now'>
}): LeavingRequests {
  const { tokens, standing, clock } = parts
  return {
    admit: async (arrived, question) => {
      const judge: Admission['judge'] = (now) => judgeOutside(now, question)
      const isAllowed = judge(standing()).verdict === 'allow'
      // To what is no balancer any more a token would say more than it needs to know.
      if (!isAllowed || !isBalancer(standing(), question)) return { judge }
      const token = await tokens.current()
      if (token === undefined) return refused('token-unavailable')
      const body = await arrived.holdBody()
      if (typeof body === 'string') return refused(body)
      const { method, host } = arrived.checked.request
      const proof = await makeProof({
        key: token.privateKey,
        tokenHash: token.tokenHash,
        request: { method, host, target: arrived.target },
        bodyHash: body.hash,
        now: clock.now(),
      })
      return { judge, body, headers: { [identityHeader]: token.token, [proofHeader]: proof } }
    },
  }
}

function refused(reason: Reason): Admission {
  return { judge: () => deny(reason) }
}
