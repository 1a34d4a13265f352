/** Why a peer's certificate is refused. Precise in the log; the peer itself is told nothing. */
export type PeerRefusal =
  | 'chain-malformed'
  | 'wrong-trust-domain'
  | 'expired'
  | 'not-yet-valid'
  | 'issuer-not-listed'
  | 'issuer-tainted'
  | 'issuer-invalid'
  | 'signature-invalid'
  | 'root-unknown'
  | 'not-a-leaf'
  | 'wrong-key-usage'
  | 'wrong-extended-key-usage'
  | 'wrong-names'
  | 'identity-missing'
  | 'identity-unexpected'
  | 'below-floor'

/** Carries a refusal from the rule that found it to `verifyPeer`, and no further. */
export class Refusal extends Error {
  readonly code: PeerRefusal
  constructor(code: PeerRefusal, detail: string) {
    super(detail)
    this.code = code
  }
}
