/** Why a call is refused; each stands for one gRPC status. */
export type ControllerErrorCode =
  | 'ERR_UNAUTHENTICATED'
  | 'ERR_PERMISSION'
  | 'ERR_ARGUMENT'
  | 'ERR_NOT_FOUND'
  | 'ERR_PRECONDITION'
  | 'ERR_LIMIT'
  | 'ERR_UNAVAILABLE'

/**
 * A refusal that the caller is told about. The message travels; `detail` is for the log alone, where
 * telling the caller would help somebody who is guessing.
 */
export class ControllerError extends Error {
  override readonly name = 'ControllerError'
  readonly code: ControllerErrorCode
  readonly detail: string | undefined
  constructor(
    code: ControllerErrorCode,
    message: string,
    options?: ErrorOptions & { readonly detail?: string },
  ) {
    super(message, options)
    this.code = code
    this.detail = options?.detail
  }
}
