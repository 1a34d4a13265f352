import type { AdministratorCaller, Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** Finds out who calls, given the `authorization` values that came with a call. */
export type Authenticate = (caller: Caller, authorization: readonly string[]) => Promise<Caller>

const scheme = /^Bearer ([\w.~+/-]+=*)$/i

/** Without a token the caller is who the connection says; with one it is who the token says. */
export function createAuthenticate(verify: TokenVerifier | undefined): Authenticate {
  return async (caller, authorization) => {
    if (authorization.length === 0) return caller
    const token = authorization.length === 1 ? scheme.exec(authorization[0] ?? '')?.[1] : undefined
    if (token === undefined) {
      throw new ControllerError('ERR_ARGUMENT', 'expected one `authorization: Bearer …`')
    }
    if (caller.kind !== 'anonymous') {
      // Two answers to who calls: neither is taken.
      throw new ControllerError(
        'ERR_UNAUTHENTICATED',
        'expected a certificate or a token, got both',
      )
    }
    if (verify === undefined) {
      throw new ControllerError('ERR_UNAUTHENTICATED', 'this controller takes no tokens', {
        detail: 'no OIDC issuer is configured',
      })
    }
    const { notAfter, ...holder } = await verify(token)
    const { source, controllerKeySha256 } = caller
    const credential = { kind: 'token', notAfter } as const
    return {
      kind: 'administrator',
      credential,
      ...holder,
      source,
      controllerKeySha256,
    } satisfies AdministratorCaller
  }
}
