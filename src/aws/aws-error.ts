export type AwsErrorCode =
  | 'ERR_IMDS_UNREACHABLE' // nothing answers at any of its addresses
  | 'ERR_IMDS_OFF' // it answers that it is turned off for this instance
  | 'ERR_IMDS_BUSY' // throttled or failing, for longer than we ask again
  | 'ERR_IMDS_TOKEN' // it gives no token that it takes itself
  | 'ERR_IMDS_ANSWER' // what answers is no metadata service
  | 'ERR_IMDS_TOO_LARGE' // an answer beyond its limit

/** The error of src/aws. */
export class AwsError extends Error {
  override readonly name = 'AwsError'
  readonly code: AwsErrorCode
  constructor(code: AwsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
