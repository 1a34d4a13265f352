import type { IncomingMessage } from 'node:http'
import { ControllerError } from '../controller-error.ts'

/** What a request that may go on has shown. */
export interface GuardedRequest {
  /** Whether it came from a page of ours, as far as its Origin says. */
  readonly isFromOwnPage: boolean
  readonly cookie: string | undefined
  /** The `authorization` header, where there is one. */
  readonly authorization: string | undefined
}

/** A refusal with the HTTP status it is answered with. */
export class RequestRefusal extends ControllerError {
  readonly httpStatus: number
  constructor(httpStatus: number, message: string) {
    super('ERR_ARGUMENT', message)
    this.httpStatus = httpStatus
  }
}

/** `__Host-`: only over HTTPS, for this host alone, and not to be set by a neighbour. */
export const cookieName = '__Host-blazon-session'

/**
 * Refuses whatever a page of somebody else could have its reader's browser send: another Host
 * (DNS rebinding), another Origin, a form. Throws `RequestRefusal`.
 */
export function checkHost(request: IncomingMessage, origins: readonly string[]): void {
  const host = only(request, 'host')
  const isOwn = origins.some((origin) => new URL(origin).host === host)
  if (!isOwn) throw new RequestRefusal(421, 'this is not the name of this controller')
}

/** The checks of a call, beyond its Host. Throws `RequestRefusal`. */
export function guardCall(request: IncomingMessage, origins: readonly string[]): GuardedRequest {
  if (request.method !== 'POST') throw new RequestRefusal(405, 'expected POST')
  const type = only(request, 'content-type')?.toLowerCase().replaceAll(' ', '')
  if (type !== 'application/json' && type !== 'application/json;charset=utf-8') {
    throw new RequestRefusal(415, 'expected content-type application/json')
  }
  if (only(request, 'content-encoding') !== undefined) {
    throw new RequestRefusal(415, 'expected a body without content-encoding')
  }
  const origin = only(request, 'origin')
  if (origin !== undefined && !origins.includes(origin)) {
    throw new RequestRefusal(403, 'this call comes from another site')
  }
  const site = only(request, 'sec-fetch-site')
  if (site !== undefined && site !== 'same-origin') {
    throw new RequestRefusal(403, 'this call comes from another site')
  }
  const cookie = sessionCookie(request)
  const authorization = only(request, 'authorization')
  if (cookie !== undefined && authorization !== undefined) {
    throw new RequestRefusal(400, 'expected a session or a token, got both')
  }
  if (cookie !== undefined && origin === undefined) {
    throw new RequestRefusal(403, 'expected an Origin with the session cookie')
  }
  return { isFromOwnPage: origin !== undefined, cookie, authorization }
}

/** A header that may come once; two of them could be read one way here and another way elsewhere. */
function only(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name] ?? []
  if (values.length > 1) throw new RequestRefusal(400, `expected one ${name} header`)
  return values[0]
}

function sessionCookie(request: IncomingMessage): string | undefined {
  const header = only(request, 'cookie')
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${cookieName}=`))
    .map((pair) => pair.slice(cookieName.length + 1))
  if (values.length > 1) throw new RequestRefusal(400, 'expected one session cookie')
  const [value] = values
  return value === '' ? undefined : value
}
