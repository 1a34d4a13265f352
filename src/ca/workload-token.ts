import { SignJWT } from 'jose'
import { trustDomainOf } from '../identity/spiffe-id.ts'
import {
  claimsOfToken,
  maxWorkloadTokenLength,
  workloadTokenAudience,
  workloadTokenType,
  type TokenFacts,
} from '../identity/workload-token.ts'
import type { SigningKey } from './authority-key.ts'
import { CaError } from './errors.ts'
import type { JwtSvid } from './jwt-svid.ts'

/** What a workload identity token is asked for. */
export interface WorkloadTokenRequest {
  readonly facts: TokenFacts
  /** The end of the certificate whose form the token is, ms: a token is as good, and for as long. */
  readonly notAfter: number
}

/**
 * Signs a workload identity token (draft-ietf-wimse-workload-creds, ES256). Throws `ERR_TTL`, or
 * `ERR_TOKEN_TOO_LARGE` where the profile does not fit.
 */
export async function signWorkloadToken(
  key: SigningKey,
  { facts, notAfter }: WorkloadTokenRequest,
  now: number,
): Promise<JwtSvid> {
  const issued = Math.floor(now / 1_000)
  const expires = Math.floor(notAfter / 1_000)
  if (expires <= issued) {
    throw new CaError('ERR_TTL', 'expected a certificate that holds for some seconds yet')
  }
  const token = await new SignJWT(claimsOfToken(facts))
    .setProtectedHeader({ alg: 'ES256', typ: workloadTokenType, kid: key.keyId })
    .setAudience(workloadTokenAudience(trustDomainOf(facts.spiffeId)))
    .setIssuedAt(issued)
    .setExpirationTime(expires)
    .sign(key.privateKey)
  if (token.length > maxWorkloadTokenLength) {
    throw new CaError(
      'ERR_TOKEN_TOO_LARGE',
      `expected a profile that fits a token of ${String(maxWorkloadTokenLength)} characters, got one of ${String(token.length)}; fewer tags or labels make it smaller`,
    )
  }
  return { token, expiresAt: expires * 1_000 }
}
