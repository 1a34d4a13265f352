import type { Logger } from '../../base/logger.ts'
import type { Issued } from '../../ca/authority.ts'
import type { ClaimAdministratorRequest__Output } from '../../rpc/generated/blazon/v1/ClaimAdministratorRequest.ts'
import type { Administrators } from '../administrators.ts'
import type { Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { BootstrapSecret } from './bootstrap-secret.ts'

/** Exchanges the one-time secret for the first administrator's certificate. */
export function createClaim(deps: {
  readonly administrators: Administrators
  /** Undefined where there was an administrator when the controller started. */
  readonly secret: BootstrapSecret | undefined
  readonly log: Logger
}): (caller: Caller, request: ClaimAdministratorRequest__Output) => Promise<Issued> {
  const { administrators, secret, log } = deps
  return async (caller, request) => {
    if (secret === undefined || administrators.exist()) {
      throw new ControllerError('ERR_PRECONDITION', 'this controller has an administrator')
    }
    if (secret.isSpent) {
      throw new ControllerError(
        'ERR_PRECONDITION',
        'the secret of this controller was used; once started anew, the controller writes another',
      )
    }
    if (!secret.matches(request.secret)) {
      throw new ControllerError('ERR_UNAUTHENTICATED', 'this is not the secret of this controller')
    }
    const issued = await administrators.claimFirst(request.name, request.csr)
    await secret.spend()
    log.info({ source: caller.source, administrator: request.name }, 'first administrator claimed')
    return issued
  }
}
