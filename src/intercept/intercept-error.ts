/** Why traffic is not, or no longer, captured. */
export type InterceptErrorCode =
  | 'ERR_OPTIONS' // the options contradict each other or a rule of safety
  | 'ERR_NFT' // nft is missing, or refused
  | 'ERR_GATE' // the gate for datagrams cannot be opened
  | 'ERR_VERIFY' // the kernel's list of rules is not what was loaded

/** A failure of `blazon intercept`; after it the workload must not be started. */
export class InterceptError extends Error {
  override readonly name = 'InterceptError'
  readonly code: InterceptErrorCode
  constructor(code: InterceptErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
