import { request } from 'node:http'
import { blazon } from './blazon.ts'
import { comparisonPart } from './comparison.ts'
import { httpPeers } from './http-peers.ts'
import type { Part } from './part.ts'
import type { Path } from './rounds.ts'
import { echoing } from './tests.ts'

/** Methods, a path glob and a header, as nginx and HAProxy have them too. */
const httpRule =
  "{ methods: [GET, HEAD, POST], paths: ['/orders/*'], headers: { x-tenant: [blue, green] } }"

/** What is let through, and one request that fails each part of the rule. */
const expected = [
  { method: 'GET', path: '/orders/00000001', tenant: 'blue', status: 200 },
  { method: 'DELETE', path: '/orders/00000001', tenant: 'blue', status: 403 },
  { method: 'GET', path: '/orders/00000001/items', tenant: 'blue', status: 403 },
  { method: 'GET', path: '/orders/00000001', tenant: 'red', status: 403 },
] as const

/** Requests of HTTP that are decided on one by one. */
export const httpPart: Part = comparisonPart({
  tests: [1, 32].map((at) =>
    echoing('http', `GET 1 KB by rules on kept connections; ${String(at)} at once`, at, {}),
  ),
  contenders: ({ controller, peering }) => [
    blazon(controller, { http: httpRule }),
    ...httpPeers(peering),
  ],
  check: expectRules,
})

async function expectRules({ name, port }: Path): Promise<void> {
  for (const { method, path, tenant, status } of expected) {
    const seen = await statusOf(port, method, path, tenant)
    if (seen !== status) {
      const asked = `${method} ${path} for ${tenant}`
      throw new Error(
        `expected ${name} to answer ${asked} with ${String(status)}, got ${String(seen)}`,
      )
    }
  }
}

async function statusOf(
  port: number,
  method: string,
  path: string,
  tenant: string,
): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const headers = { 'x-tenant': tenant, connection: 'close' }
    request({ host: '127.0.0.1', port, method, path, headers, timeout: 5_000 })
      .once('error', reject)
      .once('timeout', () => {
        reject(new Error(`expected an answer to ${method} ${path} within 5 s`))
      })
      .once('response', (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      .end()
  })
}
