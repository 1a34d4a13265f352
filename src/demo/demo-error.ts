export type DemoErrorCode =
  | 'ERR_ACCOUNT'
  | 'ERR_PROGRAMS'
  | 'ERR_CAPTURE'
  | 'ERR_PORTS'
  | 'ERR_START'
  | 'ERR_EXIT'
  | 'ERR_TIMEOUT'
  | 'ERR_CHECK'

/** Something that the demonstration cannot go on without. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
  readonly code: DemoErrorCode
  constructor(code: DemoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
