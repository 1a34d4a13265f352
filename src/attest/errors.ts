/** Why an attestation was refused; precise for the log, one and the same refusal on the wire. */
export type AttestErrorCode =
  | 'ERR_EVIDENCE_MISSING'
  | 'ERR_EVIDENCE_UNSUPPORTED'
  | 'ERR_JOIN_TOKEN_TOO_LARGE'
  | 'ERR_JOIN_TOKEN_MALFORMED'
  | 'ERR_JOIN_TOKEN_SIGNATURE'
  | 'ERR_JOIN_TOKEN_CLAIMS'
  | 'ERR_JOIN_TOKEN_EXPIRED'
  | 'ERR_JOIN_TOKEN_LABEL'
  | 'ERR_TRANSCRIPT'
  | 'ERR_IID_REFUSED'
  | 'ERR_IID_KEYS'
  | 'ERR_X509_REFUSED'
  | 'ERR_X509_AUTHORITIES'

/** The error of src/attest. */
export class AttestError extends Error {
  override readonly name = 'AttestError'
  readonly code: AttestErrorCode
  constructor(code: AttestErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
