import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../base/clock.ts'
import { quote } from '../../base/errors.ts'
import { urlAt, type OidcIssuer } from './oidc-config.ts'

/** The keys of an issuer, fetched when they are needed and kept for a while. */
export type KeySource = () => Promise<JWTVerifyGetKey>

const timeoutMs = 5_000
/** An unknown key makes us look again, but not more often than this. */
const cooldownMs = 30_000
const keptMs = 10 * 60_000
const largestDocument = 64 * 1024
const largestKeySet = 1024 * 1024

/** Keys from `jwksUri`, or from where the discovery document of the issuer says. */
export function createKeySource(issuer: OidcIssuer, clock: Clock): KeySource {
  let keys: Promise<JWTVerifyGetKey> | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY
  let failure: unknown
  return async () => {
    if (keys !== undefined) return keys
    if (clock.monotonic() - failedAtMs < cooldownMs) throw failure
    const found = find(issuer)
    keys = found
    found.catch((error: unknown) => {
      keys = undefined
      failure = error
      failedAtMs = clock.monotonic()
    })
    return found
  }
}

async function find(issuer: OidcIssuer): Promise<JWTVerifyGetKey> {
  const address = issuer.jwksUri ?? (await discover(issuer))
  return createRemoteJWKSet(address, {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    cacheMaxAge: keptMs,
    [customFetch]: async (url, options) => {
      const response = await fetch(url, options)
      return new Response(await boundedText(response, largestKeySet), response)
    },
  })
}

/** OpenID Connect Discovery 1.0, section 4: the document has to be about this very issuer. */
async function discover({ issuer, allowLoopbackHttp }: OidcIssuer): Promise<URL> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await fetch(address, {
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/json' },
  })
  if (!response.ok) {
    throw new Error(`expected a document at ${address}, got status ${String(response.status)}`)
  }
  const document: unknown = JSON.parse(await boundedText(response, largestDocument))
  if (typeof document !== 'object' || document === null) {
    throw new Error(`expected an object at ${address}`)
  }
  const { issuer: named, jwks_uri: keys } = document as Record<string, unknown>
  if (named !== issuer) {
    throw new Error(`expected the document of ${issuer}, got that of ${quote(String(named))}`)
  }
  return urlAt(keys, 'jwks_uri', allowLoopbackHttp)
}

async function boundedText(response: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > most) throw new Error(`expected at most ${String(most)} bytes from an issuer`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
