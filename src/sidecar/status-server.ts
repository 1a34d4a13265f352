import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { HostPort } from '../base/env.ts'
import { formatHostPort } from '../base/env.ts'

/** What the status pages say. */
export interface StatusSource {
  /** What is still missing before traffic can pass; empty when ready. */
  notReady(): readonly string[]
  metrics(): Promise<{ readonly type: string; readonly text: string }>
}

export interface StatusServer {
  readonly address: HostPort
  close(): Promise<void>
}

/** Serves `/live`, `/ready` (503 with what is missing) and `/metrics`; nothing else, and GET or HEAD only. */
export async function serveStatus(listen: HostPort, source: StatusSource): Promise<StatusServer> {
  const server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000 },
    (request, response) => {
      answer(request, response, source).catch(() => {
        response.destroy()
      })
    },
  )
  server.maxConnections = 64
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Error(`cannot listen on ${formatHostPort(listen)}`, { cause }))
    })
    server.listen(listen, () => {
      resolve()
    })
  })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port
  return {
    address: { host: listen.host, port },
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      })
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  source: StatusSource,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'only GET and HEAD\n')
    return
  }
  const path = request.url ?? ''
  switch (path) {
    case '/live':
      send(response, 200, 'live\n')
      return
    case '/ready': {
      const missing = source.notReady()
      send(response, missing.length === 0 ? 200 : 503, readyText(missing))
      return
    }
    case '/metrics': {
      const { type, text } = await source.metrics()
      send(response, 200, text, type)
      return
    }
    default:
      send(response, 404, 'not found\n')
  }
}

function readyText(missing: readonly string[]): string {
  return missing.length === 0 ? 'ready\n' : `not ready: ${missing.join(', ')}\n`
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
