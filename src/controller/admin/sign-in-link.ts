import type { CreateSignInLinkResponse } from '../../rpc/generated/blazon/v1/CreateSignInLinkResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { AdminDeps } from './deps.ts'

/** A link with which the caller's browser signs in, as the caller and for no longer than the caller's credential. */
export function createSignInLink({ signIn }: AdminDeps, caller: Caller): CreateSignInLinkResponse {
  const administrator = needAdministrator(caller, 'viewer')
  if (administrator.credential.kind === 'session') {
    throw new ControllerError('ERR_PERMISSION', 'a session cannot make another one')
  }
  if (signIn === undefined) {
    throw new ControllerError(
      'ERR_PRECONDITION',
      'this controller serves no HTTP gateway; BLAZON_GATEWAY_LISTEN turns it on',
    )
  }
  const { url, expiresAt } = signIn.createLink(administrator)
  return { url, expiresAtMs: expiresAt }
}
