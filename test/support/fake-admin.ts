import {
  Server,
  ServerCredentials,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServiceDefinition,
  type StatusObject,
} from '@grpc/grpc-js'
import type { HostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'
import { adminService, enrolmentService } from '../../src/rpc/index.ts'
import type { TestCa, TestLeaf } from './test-ca.ts'

/** What a fake controller answers: a value, or an error with a gRPC status. */
export type Answer = object | Partial<StatusObject>

export interface FakeAdmin extends AsyncDisposable {
  readonly address: HostPort
  /** Every call, in the order of arrival. */
  readonly calls: readonly { readonly method: string; readonly request: unknown }[]
}

export function refuse(code: status, details: string): Partial<StatusObject> {
  return { code, details }
}

/**
 * A real gRPC server over real TLS with answers from a table, by method name. A stream's answer is a
 * list: it sends each, then waits for the client to go unless `endStreams` is set.
 */
export async function createFakeAdmin(options: {
  readonly ca: TestCa
  readonly answers: Readonly<Record<string, Answer | ((request: unknown) => Answer)>>
  /** The certificate of the server; the controller's by default. */
  readonly identity?: TestLeaf
  readonly requireCertificate?: boolean
  readonly endStreams?: boolean
}): Promise<FakeAdmin> {
  const calls: { method: string; request: unknown }[] = []
  const answerTo = (method: string, request: unknown): Answer => {
    calls.push({ method, request })
    const answer = options.answers[method]
    if (answer === undefined) return refuse(status.UNIMPLEMENTED, `no answer to ${method}`)
    return typeof answer === 'function' ? (answer as (request: unknown) => Answer)(request) : answer
  }
  const server = new Server()
  addHandlers(server, adminService, (method) => handlerOf(method, answerTo, options.endStreams))
  addHandlers(server, enrolmentService, (method) => handlerOf(method, answerTo, options.endStreams))
  const port = await bind(server, serverCredentials(options))
  return {
    address: { host: '127.0.0.1', port },
    calls,
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown()
      await Promise.resolve()
    },
  }
}

type Handler = handleUnaryCall<object, object> | handleServerStreamingCall<object, object>

function addHandlers(server: Server, service: object, handler: (method: string) => Handler): void {
  const names = Object.keys(service)
  const handlers = Object.fromEntries(names.map((name) => [name, handler(name)]))
  server.addService(service as ServiceDefinition, handlers)
}

function handlerOf(
  method: string,
  answerTo: (method: string, request: unknown) => Answer,
  endStreams: boolean | undefined,
): Handler {
  if (method === 'FollowFlows') {
    const follow: handleServerStreamingCall<object, object> = (call) => {
      const answer = answerTo(method, call.request)
      if (isRefusal(answer)) {
        call.emit('error', answer)
        return
      }
      for (const message of answer as readonly object[]) call.write(message)
      if (endStreams === true) call.end()
    }
    return follow
  }
  const unary: handleUnaryCall<object, object> = (call, callback) => {
    const answer = answerTo(method, call.request)
    if (isRefusal(answer)) callback(answer)
    else callback(null, answer)
  }
  return unary
}

function isRefusal(answer: Answer): answer is StatusObject {
  return 'code' in answer && 'details' in answer
}

function serverCredentials(options: {
  readonly ca: TestCa
  readonly identity?: TestLeaf
  readonly requireCertificate?: boolean
}): ServerCredentials {
  const { ca } = options
  const identity = options.identity ?? ca.controller()
  const chain = [...identity.chain, ca.root.certificate].map(toPem).join('')
  const key = identity.privateKey.export({ type: 'pkcs8', format: 'pem' })
  return ServerCredentials.createSsl(
    Buffer.from(toPem(ca.root.certificate)),
    [{ cert_chain: Buffer.from(chain), private_key: Buffer.from(key) }],
    options.requireCertificate ?? true,
  )
}

async function bind(server: Server, credentials: ServerCredentials): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
    if (error === null) resolve(port)
    else reject(error)
  })
  return promise
}
