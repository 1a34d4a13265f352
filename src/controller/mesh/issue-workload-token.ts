import type { Clock } from '../../base/clock.ts'
import type { Authority } from '../../ca/authority.ts'
import { CaError } from '../../ca/errors.ts'
import type { IssueWorkloadTokenResponse } from '../../rpc/generated/blazon/v1/IssueWorkloadTokenResponse.ts'
import { needWorkload, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { createSourceRate } from '../server/call-limits.ts'
import type { Registry } from '../workloads/registry.ts'
import { needGoodCertificate } from './good-certificate.ts'

/** Tokens of one workload: at once, and each second after that. One certificate needs one. */
const burst = 20
const perSecond = 1

/** Gives a workload its certificate in the form of a token: the same key, profile and end. */
export function createIssueWorkloadToken(deps: {
  readonly authority: Authority
  readonly registry: Registry
  readonly clock: Clock
}): (caller: Caller) => Promise<IssueWorkloadTokenResponse> {
  const { authority, registry, clock } = deps
  const rate = createSourceRate({ burst, perSecond, sources: 100_000 })
  return async (anyCaller) => {
    const { facts, peer } = needWorkload(anyCaller)
    const { profile } = needGoodCertificate(registry, { facts, peer })
    if (profile.digest !== facts.profileDigest) {
      throw new ControllerError('ERR_PRECONDITION', 'the profile has changed: renew first')
    }
    if (!rate.allow(facts.workloadId, clock.monotonic())) {
      throw new ControllerError('ERR_LIMIT', 'this workload asks for too many tokens')
    }
    const { workloadId, generation } = facts
    const { spiffeId, publicKey, issuerKeySha256, notAfter } = peer
    const about = { spiffeId, workloadId, generation, profile, publicKey, issuerKeySha256 }
    const { token, expiresAt } = await authority
      .issueWorkloadToken({ facts: about, notAfter })
      .catch((error: unknown) => {
        if (!(error instanceof CaError) || error.code !== 'ERR_TOKEN_TOO_LARGE') throw error
        throw new ControllerError('ERR_PRECONDITION', error.message, { cause: error })
      })
    return { token, expiresAtMs: expiresAt }
  }
}
