import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import type { Clock } from '../../base/clock.ts'
import { messageOf, quote } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { adminRoles, type AdminRole } from '../../identity/index.ts'
import { ControllerError } from '../controller-error.ts'
import { createKeySource, type KeySource } from './key-source.ts'
import type { OidcIssuer } from './oidc-config.ts'

/** Whom a bearer token stands for. */
export interface TokenHolder {
  /** Of issuer and subject, so that two issuers cannot name one person. */
  readonly administratorId: string
  readonly name: string
  readonly role: AdminRole
  /** When the token ends, ms. */
  readonly notAfter: number
}

/** Checks bearer tokens. Throws `ControllerError`; what exactly was wrong is for the log alone. */
export type TokenVerifier = (token: string) => Promise<TokenHolder>

const longestToken = 16 * 1024
const clockTolerance = '5s'
/** Types of access and identity tokens; others are for something else, whoever signed them. */
const usualTypes = new Set([undefined, 'JWT', 'at+jwt', 'application/at+jwt'])
const nameForm = /^[^\p{Cc}]{1,256}$/u

export function createTokenVerifier(
  issuers: readonly OidcIssuer[],
  deps: { readonly clock: Clock; readonly log: Logger },
): TokenVerifier {
  const known = new Map(
    issuers.map((issuer) => [issuer.issuer, { issuer, keys: createKeySource(issuer, deps.clock) }]),
  )
  return async (token) => {
    if (token.length > longestToken) throw refuse('the token is too long')
    const named = issuerOf(token)
    const found = known.get(named)
    if (found === undefined) throw refuse(`issuer ${quote(named)} is not configured`)
    const payload = await verify(token, found.issuer, found.keys, deps)
    return holderOf(payload, found.issuer)
  }
}

/** Not verified yet: it only says whose keys to try, and is checked with everything else. */
function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch (cause: unknown) {
    throw refuse('it is no JWT', cause)
  }
}

async function verify(
  token: string,
  issuer: OidcIssuer,
  keySource: KeySource,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<JWTPayload> {
  checkType(token, issuer)
  const keys = await keySource().catch((error: unknown) => {
    throw keysNotThere(issuer, error, log)
  })
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: [...issuer.algorithms],
      clockTolerance,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp', 'iat', 'sub'],
    })
    return payload
  } catch (error: unknown) {
    if (isAboutFetching(error)) throw keysNotThere(issuer, error, log)
    throw refuse(messageOf(error), error)
  }
}

function checkType(token: string, { type }: OidcIssuer): void {
  const { typ } = headerOf(token)
  const isRight = type === undefined ? usualTypes.has(typ) : typ === type
  if (!isRight) throw refuse(`expected a token of type ${type ?? 'JWT'}, got ${quote(typ ?? '')}`)
}

function headerOf(token: string): { readonly typ?: string | undefined } {
  try {
    return decodeProtectedHeader(token)
  } catch (cause: unknown) {
    throw refuse('it has no header', cause)
  }
}

/** A key set that cannot be had, as against a token that none of its keys has signed. */
function isAboutFetching(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  return error instanceof errors.JWKSTimeout || error.code === 'ERR_JOSE_GENERIC'
}

function keysNotThere({ issuer }: OidcIssuer, cause: unknown, log: Logger): ControllerError {
  log.error({ issuer, reason: messageOf(cause) }, 'keys of an issuer cannot be fetched')
  return new ControllerError(
    'ERR_UNAVAILABLE',
    `the keys of ${issuer} cannot be fetched, so its tokens cannot be checked`,
    { cause },
  )
}

function holderOf(payload: JWTPayload, issuer: OidcIssuer): TokenHolder {
  const { sub, exp } = payload
  if (typeof sub !== 'string' || !nameForm.test(sub) || exp === undefined) {
    throw refuse('it has no end, or no subject that could be written into a log')
  }
  const claimed = payload[issuer.nameClaim]
  const name = typeof claimed === 'string' && nameForm.test(claimed) ? claimed : sub
  return {
    administratorId: `${issuer.issuer}#${sub}`,
    name: `${name} (${new URL(issuer.issuer).host})`,
    role: roleOf(payload, issuer),
    notAfter: exp * 1_000,
  }
}

/** The strongest role that a value of the claim stands for. */
function roleOf(payload: JWTPayload, { roleClaim, roles }: OidcIssuer): AdminRole {
  const held = valuesAt(payload, roleClaim)
  const role = adminRoles.findLast((one) => roles.get(one)?.some((value) => held.includes(value)))
  if (role !== undefined) return role
  throw new ControllerError('ERR_PERMISSION', 'this token carries no role of this controller', {
    detail: `claim ${roleClaim.join(' > ')} has ${quote(held.join(', '))}`,
  })
}

function valuesAt(payload: JWTPayload, path: readonly string[]): readonly string[] {
  let at: unknown = payload
  for (const member of path) {
    const isObject = typeof at === 'object' && at !== null && !Array.isArray(at)
    at = isObject && Object.hasOwn(at as object, member) ? (at as never)[member] : undefined
  }
  const values: readonly unknown[] = Array.isArray(at) ? at : [at]
  return values.filter((value) => typeof value === 'string')
}

function refuse(detail: string, cause?: unknown): ControllerError {
  return new ControllerError('ERR_UNAUTHENTICATED', 'this token is not accepted', { detail, cause })
}
