import type { Clock } from '../../base/clock.ts'
import type { Authority } from '../../ca/authority.ts'
import { CaError } from '../../ca/errors.ts'
import type { IssueJwtRequest__Output } from '../../rpc/generated/blazon/v1/IssueJwtRequest.ts'
import type { IssueJwtResponse } from '../../rpc/generated/blazon/v1/IssueJwtResponse.ts'
import { needWorkload, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { createSourceRate } from '../server/call-limits.ts'
import type { Registry } from '../workloads/registry.ts'
import { needGoodCertificate } from './good-certificate.ts'

/** Tokens of one workload: at once, and each second after that. */
const burst = 100
const perSecond = 20

/** Gives a workload a JWT-SVID for its own SPIFFE ID, for as long as its certificate is good. */
export function createIssueJwt(deps: {
  readonly authority: Authority
  readonly registry: Registry
  readonly clock: Clock
}): (caller: Caller, request: IssueJwtRequest__Output) => Promise<IssueJwtResponse> {
  const { authority, registry, clock } = deps
  const rate = createSourceRate({ burst, perSecond, sources: 100_000 })
  return async (anyCaller, request) => {
    const { facts, peer } = needWorkload(anyCaller)
    needGoodCertificate(registry, { facts, peer })
    if (!rate.allow(facts.workloadId, clock.monotonic())) {
      throw new ControllerError('ERR_LIMIT', 'this workload asks for too many tokens')
    }
    const { spiffeId, notAfter } = peer
    const { audience } = request
    const { token, expiresAt } = await authority
      .issueJwt({ spiffeId, audience, notAfter })
      .catch((error: unknown) => {
        if (!(error instanceof CaError) || error.code !== 'ERR_AUDIENCE') throw error
        throw new ControllerError('ERR_ARGUMENT', error.message, { cause: error })
      })
    return { token, expiresAtMs: expiresAt }
  }
}
