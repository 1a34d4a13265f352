/** Everything that can go wrong between a request for a certificate and the certificate. */
export type CaErrorCode =
  | 'ERR_CSR_TOO_LARGE'
  | 'ERR_CSR_MALFORMED'
  | 'ERR_CSR_KEY'
  | 'ERR_CSR_SIGNATURE'
  | 'ERR_PUBLIC_KEY'
  | 'ERR_SPIFFE_ID'
  | 'ERR_TTL'
  | 'ERR_NO_ISSUER'
  | 'ERR_AUDIENCE'
  | 'ERR_TOKEN_TOO_LARGE'
  | 'ERR_ISSUER_UNKNOWN'
  | 'ERR_KEY_FILE'
  | 'ERR_WRONG_KEY'
  | 'ERR_SEALED_KEY'
  | 'ERR_AUTHORITY_STORE'

/** The error of src/ca. */
export class CaError extends Error {
  override readonly name = 'CaError'
  readonly code: CaErrorCode
  constructor(code: CaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
