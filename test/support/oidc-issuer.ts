import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Metadata } from '@grpc/grpc-js'
import { exportJWK, SignJWT, type JWTHeaderParameters } from 'jose'
import { parseOidcConfig, type OidcIssuer } from '../../src/controller/index.ts'

/** Claims in place of the right ones; undefined takes one away. */
export type TokenClaims = Readonly<Record<string, unknown>>

/** An OIDC issuer on loopback, whose keys and answers a test changes. */
export interface TestOidcIssuer extends AsyncDisposable {
  readonly url: string
  readonly publicKey: KeyObject
  /** How often its keys were asked for. */
  readonly keyRequests: number
  /** A token that is right but for what the test changes. */
  token(
    claims?: TokenClaims,
    change?: { header?: Partial<JWTHeaderParameters>; key?: KeyObject | Uint8Array },
  ): Promise<string>
  /** Its configuration at a controller. */
  config(change?: Readonly<Record<string, unknown>>): readonly OidcIssuer[]
  /** What the discovery document says, in place of the truth. */
  answerDiscovery(document: object | undefined): void
  /** Has its keys come with so many bytes of something else. */
  padKeys(bytes: number): void
}

export const oidcAudience = 'blazon'

/** What comes with a call of whoever holds a token. */
export function bearer(token: string): Metadata {
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

export async function startOidcIssuer(): Promise<TestOidcIssuer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'first', alg: 'ES256', use: 'sig' }
  let keyRequests = 0
  let discovery: object | undefined
  let padding = ''
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    switch (String(request.url)) {
      case '/.well-known/openid-configuration':
        response.end(JSON.stringify(discovery ?? { issuer: url, jwks_uri: `${url}/keys` }))
        break
      case '/keys':
        keyRequests++
        response.end(JSON.stringify({ keys: [jwk], padding }))
        break
      default:
        response.writeHead(404).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  return {
    url,
    publicKey,
    get keyRequests() {
      return keyRequests
    },
    token: (claims = {}, { header = {}, key = privateKey } = {}) => {
      const now = Math.floor(Date.now() / 1_000)
      const payload = { iss: url, aud: oidcAudience, sub: 'u-1', iat: now, exp: now + 300 }
      return new SignJWT({ ...payload, email: 'grace@acme.example', groups: ['ops'], ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'first', typ: 'JWT', ...header })
        .sign(key)
    },
    config: (change = {}) =>
      parseOidcConfig(
        JSON.stringify({
          issuers: [
            {
              issuer: url,
              audience: oidcAudience,
              roles: { claim: 'groups', viewer: ['staff'], editor: ['dev'], admin: ['ops'] },
              nameClaim: 'email',
              allowLoopbackHttp: true,
              ...change,
            },
          ],
        }),
      ),
    answerDiscovery: (document) => {
      discovery = document
    },
    padKeys: (bytes) => {
      padding = 'x'.repeat(bytes)
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
