import type { Clock } from '../../base/clock.ts'
import type { Issued } from '../../ca/authority.ts'
import { toWireBundle, toWireFloors, toWireSvid, type TrustDomain } from '../../identity/index.ts'
import { enrolmentService } from '../../rpc/index.ts'
import type { AttestRequest__Output } from '../../rpc/generated/blazon/v1/AttestRequest.ts'
import type { ChallengeResponse } from '../../rpc/generated/blazon/v1/ChallengeResponse.ts'
import type { ClaimAdministratorRequest__Output } from '../../rpc/generated/blazon/v1/ClaimAdministratorRequest.ts'
import type { Caller, Trust } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { SourceRate } from '../server/call-limits.ts'
import type { CallAdapter, ServedService } from '../server/rpc.ts'
import type { Enrolled } from './enrol.ts'
import { ownerOf, tableFor, type ChallengeTables } from './nonce.ts'

/** The Enrolment service: open to whoever reaches the port, so every call is counted first. */
export function createEnrolmentService(deps: {
  readonly adapter: CallAdapter
  readonly trustDomain: TrustDomain
  readonly trust: Trust
  readonly challenges: ChallengeTables
  readonly rate: SourceRate
  readonly attest: (caller: Caller, request: AttestRequest__Output) => Promise<Enrolled>
  readonly claim: (caller: Caller, request: ClaimAdministratorRequest__Output) => Promise<Issued>
  readonly clock: Clock
}): ServedService {
  const { adapter, trust, challenges, rate, clock } = deps

  const countCall = (caller: Caller): void => {
    if (rate.allow(ownerOf(caller), clock.monotonic())) return
    throw new ControllerError('ERR_LIMIT', 'too many calls from this address; try again later')
  }

  const challenge = (caller: Caller): ChallengeResponse => {
    countCall(caller)
    const table = tableFor(challenges, caller)
    const issued = table.issue(ownerOf(caller), clock.now())
    if (issued === undefined) {
      throw new ControllerError('ERR_LIMIT', 'too many challenges are open; try again later')
    }
    const { nonce, expiresAtMs } = issued
    return { nonce, expiresAtMs, trustDomain: deps.trustDomain }
  }

  return {
    definition: enrolmentService,
    handlers: {
      Challenge: adapter.unary('Enrolment.Challenge', challenge),
      Attest: adapter.unary(
        'Enrolment.Attest',
        async (caller: Caller, request: AttestRequest__Output) => {
          countCall(caller)
          const { certificate, profile, evaluation } = await deps.attest(caller, request)
          return {
            svid: toWireSvid({ chain: certificate.chain, profile }),
            bundle: toWireBundle(trust.bundle()),
            floors: toWireFloors(trust.floors()),
            dropped: [...evaluation.dropped],
            controllerTimeMs: clock.now(),
          }
        },
      ),
      ClaimAdministrator: adapter.unary(
        'Enrolment.ClaimAdministrator',
        async (caller: Caller, request: ClaimAdministratorRequest__Output) => {
          countCall(caller)
          const { chain } = await deps.claim(caller, request)
          return { chain: [...chain], bundle: toWireBundle(trust.bundle()) }
        },
      ),
    },
  }
}
