import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HostPort } from '../../src/base/env.ts'
import {
  createMetadataAnswers,
  send,
  type MetadataAnswer,
} from '../../src/demo/metadata-service.ts'

/** What a test does in place of the usual answer; `undefined` for that one. */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
) => MetadataAnswer | 'silence' | 'handled' | undefined

/** The simulated metadata service of the demonstration, with a log, a clock and faults. */
export interface FakeImds extends AsyncDisposable {
  readonly address: HostPort
  readonly content: Map<string, string>
  /** `PUT /latest/api/token`, in order. */
  readonly requests: string[]
  readonly headers: IncomingMessage['headers'][]
  fault: Fault | undefined
  enabled: boolean
  /** Moves the clock by which tokens expire. */
  pass(ms: number): void
}

export async function startFakeImds(
  content: Readonly<Record<string, string>> = {},
  host = '127.0.0.1',
): Promise<FakeImds> {
  let passedMs = 0
  const served = new Map(Object.entries(content))
  const usual = createMetadataAnswers({
    content: () => served,
    enabled: () => fake.enabled,
    now: () => passedMs,
  })
  const server: Server = createServer((request, response) => {
    fake.requests.push(`${String(request.method)} ${String(request.url)}`)
    fake.headers.push(request.headers)
    const wrong = fake.fault?.(request, response)
    if (wrong === 'silence' || wrong === 'handled') return
    send(response, request, wrong ?? usual(request))
  })
  server.listen(0, host)
  await once(server, 'listening')
  const fake: FakeImds = {
    address: { host, port: (server.address() as AddressInfo).port },
    content: served,
    requests: [],
    headers: [],
    fault: undefined,
    enabled: true,
    pass: (ms) => {
      passedMs += ms
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  return fake
}
