import { randomUUID, type KeyObject } from 'node:crypto'
import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose'
import { quote } from '../base/errors.ts'
import { checkKey, checkValue, type Attribute } from '../identity/attributes.ts'
import { AttestError, type AttestErrorCode } from './errors.ts'

/** Labels by bare key: `app` becomes `label.app`. */
export type Labels = Readonly<Record<string, string>>

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

/** Makes a join token (RFC 7519, ES256); throws `ERR_JOIN_TOKEN_LABEL`. */
export async function issueJoinToken(options: {
  readonly key: { readonly keyId: string; readonly privateKey: KeyObject }
  readonly trustDomain: string
  readonly labels: Labels
  readonly ttlMs: number
  readonly now: number
}): Promise<{ readonly token: string; readonly tokenId: string; readonly expiresAt: number }> {
  const { key, trustDomain, labels, ttlMs, now } = options
  readLabels(labels)
  const tokenId = randomUUID()
  const expires = Math.floor((now + ttlMs) / 1_000)
  const token = await new SignJWT({ labels })
    .setProtectedHeader({ alg: 'ES256', typ: joinTokenType, kid: key.keyId })
    .setIssuer(trustDomain)
    .setAudience(audienceOf(trustDomain))
    .setJti(tokenId)
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(expires)
    .sign(key.privateKey)
  return { token, tokenId, expiresAt: expires * 1_000 }
}

/** Checks signature, key, type, issuer, audience, id, expiry and labels; throws `AttestError`. */
export async function verifyJoinToken(
  token: string,
  options: {
    readonly key: { readonly keyId: string; readonly publicKey: KeyObject }
    readonly trustDomain: string
    readonly now: number
  },
): Promise<JoinToken> {
  if (token.length > maxJoinTokenLength) {
    throw new AttestError(
      'ERR_JOIN_TOKEN_TOO_LARGE',
      `expected a join token of at most ${String(maxJoinTokenLength)} characters, got ${String(token.length)}`,
    )
  }
  const { key, trustDomain, now } = options
  const { payload, protectedHeader } = await jwtVerify(token, key.publicKey, {
    algorithms: ['ES256'],
    typ: joinTokenType,
    issuer: trustDomain,
    audience: audienceOf(trustDomain),
    requiredClaims: ['jti', 'exp', 'iat'],
    currentDate: new Date(now),
  }).catch((cause: unknown) => {
    throw refusal(cause)
  })
  if (protectedHeader.kid !== key.keyId) {
    throw new AttestError(
      'ERR_JOIN_TOKEN_SIGNATURE',
      `expected a join token made with key ${key.keyId}, got ${quote(protectedHeader.kid ?? 'none')}`,
    )
  }
  return readClaims(payload)
}

function readClaims({ jti, exp, labels }: JWTPayload): JoinToken {
  if (jti === undefined || exp === undefined || typeof jti !== 'string' || jti === '') {
    throw new AttestError('ERR_JOIN_TOKEN_CLAIMS', 'expected a join token with an id and an expiry')
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

function refusal(cause: unknown): AttestError {
  const [code, message] = classify(cause)
  return new AttestError(code, message, { cause })
}

function classify(cause: unknown): readonly [AttestErrorCode, string] {
  if (cause instanceof errors.JWTExpired) {
    return ['ERR_JOIN_TOKEN_EXPIRED', 'the join token has expired; ask for a new one']
  }
  if (cause instanceof errors.JWTClaimValidationFailed) {
    return ['ERR_JOIN_TOKEN_CLAIMS', `the join token is not for this use: ${cause.message}`]
  }
  if (
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JOSEAlgNotAllowed
  ) {
    return [
      'ERR_JOIN_TOKEN_SIGNATURE',
      'the join token is not signed by this controller with ES256',
    ]
  }
  return ['ERR_JOIN_TOKEN_MALFORMED', 'expected a join token, a JWT in compact form']
}
