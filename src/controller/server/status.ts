import { status } from '@grpc/grpc-js'
import { messageOf } from '../../base/errors.ts'
import { CaError } from '../../ca/errors.ts'
import { IdentityError } from '../../identity/index.ts'
import { formatProblem, PolicyError } from '../../policy/policy-error.ts'
import { WireError } from '../../rpc/index.ts'
import { ControllerError, type ControllerErrorCode } from '../controller-error.ts'
import { StoreError, type StoreErrorCode } from '../store/store-error.ts'

/** What a refused call ends with. `isExpected` is false for what is our own fault. */
export interface CallStatus {
  readonly code: status
  readonly details: string
  readonly isExpected: boolean
}

const controllerCodes: Readonly<Record<ControllerErrorCode, status>> = {
  ERR_UNAUTHENTICATED: status.UNAUTHENTICATED,
  ERR_PERMISSION: status.PERMISSION_DENIED,
  ERR_ARGUMENT: status.INVALID_ARGUMENT,
  ERR_NOT_FOUND: status.NOT_FOUND,
  ERR_PRECONDITION: status.FAILED_PRECONDITION,
  ERR_LIMIT: status.RESOURCE_EXHAUSTED,
  ERR_UNAVAILABLE: status.UNAVAILABLE,
}

const storeCodes: Readonly<Record<StoreErrorCode, status>> = {
  ERR_STORE_FULL: status.RESOURCE_EXHAUSTED,
  ERR_STORE_UNAVAILABLE: status.UNAVAILABLE,
  ERR_STORE_LOCKED: status.UNAVAILABLE,
  ERR_STORE_CONFLICT: status.ALREADY_EXISTS,
  ERR_STORE_MIGRATION: status.INTERNAL,
  ERR_STORE_CONTENT: status.INTERNAL,
}

/** The one place where an error of ours becomes a gRPC status. */
export function statusOf(thrown: unknown): CallStatus {
  if (thrown instanceof ControllerError)
    return expected(controllerCodes[thrown.code], thrown.message)
  if (thrown instanceof StoreError) {
    const code = storeCodes[thrown.code]
    return { code, details: `nothing was changed: ${thrown.message}`, isExpected: false }
  }
  if (thrown instanceof PolicyError) {
    const lines = thrown.problems.map(formatProblem).join('\n')
    return expected(status.INVALID_ARGUMENT, lines === '' ? thrown.message : lines)
  }
  if (thrown instanceof WireError || thrown instanceof IdentityError || isCsrFault(thrown)) {
    return expected(status.INVALID_ARGUMENT, messageOf(thrown))
  }
  return { code: status.INTERNAL, details: 'internal error', isExpected: false }
}

function isCsrFault(thrown: unknown): thrown is CaError {
  return (
    thrown instanceof CaError &&
    (thrown.code.startsWith('ERR_CSR_') || thrown.code === 'ERR_PUBLIC_KEY')
  )
}

function expected(code: status, details: string): CallStatus {
  return { code, details, isExpected: true }
}
