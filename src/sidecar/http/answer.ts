import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Reason } from '../../policy/index.ts'

const words = {
  403: 'denied by policy',
  502: 'the application did not answer',
  503: 'not now',
} as const
type Status = keyof typeof words

/** With what a request is answered that is denied: a few of the reasons pass by themselves. */
export function statusOf(reason: Reason): 403 | 503 {
  return reason === 'token-unavailable' || reason === 'limit-reached' ? 503 : 403
}

/** An answer of the sidecar's own, which says why in a header and in words, and nothing of the policy. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: Status,
  reason: Reason,
): void {
  if (response.headersSent) {
    // Half an answer has gone out: only a broken connection says that it is not whole.
    request.socket.destroy()
    return
  }
  const body = bodyOf(status, reason)
  // In words too: an answer that could not be passed on may have left its own.
  response.writeHead(status, STATUS_CODES[status], {
    ...headersOf(body, reason),
    // Nobody reads a body that was not wanted.
    ...(hasBody(request) ? { Connection: 'close' } : {}),
  })
  response.end(body)
}

/** Whether a request has more to it than its head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
}

/** The same for a connection that has left Node's hands; it ends with it. */
export function rawAnswer(status: Status, reason: Reason): string {
  const body = bodyOf(status, reason)
  const headers = { ...headersOf(body, reason), Connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const first = `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`
  return [first, ...lines, '', body].join('\r\n')
}

function bodyOf(status: Status, reason: Reason): string {
  return `blazon: ${words[status]} (${reason})\n`
}

function headersOf(body: string, reason: Reason): Record<string, string> {
  return {
    'Blazon-Reason': reason,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
  }
}
