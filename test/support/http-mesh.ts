import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { FlowRecord__Output } from '../../src/rpc/generated/blazon/v1/FlowRecord.ts'
import type { FakeController } from './fake-controller.ts'
import { connectClient, startMesh, type MeshWish, type TestMesh } from './mesh-fixture.ts'
import { eventually } from './poll.ts'

/** A mesh whose `db` is an HTTP server. */
export interface HttpMesh extends TestMesh {
  /** Connections that the server has taken. */
  readonly taken: readonly Socket[]
  /** Method and target of the requests that have reached it. */
  readonly requests: readonly string[]
  /** Sends bytes as `web` and returns everything that came back until the end. */
  exchange(bytes: string): Promise<string>
}

/** Rules, as JSON or YAML in one line, by which `web` may send requests to `db`. */
export function requestsOfWeb(rules: string, name = 'web-to-db', action = 'allow'): string {
  return `
kind: NetworkPolicy
name: ${name}
spec:
  from: { label.app: web }
  to: { label.app: db }
  ports: [tcp/PORT]
  http: ${rules}
  action: ${action}
`
}

/** `prepare` is for what is no request, such as upgrades. */
export async function startHttpMesh(
  wish: Omit<MeshWish, 'application' | 'onSocket'> & {
    readonly answer?: RequestListener
    readonly prepareServer?: (server: Server) => void
  },
): Promise<HttpMesh> {
  await using stack = new AsyncDisposableStack()
  const taken: Socket[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${String(request.method)} ${String(request.url)}`)
    const answer = wish.answer ?? mirror
    answer(request, response)
  })
  server.on('connection', (socket: Socket) => {
    taken.push(socket)
    socket.on('error', () => undefined)
  })
  wish.prepareServer?.(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of taken) socket.destroy()
    await closed
  })
  const { port } = server.address() as AddressInfo
  const mesh = stack.use(await startMesh({ ...wish, application: { host: '127.0.0.1', port } }))
  const parts = stack.move()
  return {
    ...mesh,
    taken,
    requests,
    exchange: async (bytes) => {
      const client = connectClient(mesh.entrance)
      client.socket.write(bytes, 'latin1')
      await client.ended
      client.socket.end()
      return client.text()
    },
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  }
}

/** Answers with what it saw. */
export const mirror: RequestListener = (request, response) => {
  void bodyOf(request).then((body) => {
    const { method, url, rawHeaders, rawTrailers } = request
    response.end(JSON.stringify({ method, url, rawHeaders, rawTrailers, body }))
  })
}

/** What `mirror` saw, out of its answer. */
export interface Mirrored {
  readonly url: string
  readonly body: string
  readonly rawHeaders: readonly string[]
  readonly rawTrailers: readonly string[]
}

export function mirrored(answer: string): Mirrored {
  const json = /\{.*\}/s.exec(answer)?.[0]
  if (json === undefined) throw new Error(`expected an answer of the server, got ${answer}`)
  return JSON.parse(json) as Mirrored
}

/** Values of a header in either spelling, in order. */
export function valuesOf({ rawHeaders }: Mirrored, name: string): readonly string[] {
  return rawHeaders.filter(
    (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase().replaceAll('_', '-') === name,
  )
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`
/** A request after which the connection ends, unless `more` says otherwise. */
export const requestTo = (target: string, method = 'GET', ...more: readonly string[]): string =>
  head(`${method} ${target} HTTP/1.1`, 'Host: db.test', 'Connection: close', ...more)
/** One that leaves the connection open. */
export const keptRequest = (target: string, method = 'GET', ...more: readonly string[]): string =>
  head(`${method} ${target} HTTP/1.1`, 'Host: db.test', ...more)
export const handshake = (target = '/socket'): string =>
  keptRequest(
    target,
    'GET',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  )

/** Accepts every WebSocket and sends back what it gets. */
export function echoUpgrades(server: Server): void {
  server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    socket.pipe(socket)
  })
}

/** Waits for a record of `db`'s sidecar. */
export async function ingressRecord(
  controller: FakeController,
  fits: (record: FlowRecord__Output) => boolean,
): Promise<FlowRecord__Output> {
  return await eventually('a record of the ingress', () =>
    controller.records.find((record) => record.direction === 'INGRESS' && fits(record)),
  )
}
