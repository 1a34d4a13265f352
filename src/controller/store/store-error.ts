export type StoreErrorCode =
  | 'ERR_STORE_FULL'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_STORE_LOCKED'
  | 'ERR_STORE_CONFLICT'
  | 'ERR_STORE_MIGRATION'
  | 'ERR_STORE_CONTENT'

/** What the store could not do; nothing of the refused change is kept. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether this is about the disk and not about the change: reads and renewals go on without it. */
export function isDiskTrouble(thrown: unknown): boolean {
  return (
    thrown instanceof StoreError &&
    (thrown.code === 'ERR_STORE_FULL' || thrown.code === 'ERR_STORE_UNAVAILABLE')
  )
}
