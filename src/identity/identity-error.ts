/** What went wrong, for programs; the message says it for people. */
export type IdentityErrorCode =
  | 'ERR_TRUST_DOMAIN'
  | 'ERR_SPIFFE_ID_SCHEME'
  | 'ERR_SPIFFE_ID_LENGTH'
  | 'ERR_SPIFFE_ID_PATH'
  | 'ERR_RESERVED_PATH'
  | 'ERR_PATH_TEMPLATE'
  | 'ERR_PATH_VALUE'
  | 'ERR_ATTRIBUTE_KEY'
  | 'ERR_ATTRIBUTE_VALUE'
  | 'ERR_PROFILE'
  | 'ERR_PROFILE_TOO_LARGE'
  | 'ERR_PROFILE_DIGEST'
  | 'ERR_DER'
  | 'ERR_IDENTITY_EXTENSION'
  | 'ERR_CERTIFICATE'
  | 'ERR_PUBLIC_KEY'
  | 'ERR_BUNDLE'
  | 'ERR_FLOORS'
  | 'ERR_SVID'
  | 'ERR_WORKLOAD_TOKEN'

/** The one error that parsers and decoders of this folder throw. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError'
  readonly code: IdentityErrorCode
  constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
