import { request as requestPlain, type IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import type { HostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'

/** One request as a browser, or somebody who only says to be one, sends it. */
export interface GatewayRequest {
  readonly method?: string
  readonly path: string
  /** In place of the headers of a page of our own; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>
  readonly cookie?: string | undefined
  readonly body?: string | Buffer
}

export interface GatewayAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

/** Talks HTTP to a gateway; `root` is how its certificate is checked, without one it is plain HTTP. */
export interface GatewayClient {
  readonly origin: string
  send(request: GatewayRequest): Promise<GatewayAnswer>
  /** A call with the headers of our own page. */
  call(
    method: string,
    body: object,
    cookie?: string,
    headers?: GatewayRequest['headers'],
  ): Promise<GatewayAnswer>
  /** Opens a stream and gives its events, as they come. */
  stream(method: string, body: object, cookie: string): Promise<EventReader>
}

export interface EventReader extends Disposable {
  readonly status: number
  next(): Promise<string | undefined>
}

export function gatewayClient(address: HostPort, root?: Buffer): GatewayClient {
  const scheme = root === undefined ? 'http' : 'https'
  const origin = `${scheme}://localhost:${String(address.port)}`

  const open = (request: GatewayRequest): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = Object.entries<string | string[] | undefined>({
        host: new URL(origin).host,
        origin,
        'content-type': 'application/json',
        'sec-fetch-site': 'same-origin',
        ...(request.cookie === undefined
          ? {}
          : { cookie: `__Host-blazon-session=${request.cookie}` }),
        ...request.headers,
      }).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined)
      const options = {
        ...address,
        method: request.method ?? 'POST',
        path: request.path,
        headers: Object.fromEntries(headers),
        agent: false,
        ...(root === undefined ? {} : { ca: toPem(root), checkServerIdentity: () => undefined }),
      }
      const sent = (root === undefined ? requestPlain : requestTls)(options, resolve)
      sent.on('error', reject)
      sent.end(request.body)
    })

  const send = async (request: GatewayRequest): Promise<GatewayAnswer> => {
    const answer = await open(request)
    const chunks: Buffer[] = []
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    return {
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      text,
      json: parseObject(text),
    }
  }

  return {
    origin,
    send,
    call: (method, body, cookie, headers = {}) =>
      send({ path: `/api/v1/${method}`, cookie, headers, body: JSON.stringify(body) }),
    stream: async (method, body, cookie) => {
      const path = `/api/v1/${method}`
      return readEvents(await open({ path, cookie, body: JSON.stringify(body) }))
    },
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    // Pages and streams are no JSON.
    return {}
  }
}

function readEvents(answer: IncomingMessage): EventReader {
  const chunks = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  let text = ''
  const next = async (): Promise<string | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end !== -1) {
        const event = text.slice(0, end)
        text = text.slice(end + 2)
        return event
      }
      const chunk = await chunks.next()
      if (chunk.done === true) return undefined
      text += chunk.value.toString('utf8')
    }
  }
  return {
    status: answer.statusCode ?? 0,
    next,
    [Symbol.dispose]: () => {
      answer.destroy()
    },
  }
}
