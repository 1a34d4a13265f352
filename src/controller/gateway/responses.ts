import { status } from '@grpc/grpc-js'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../caller.ts'
import type { CallAdapter } from '../server/rpc.ts'
import { jsonFromMessage } from '../../rpc/index.ts'
import { RequestRefusal } from './request-guard.ts'

/** On every answer: nothing is cached, framed, sniffed or loaded from elsewhere. */
export const commonHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function answerJson(response: ServerResponse, message: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(jsonFromMessage(message))
}

/** HTTP statuses as the gRPC statuses map to them (google.rpc.Code). */
const httpStatuses: Readonly<Partial<Record<status, number>>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.FAILED_PRECONDITION]: 400,
  [status.UNAUTHENTICATED]: 401,
  [status.PERMISSION_DENIED]: 403,
  [status.NOT_FOUND]: 404,
  [status.ALREADY_EXISTS]: 409,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.UNAVAILABLE]: 503,
}

/** What a failed call is answered with: the status of gRPC by name, and a sentence. */
export function answerError(
  adapter: CallAdapter,
  request: IncomingMessage,
  response: ServerResponse,
  name: string | undefined,
  error: unknown,
): void {
  const source = request.socket.remoteAddress ?? 'unknown'
  const stranger: Caller = { kind: 'anonymous', source, controllerKeySha256: '' }
  // Counted by the names of our own methods alone: an address could be anything.
  const refusal = adapter.refuse(`Gateway.${name ?? 'other'}`, stranger, error)
  const code = refusal.code ?? status.UNKNOWN
  const httpStatus =
    error instanceof RequestRefusal ? error.httpStatus : (httpStatuses[code] ?? 500)
  if (response.headersSent) {
    response.destroy()
    return
  }
  // What is left of a body that was refused is not read: the connection cannot be used again.
  if (!request.complete) response.setHeader('connection', 'close')
  response
    .writeHead(httpStatus, { 'content-type': 'application/json' })
    .end(JSON.stringify({ status: status[code], message: refusal.details ?? '' }))
}
