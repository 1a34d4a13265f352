/** How an audit log is not what it should be. */
export type AuditErrorCode =
  | 'ERR_AUDIT_SEQUENCE'
  | 'ERR_AUDIT_LINK'
  | 'ERR_AUDIT_HASH'
  | 'ERR_AUDIT_TRUNCATED'
  | 'ERR_AUDIT_HEAD_MISMATCH'
  | 'ERR_AUDIT_HEAD_SIGNATURE'
  | 'ERR_AUDIT_HEAD_KEY'

/** A break in an audit log, or between it and a head. */
export class AuditError extends Error {
  override readonly name = 'AuditError'
  readonly code: AuditErrorCode
  constructor(code: AuditErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
