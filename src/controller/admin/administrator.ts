import { toWireBundle } from '../../identity/index.ts'
import type { RenewAdministratorRequest__Output } from '../../rpc/generated/blazon/v1/RenewAdministratorRequest.ts'
import type { RenewAdministratorResponse } from '../../rpc/generated/blazon/v1/RenewAdministratorResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { AdminDeps } from './deps.ts'

/** A new certificate for the caller, with the role that it has. */
export async function renewAdministrator(
  deps: AdminDeps,
  caller: Caller,
  request: RenewAdministratorRequest__Output,
): Promise<RenewAdministratorResponse> {
  const administrator = needAdministrator(caller, 'viewer')
  if (administrator.credential.kind !== 'certificate') {
    throw new ControllerError('ERR_PERMISSION', 'only a certificate can be renewed')
  }
  const { chain } = await deps.changes.run(() =>
    deps.administrators.renew(administrator, request.csr),
  )
  return { chain: [...chain], bundle: toWireBundle(deps.authority.bundle()) }
}
