/** Who has sent a request (draft-ietf-wimse-workload-creds), in a line of its own. */
export const identityHeader = 'workload-identity-token'
/** That it was that workload, and this request (draft-ietf-wimse-wpt). */
export const proofHeader = 'workload-proof-token'

export interface RequestTokens {
  readonly identity: string
  readonly proof: string
}

/** What a request says in our headers. Only the spelling that we send counts; `_` never does. */
export function tokensOf(
  lines: ReadonlyMap<string, readonly string[]>,
): RequestTokens | 'none' | 'token-invalid' | 'proof-invalid' {
  const identities = lines.get(identityHeader) ?? []
  const proofs = lines.get(proofHeader) ?? []
  if (identities.length + proofs.length === 0) return 'none'
  const [[identity], [proof]] = [identities, proofs]
  if (identity === undefined || identities.length > 1) return 'token-invalid'
  if (proof === undefined || proofs.length > 1) return 'proof-invalid'
  return { identity, proof }
}
