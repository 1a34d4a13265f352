import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HostPort } from '../base/env.ts'

/** What one instance's metadata service serves: path below `/latest/` to body. */
export type MetadataContent = ReadonlyMap<string, string>

/** A simulated EC2 instance metadata service, version 2 only. */
export interface MetadataService extends AsyncDisposable {
  readonly address: HostPort
}

export interface MetadataAnswer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface MetadataOptions {
  readonly listen: HostPort
  readonly content: () => MetadataContent
  /** False: the service is turned off for this instance, as EC2 can be told. */
  readonly enabled?: () => boolean
  readonly now?: () => number
}

const tokenPath = '/latest/api/token'
const longestTokenSeconds = 21_600

/** Serves on loopback, with the status codes that EC2 gives. */
export async function startMetadataService(options: MetadataOptions): Promise<MetadataService> {
  const answerTo = createMetadataAnswers(options)
  const server = createServer((request, response) => send(response, request, answerTo(request)))
  server.listen({ ...options.listen })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: { host: options.listen.host, port },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** What the service says to a request, without the wire around it. */
export function createMetadataAnswers(
  options: Omit<MetadataOptions, 'listen'>,
): (request: IncomingMessage) => MetadataAnswer {
  const { now = Date.now, enabled = () => true } = options
  const tokens = new Map<string, number>() // to the moment it expires

  const putToken = ({ url, headers }: IncomingMessage): MetadataAnswer => {
    // A proxy that was tricked into a PUT adds this, and gets nothing.
    if (headers['x-forwarded-for'] !== undefined) return { status: 403, body: '' }
    if (url !== tokenPath) return { status: 404, body: '' }
    const text = String(headers['x-aws-ec2-metadata-token-ttl-seconds'] ?? '')
    const seconds = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
    if (seconds < 1 || seconds > longestTokenSeconds) return { status: 400, body: '' }
    const token = randomBytes(42).toString('base64')
    tokens.set(token, now() + seconds * 1_000)
    const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': text }
    return { status: 200, body: token, headers: ttl }
  }

  const get = ({ url = '', headers }: IncomingMessage): MetadataAnswer => {
    const goodUntil = tokens.get(String(headers['x-aws-ec2-metadata-token']))
    if (goodUntil === undefined || now() >= goodUntil) return { status: 401, body: '' }
    const body = url.startsWith('/latest/') ? options.content().get(url.slice(8)) : undefined
    return body === undefined ? { status: 404, body: '' } : { status: 200, body }
  }

  return (request) => {
    if (!enabled()) return { status: 403, body: '' }
    if (request.method === 'PUT') return putToken(request)
    if (request.method === 'GET' || request.method === 'HEAD') return get(request)
    return { status: 405, body: '' }
  }
}

/** Writes an answer out; the body of a request is of no use here. */
export function send(
  response: ServerResponse,
  request: IncomingMessage,
  { status, body, headers }: MetadataAnswer,
): void {
  request.resume()
  response.writeHead(status, {
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
