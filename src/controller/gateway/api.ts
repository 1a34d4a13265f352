import { status } from '@grpc/grpc-js'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { adminRequestFromJson } from '../../rpc/index.ts'
import { adminMethods } from '../admin/methods.ts'
import { type AdministratorCaller, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { sourceKey } from '../server/call-limits.ts'
import type { CallAdapter } from '../server/rpc.ts'
import { readJsonBody } from './body.ts'
import { createEventStream } from './event-stream.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { cookieName, guardCall, RequestRefusal, type GuardedRequest } from './request-guard.ts'
import { answerJson } from './responses.ts'
import type { OpenedSession } from './sign-in.ts'

/**
 * What can be called over HTTP. Not here: what needs a certificate (RenewAdministrator), what would
 * let a session outlive itself (CreateSignInLink), and every other service.
 */
export const servedMethods = [
  'Status',
  'Apply',
  'ListDocuments',
  'DeleteDocument',
  'Explain',
  'ListHistory',
  'ListWorkloads',
  'RevokeWorkload',
  'SetLabels',
  'CreateJoinToken',
  'ListFlows',
  'FollowFlows',
  'ListNodes',
  'GrantEnrolment',
  'ListAccounts',
  'PutAccount',
  'DeleteAccount',
  'ListIncidents',
  'ResolveIncident',
  'RotateIssuer',
  'TaintIssuer',
  'ReadAudit',
  'AuditHead',
] as const
type ServedMethod = (typeof servedMethods)[number]

const largestBody = 5 * 1024 * 1024
const largestSmallBody = 4 * 1024

/** Answers everything that is not a page. Throws what `answerError` words. */
export async function answerApi(
  deps: GatewayDeps,
  origins: readonly string[],
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = methodOf(path)
  if (method === undefined && !sessionPaths.has(path)) {
    throw new RequestRefusal(404, 'there is nothing here')
  }
  const guarded = guardCall(request, origins)
  const source = request.socket.remoteAddress ?? 'unknown'
  if (path === '/api/v1/sign-in') {
    await signIn(deps, guarded, source, request, response)
    return
  }
  // Who calls is settled before a body is taken in.
  const caller = await callerOf(deps, guarded, source)
  if (method !== undefined) await call(deps, method, caller, request, response)
  else if (path === '/api/v1/sign-out') signOut(deps, guarded, response)
  else answerJson(response, describe(caller))
}

const sessionPaths = new Set(['/api/v1/sign-in', '/api/v1/sign-out', '/api/v1/session'])

/** The method that an address calls, if it is one of those that are served. */
export function methodOf(path: string): ServedMethod | undefined {
  const name = /^\/api\/v1\/Admin\/(\w+)$/.exec(path)?.[1]
  return servedMethods.find((served) => served === name)
}

async function callerOf(
  { authenticate, signIn: sessions }: GatewayDeps,
  { cookie, authorization }: GuardedRequest,
  source: string,
): Promise<AdministratorCaller> {
  if (cookie !== undefined) return sessions.find(cookie, source)
  const stranger: Caller = { kind: 'anonymous', source, controllerKeySha256: '' }
  const caller = await authenticate(stranger, authorization === undefined ? [] : [authorization])
  if (caller.kind === 'administrator') return caller
  throw new ControllerError('ERR_UNAUTHENTICATED', 'you are not signed in')
}

async function call(
  { calls, adapter }: GatewayDeps,
  name: ServedMethod,
  caller: AdministratorCaller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const message = adminRequestFromJson(name, await readJsonBody(request, largestBody))
  const method = Object.hasOwn(adminMethods, name) ? adminMethods[name] : undefined
  if (method === undefined) throw new RequestRefusal(404, 'there is nothing here')
  if (method.kind === 'unary') {
    answerJson(response, await calls.unary(name, caller, message))
    return
  }
  await stream({ calls, adapter }, name, caller, message, response)
}

async function stream(
  { calls, adapter }: Pick<GatewayDeps, 'calls' | 'adapter'>,
  name: ServedMethod,
  caller: AdministratorCaller,
  message: object,
  response: ServerResponse,
): Promise<void> {
  const events = createEventStream(response)
  const stop = await calls.stream(name, caller, message, events, (error) => {
    events.end(error === undefined ? undefined : failureOf(adapter, name, caller, error))
  })
  response.once('close', stop)
  if (response.destroyed) stop()
  else events.open()
}

function failureOf(
  adapter: CallAdapter,
  name: string,
  caller: Caller,
  error: unknown,
): { readonly status: string; readonly message: string } {
  const { code = status.UNKNOWN, details = '' } = adapter.refuse(`Admin.${name}`, caller, error)
  return { status: status[code], message: details }
}

/** With the secret of a link, or with a bearer token: a session for the browser that sent it. */
async function signIn(
  deps: GatewayDeps,
  guarded: GuardedRequest,
  source: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!guarded.isFromOwnPage) throw new RequestRefusal(403, 'expected an Origin')
  if (!deps.mayTry(sourceKey(source))) {
    throw new ControllerError('ERR_LIMIT', 'too many attempts to sign in; wait a little')
  }
  const secret = secretOf(await readJsonBody(request, largestSmallBody))
  let opened: OpenedSession
  if (guarded.authorization !== undefined) {
    if (secret !== undefined)
      throw new RequestRefusal(400, 'expected a secret or a token, got both')
    opened = deps.signIn.open(await callerOf(deps, { ...guarded, cookie: undefined }, source))
  } else {
    if (secret === undefined) throw new RequestRefusal(400, 'secret: expected text')
    opened = deps.signIn.redeem(secret, source)
  }
  // A session that the browser had before is over: two people at one screen are not mixed up.
  if (guarded.cookie !== undefined) deps.signIn.end(guarded.cookie)
  deps.log.info({ source, administrator: opened.caller.name }, 'signed in to the gateway')
  response.setHeader('set-cookie', cookieOf(opened.cookie))
  answerJson(response, describe(opened.caller))
}

function secretOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RequestRefusal(400, 'expected an object')
  }
  const { secret, ...others } = body as Readonly<Record<string, unknown>>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new RequestRefusal(400, `${unknown}: unknown field`)
  if (secret === undefined) return undefined
  if (typeof secret === 'string') return secret
  throw new RequestRefusal(400, 'secret: expected text')
}

function signOut(
  { signIn: sessions, log }: GatewayDeps,
  { cookie }: GuardedRequest,
  response: ServerResponse,
): void {
  if (cookie !== undefined) sessions.end(cookie)
  log.info({}, 'signed out of the gateway')
  response.setHeader('set-cookie', `${cookieOf('')}; Max-Age=0`)
  answerJson(response, {})
}

function cookieOf(value: string): string {
  return `${cookieName}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict`
}

function describe({ name, role, credential }: AdministratorCaller): object {
  const expiresAtMs = credential.kind === 'session' ? credential.notAfter : undefined
  return { name, role, expiresAtMs }
}
