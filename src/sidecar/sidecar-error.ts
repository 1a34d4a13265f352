/** What went wrong in the sidecar itself; refused connections are verdicts, not errors. */
export type SidecarErrorCode =
  | 'ERR_STATE_SEAL' // the sealed state was altered, or belongs to another node key or workload
  | 'ERR_STATE_OLD' // the sealed state is older than one that this sidecar has applied
  | 'ERR_STATE_DIRECTORY' // the state directory or a file in it cannot be used safely
  | 'ERR_STATE_LOCKED' // another sidecar runs on the same state directory
  | 'ERR_NODE_KEY' // the node key cannot be read, or is not an ECDSA P-256 key
  | 'ERR_PIN' // the roots or the fingerprint that pin the controller cannot be used
  | 'ERR_CONTROLLER_IDENTITY' // whoever answered is not the controller of this trust domain
  | 'ERR_CONTROLLER_ANSWER' // the controller's answer breaks the contract
  | 'ERR_NO_EVIDENCE' // there is nothing to prove with what node this is
  | 'ERR_CAPTURE' // connections cannot be captured on this machine, or by this user
  | 'ERR_SNAPSHOT' // a pushed version cannot be applied

/** An error of the sidecar; `code` says which, `cause` what was behind it. */
export class SidecarError extends Error {
  override readonly name = 'SidecarError'
  readonly code: SidecarErrorCode
  constructor(code: SidecarErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
