import type { Logger } from '../../base/logger.ts'
import type { AdminCalls } from '../admin/calls.ts'
import type { Authenticate } from '../oidc/bearer.ts'
import type { CallAdapter } from '../server/rpc.ts'
import type { SignIn } from './sign-in.ts'

/** What a request needs to be answered. */
export interface GatewayDeps {
  readonly calls: AdminCalls
  readonly adapter: CallAdapter
  readonly authenticate: Authenticate
  readonly signIn: SignIn
  /** Whether a source may try to sign in once more. */
  readonly mayTry: (source: string) => boolean
  readonly log: Logger
}
