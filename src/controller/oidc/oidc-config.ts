import { isIP } from 'node:net'
import { messageOf, quote } from '../../base/errors.ts'
import { adminRoles, type AdminRole } from '../../identity/index.ts'

/** Algorithms a token may be signed with: nothing symmetric, and never `none`. */
export const tokenAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const
export type TokenAlgorithm = (typeof tokenAlgorithms)[number]

/** One OIDC issuer whose tokens administrators may show. */
export interface OidcIssuer {
  /** As it stands in `iss`, to the letter. */
  readonly issuer: string
  readonly audience: string
  /** Undefined: found by OpenID Connect Discovery. */
  readonly jwksUri: URL | undefined
  readonly algorithms: readonly TokenAlgorithm[]
  /** The `typ` that its tokens have, where it sets one of its own. */
  readonly type: string | undefined
  /** The claim that holds the roles, as a path of member names. */
  readonly roleClaim: readonly string[]
  /** Which values of that claim stand for which role. */
  readonly roles: ReadonlyMap<AdminRole, readonly string[]>
  /** The claim by which an administrator is named in the log. */
  readonly nameClaim: string
  /** Plain HTTP towards loopback, for tests. */
  readonly allowLoopbackHttp: boolean
}

const fields = [
  'issuer',
  'audience',
  'jwksUri',
  'algorithms',
  'typ',
  'roles',
  'nameClaim',
  'allowLoopbackHttp',
]
const mostIssuers = 16

/**
 * Reads `{ "issuers": [ … ] }` (docs/administration.md). Throws an `Error` whose message names the field;
 * an unknown field is refused, since it may be a restriction with a spelling mistake.
 */
export function parseOidcConfig(text: string): readonly OidcIssuer[] {
  const root = recordAt(parseJson(text), 'the configuration', ['issuers'])
  const listed = root['issuers']
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > mostIssuers) {
    throw new Error(`issuers: expected a list of 1 to ${String(mostIssuers)} issuers`)
  }
  const issuers = listed.map((entry, index) => readIssuer(entry, `issuers[${String(index)}]`))
  if (new Set(issuers.map(({ issuer }) => issuer)).size !== issuers.length) {
    throw new Error('issuers: expected each issuer once')
  }
  return issuers
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause: unknown) {
    throw new Error(`expected JSON: ${messageOf(cause)}`, { cause })
  }
}

function readIssuer(value: unknown, at: string): OidcIssuer {
  const record = recordAt(value, at, fields)
  const { allowLoopbackHttp = false, jwksUri, typ } = record
  if (typeof allowLoopbackHttp !== 'boolean') {
    throw new Error(`${at}.allowLoopbackHttp: expected true or false`)
  }
  const issuer = textAt(record['issuer'], `${at}.issuer`)
  urlAt(issuer, `${at}.issuer`, allowLoopbackHttp)
  const { claim, roles } = readRoles(record['roles'], `${at}.roles`)
  return {
    issuer,
    audience: textAt(record['audience'], `${at}.audience`),
    jwksUri: jwksUri === undefined ? undefined : urlAt(jwksUri, `${at}.jwksUri`, allowLoopbackHttp),
    algorithms: readAlgorithms(record['algorithms'], `${at}.algorithms`),
    type: typ === undefined ? undefined : textAt(typ, `${at}.typ`),
    roleClaim: claim,
    roles,
    nameClaim: textAt(record['nameClaim'] ?? 'sub', `${at}.nameClaim`),
    allowLoopbackHttp,
  }
}

function readRoles(
  value: unknown,
  at: string,
): { claim: readonly string[]; roles: ReadonlyMap<AdminRole, readonly string[]> } {
  const record = recordAt(value, at, ['claim', ...adminRoles])
  const claim =
    typeof record['claim'] === 'string'
      ? [textAt(record['claim'], `${at}.claim`)]
      : textsAt(record['claim'], `${at}.claim`)
  const roles = new Map<AdminRole, readonly string[]>()
  for (const role of adminRoles) {
    if (record[role] !== undefined) roles.set(role, textsAt(record[role], `${at}.${role}`))
  }
  if (roles.size === 0) throw new Error(`${at}: expected values for ${adminRoles.join(', ')}`)
  return { claim, roles }
}

function readAlgorithms(value: unknown, at: string): readonly TokenAlgorithm[] {
  if (value === undefined) return tokenAlgorithms
  return textsAt(value, at).map((name) => {
    const known = tokenAlgorithms.find((algorithm) => algorithm === name)
    if (known !== undefined) return known
    throw new Error(`${at}: expected some of ${tokenAlgorithms.join(', ')}, got ${quote(name)}`)
  })
}

/** An HTTPS address; plain HTTP only towards loopback, and only where that is asked for. */
export function urlAt(value: unknown, at: string, allowLoopbackHttp: boolean): URL {
  const text = textAt(value, at)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.username !== '' || url.password !== '' || url.hash !== '') {
    throw new Error(`${at}: expected a URL without credentials and fragment, got ${quote(text)}`)
  }
  if (url.protocol === 'https:') return url
  if (url.protocol === 'http:' && allowLoopbackHttp && isLoopback(url.hostname)) return url
  throw new Error(
    `${at}: expected https:// (plain HTTP only for loopback, with allowLoopbackHttp), got ${quote(text)}`,
  )
}

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

function recordAt(
  value: unknown,
  at: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${at}: expected an object`)
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new Error(`${at}: unknown field ${quote(unknown)}; known are ${known.join(', ')}`)
  }
  return value as Record<string, unknown>
}

function textAt(value: unknown, at: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= 2_048) return value
  throw new Error(`${at}: expected text`)
}

function textsAt(value: unknown, at: string): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.length <= 64) {
    return value.map((one, index) => textAt(one, `${at}[${String(index)}]`))
  }
  throw new Error(`${at}: expected a list of texts`)
}
