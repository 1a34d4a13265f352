import { createHmac, randomUUIDv7, timingSafeEqual, type KeyObject } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT, type JWTPayload } from 'jose'
import { quote } from '../base/errors.ts'
import { checkKey, checkValue, type Attribute } from '../identity/attributes.ts'
import { AttestError } from './errors.ts'

/** Labels by bare key: `app` becomes `label.app`. */
export type Labels = Readonly<Record<string, string>>

/** The secret of the one controller that makes join tokens and takes them. */
export interface JoinTokenKey {
  readonly keyId: string
  readonly secret: KeyObject
}

/** What a valid join token says. Uses are counted, and node keys bound, by who keeps the tokens. */
export interface JoinToken {
  readonly tokenId: string
  readonly expiresAt: number
  /** `label.*`, assigned: whoever made the token is an administrator. */
  readonly attributes: readonly Attribute[]
}

/** `typ` of a join token: no other token of ours, under whatever key, passes for one. */
export const joinTokenType = 'blazon-join+jwt'

/** Longest token that is looked at, in characters. */
export const maxJoinTokenLength: number = 8 * 1024
const maxLabels = 32

const audienceOf = (trustDomain: string): string => `${trustDomain}/enrolment`

/** Makes a join token (RFC 7519, HS256: who verifies it is who made it); throws `ERR_JOIN_TOKEN_LABEL`. */
export async function issueJoinToken(options: {
  readonly key: JoinTokenKey
  readonly trustDomain: string
  readonly labels: Labels
  readonly ttlMs: number
  readonly now: number
}): Promise<{ readonly token: string; readonly tokenId: string; readonly expiresAt: number }> {
  const { key, trustDomain, labels, ttlMs, now } = options
  readLabels(labels)
  const tokenId = randomUUIDv7()
  const expires = Math.floor((now + ttlMs) / 1_000)
  const token = await new SignJWT({ labels })
    .setProtectedHeader({ alg: 'HS256', typ: joinTokenType, kid: key.keyId })
    .setIssuer(trustDomain)
    .setAudience(audienceOf(trustDomain))
    .setJti(tokenId)
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(expires)
    .sign(key.secret)
  return { token, tokenId, expiresAt: expires * 1_000 }
}

/** Whose token it has to be, and when. */
interface JoinTokenContext {
  readonly key: JoinTokenKey
  readonly trustDomain: string
  readonly now: number
}

/**
 * Checks authenticity, key, type, issuer, audience, id, times and labels; throws `AttestError`. The
 * code is checked by `node:crypto`: the Web Crypto API, by which `jose` does it, takes several turns
 * of the event loop for it, and a fleet that starts brings one token for each node.
 */
export function verifyJoinToken(token: string, context: JoinTokenContext): JoinToken {
  if (token.length > maxJoinTokenLength) {
    throw new AttestError(
      'ERR_JOIN_TOKEN_TOO_LARGE',
      `expected a join token of at most ${String(maxJoinTokenLength)} characters, got ${String(token.length)}`,
    )
  }
  const { alg, kid, typ, crit } = decoded(() => decodeProtectedHeader(token))
  const { key } = context
  if (alg !== 'HS256' || !isOwn(token, key.secret)) {
    throw new AttestError(
      'ERR_JOIN_TOKEN_SIGNATURE',
      'the join token is not made by this controller with HS256',
    )
  }
  if (kid !== key.keyId) {
    throw new AttestError(
      'ERR_JOIN_TOKEN_SIGNATURE',
      `expected a join token made with key ${key.keyId}, got ${quote(kid ?? 'none')}`,
    )
  }
  if (typ !== joinTokenType) throw claimsError('its type is another')
  if (crit !== undefined) throw claimsError('it asks for an extension')
  return readClaims(
    decoded(() => decodeJwt(token)),
    context,
  )
}

function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause: unknown) {
    throw new AttestError(
      'ERR_JOIN_TOKEN_MALFORMED',
      'expected a join token, a JWT in compact form',
      { cause },
    )
  }
}

/** Whether the last of the three parts is the code of the two before it (RFC 7515 5.2, RFC 7518 3.2). */
function isOwn(token: string, secret: KeyObject): boolean {
  const end = token.lastIndexOf('.')
  // Compared as it is written: what Node would read past, or read alike, is not the same.
  const written = Buffer.from(token.slice(end + 1))
  const code = createHmac('sha256', secret).update(token.slice(0, end)).digest('base64url')
  const expected = Buffer.from(code)
  return written.length === expected.length && timingSafeEqual(written, expected)
}

function readClaims(claims: JWTPayload, { trustDomain, now }: JoinTokenContext): JoinToken {
  const { iss, aud, jti, iat, nbf, exp, labels } = claims
  const seconds = Math.floor(now / 1_000)
  if (iss !== trustDomain) throw claimsError('its issuer is another')
  if (aud !== audienceOf(trustDomain)) throw claimsError('its audience is another')
  if (typeof jti !== 'string' || jti === '') throw claimsError('it has no id')
  if (typeof iat !== 'number') throw claimsError('it does not say when it was made')
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= seconds)) {
    throw claimsError('it is not good yet')
  }
  if (typeof exp !== 'number') throw claimsError('it has no expiry')
  if (exp <= seconds) {
    throw new AttestError('ERR_JOIN_TOKEN_EXPIRED', 'the join token has expired; ask for a new one')
  }
  return { tokenId: jti, expiresAt: exp * 1_000, attributes: readLabels(labels) }
}

function readLabels(labels: unknown): readonly Attribute[] {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw labelError('expected labels by key')
  }
  const entries: [string, unknown][] = Object.entries(labels)
  if (entries.length > maxLabels) {
    throw labelError(`expected at most ${String(maxLabels)} labels, got ${String(entries.length)}`)
  }
  return entries.map(([name, value]) => readLabel(name, value))
}

function readLabel(name: string, value: unknown): Attribute {
  if (typeof value !== 'string') throw labelError(`expected a text for label ${quote(name)}`)
  try {
    const key = checkKey(`label.${name}`)
    return { key, value: checkValue(value), provenance: 'assigned' }
  } catch (cause: unknown) {
    throw labelError(`label ${quote(name)} is not usable`, { cause })
  }
}

const labelError = (message: string, options?: ErrorOptions): AttestError =>
  new AttestError('ERR_JOIN_TOKEN_LABEL', message, options)

const claimsError = (fault: string): AttestError =>
  new AttestError('ERR_JOIN_TOKEN_CLAIMS', `the join token is not for this use: ${fault}`)
