/** What went wrong, as a closed set: the exit code and the hints hang on it, never on the text. */
export type CliErrorCode =
  | 'ERR_USAGE'
  | 'ERR_CONTEXT_MISSING'
  | 'ERR_CONTEXT_INVALID'
  | 'ERR_FILE'
  | 'ERR_UNREACHABLE'
  | 'ERR_CONTROLLER_REFUSED'
  | 'ERR_CREDENTIAL'
  | 'ERR_NOT_PERMITTED'
  | 'ERR_INVALID'
  | 'ERR_AUDIT_BROKEN'
  | 'ERR_NOT_FOUND'
  | 'ERR_CONFLICT'
  | 'ERR_LIMIT'
  | 'ERR_TIMEOUT'
  | 'ERR_VERSION'
  | 'ERR_CONTROLLER_FAILED'
  | 'ERR_CAPTURE'
  | 'ERR_INTERRUPTED'

/**
 * A failure that a person at a terminal reads: one sentence, one line for each problem found, and
 * hints at the likely culprit.
 */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly problems: readonly string[]
  readonly hints: readonly string[]
  constructor(
    code: CliErrorCode,
    message: string,
    options?: ErrorOptions & {
      readonly problems?: readonly string[]
      readonly hints?: readonly string[]
    },
  ) {
    super(message, options)
    this.code = code
    this.problems = options?.problems ?? []
    this.hints = options?.hints ?? []
  }
}

/** 0 done · 1 refused or failed · 2 wrong usage · 130 interrupted, as shells say it. */
export function exitCodeOf(code: CliErrorCode): number {
  if (code === 'ERR_USAGE') return 2
  return code === 'ERR_INTERRUPTED' ? 130 : 1
}
