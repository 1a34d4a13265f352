import { SignJWT } from 'jose'
import { quote } from '../base/errors.ts'
import type { SpiffeId } from '../identity/spiffe-id.ts'
import type { SigningKey } from './authority-key.ts'
import { CaError } from './errors.ts'
import { longestJwtMs } from './jwt-key.ts'

/** What a JWT-SVID is asked for. */
export interface JwtRequest {
  readonly spiffeId: SpiffeId
  /** Who is to take it: at least one. */
  readonly audience: readonly string[]
  /** The token ends no later than this, ms: with the certificate of whoever asks. */
  readonly notAfter: number
}

export interface JwtSvid {
  readonly token: string
  readonly expiresAt: number
}

/** `typ` of a JWT-SVID, by its specification; no other token of ours has it. */
export const jwtSvidType = 'JWT'

const mostAudiences = 16
const audienceForm = /^[^\p{Cc}]{1,512}$/u

/** Signs a JWT-SVID (SPIFFE JWT-SVID specification, ES256) of at most 5 minutes; throws `CaError`. */
export async function signJwtSvid(
  key: SigningKey,
  { spiffeId, audience, notAfter }: JwtRequest,
  now: number,
): Promise<JwtSvid> {
  checkAudience(audience)
  const issued = Math.floor(now / 1_000)
  const expires = Math.floor(Math.min(now + longestJwtMs, notAfter) / 1_000)
  if (expires <= issued) {
    throw new CaError('ERR_TTL', 'expected a certificate that holds for some seconds yet')
  }
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'ES256', typ: jwtSvidType, kid: key.keyId })
    .setSubject(spiffeId)
    .setAudience([...audience])
    .setIssuedAt(issued)
    .setExpirationTime(expires)
    .sign(key.privateKey)
  return { token, expiresAt: expires * 1_000 }
}

function checkAudience(audience: readonly string[]): void {
  if (audience.length === 0 || audience.length > mostAudiences) {
    throw new CaError(
      'ERR_AUDIENCE',
      `expected 1 to ${String(mostAudiences)} audiences, got ${String(audience.length)}`,
    )
  }
  const wrong = audience.find((one) => !audienceForm.test(one))
  if (wrong === undefined) return
  throw new CaError(
    'ERR_AUDIENCE',
    `expected audiences of 1 to 512 characters without control characters, got ${quote(wrong)}`,
  )
}
