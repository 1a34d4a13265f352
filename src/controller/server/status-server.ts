import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import type { HostPort } from '../../base/env.ts'

export interface StatusServer extends AsyncDisposable {
  readonly address: HostPort
}

/** Serves `/metrics`, `/live` and `/ready` in plain HTTP: for loopback, unless configured otherwise. */
export async function serveStatus(options: {
  readonly listen: HostPort
  readonly registry: Registry
  readonly isReady: () => boolean
}): Promise<StatusServer> {
  const { registry, isReady } = options
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000 },
    (request, response) => {
      const isRead = request.method === 'GET' || request.method === 'HEAD'
      switch (isRead ? (request.url ?? '') : '') {
        case '/live':
          answer(response, 200, 'live\n')
          break
        case '/ready':
          if (isReady()) answer(response, 200, 'ready\n')
          else answer(response, 503, 'not ready\n')
          break
        case '/metrics':
          registry.metrics().then(
            (text) => {
              answer(response, 200, text, registry.contentType)
            },
            () => {
              answer(response, 500, 'metrics are not available\n')
            },
          )
          break
        default:
          answer(response, 404, 'not found\n')
      }
    },
  )
  server.maxConnections = 64
  server.listen(options.listen)
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo
  return {
    address: { host, port },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function answer(response: ServerResponse, code: number, text: string, type = 'text/plain'): void {
  response.writeHead(code, { 'content-type': type }).end(text)
}
