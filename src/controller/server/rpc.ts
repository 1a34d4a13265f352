import {
  Server,
  status,
  type handleUnaryCall,
  type Metadata,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { checkStillGood, type Caller, type Trust } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { ControllerMetrics } from '../metrics.ts'
import type { Connection, Connections, EndingStream } from './connections.ts'
import { statusOf } from './status.ts'

/** A handler that gRPC knows nothing of: who asks, what is asked, and the answer. */
export type Handler<Request, Response> = (
  caller: Caller,
  request: Request,
  metadata: Metadata,
) => Response | Promise<Response>

/** Wraps handlers for grpc-js: finds and re-checks the caller, maps errors, logs and counts. */
export interface CallAdapter {
  unary<Request, Response>(
    method: string,
    handler: Handler<Request, Response>,
  ): handleUnaryCall<Request | MalformedRequest, Response>
  serverStream<Request, Response>(
    method: string,
    open: (caller: Caller, request: Request, call: ServerWritableStream<Request, Response>) => void,
  ): (call: ServerWritableStream<Request | MalformedRequest, Response>) => void
  duplex<Request, Response>(
    method: string,
    open: (caller: Caller, call: ServerDuplexStream<Request, Response>) => void,
  ): (call: ServerDuplexStream<Request, Response>) => void
  /** The status a call ends with for this error, logged and counted. */
  refuse(method: string, caller: Caller | undefined, thrown: unknown): ServerErrorResponse
}

export function createCallAdapter(deps: {
  readonly connections: Connections
  readonly trust: Trust
  readonly metrics: ControllerMetrics
  readonly log: Logger
}): CallAdapter {
  const { connections, trust, metrics, log } = deps

  const connectionOf = (peerName: string): Connection => {
    const connection = connections.of(peerName)
    if (connection === undefined) {
      throw new ControllerError('ERR_UNAVAILABLE', 'the connection of this call has closed')
    }
    return connection
  }

  const refuse = (
    method: string,
    caller: Caller | undefined,
    thrown: unknown,
  ): ServerErrorResponse => {
    const { code, details, isExpected } = statusOf(thrown)
    metrics.calls.inc({ method, status: status[code] })
    const detail = thrown instanceof ControllerError ? thrown.detail : undefined
    const fields = {
      method,
      status: status[code],
      source: caller?.source,
      caller: nameOf(caller),
      reason: detail ?? messageOf(thrown),
    }
    if (isExpected) log.info(fields, 'call refused')
    else log.error({ ...fields, error: thrown }, 'call failed')
    return { name: 'Error', message: details, code, details }
  }

  const answer = async <Request, Response>(
    method: string,
    handler: Handler<Request, Response>,
    call: {
      readonly request: Request | MalformedRequest
      readonly metadata: Metadata
      getPeer(): string
    },
    callback: (error: ServerErrorResponse | null, response?: Response) => void,
  ): Promise<void> => {
    const startedMs = performance.now()
    let connection: Connection | undefined
    try {
      connection = connectionOf(call.getPeer())
      connection.enter()
      const { caller } = connection
      checkStillGood(caller, trust)
      const response = await handler(caller, wellFormed(call.request), call.metadata)
      metrics.calls.inc({ method, status: 'OK' })
      callback(null, response)
    } catch (error: unknown) {
      callback(refuse(method, connection?.caller, error))
    } finally {
      connection?.leave()
      metrics.callSeconds.observe({ method }, (performance.now() - startedMs) / 1_000)
    }
  }

  const openStream = (
    method: string,
    call: EndingStream & {
      getPeer(): string
      emit(event: 'error', error: ServerErrorResponse): unknown
    },
    open: (caller: Caller) => void,
  ): void => {
    let caller: Caller | undefined
    try {
      const connection = connectionOf(call.getPeer())
      connection.hold(call)
      caller = connection.caller
      checkStillGood(caller, trust)
      open(caller)
    } catch (error: unknown) {
      call.emit('error', refuse(method, caller, error))
    }
  }

  return {
    unary: (method, handler) => (call, callback) => {
      void answer(method, handler, call, callback)
    },
    serverStream: (method, open) => (call) => {
      openStream(method, call, (caller) => {
        const request = wellFormed(call.request)
        type Opened = Parameters<typeof open>[2]
        open(caller, request, call as unknown as Opened)
      })
    },
    duplex: (method, open) => (call) => {
      openStream(method, call, (caller) => {
        open(caller, call)
      })
    },
    refuse,
  }
}

function nameOf(caller: Caller | undefined): string | undefined {
  switch (caller?.kind) {
    case 'workload':
      return caller.peer.spiffeId
    case 'administrator':
      return caller.name
    case 'anonymous':
    case 'refused':
    case undefined:
      return undefined
    default:
      return caller satisfies never
  }
}

/** Stands for a request that does not decode, so that our handler refuses it and not grpc-js. */
export class MalformedRequest {
  readonly cause: unknown
  constructor(cause: unknown) {
    this.cause = cause
  }
}

function wellFormed<Request>(request: Request | MalformedRequest): Request {
  if (!(request instanceof MalformedRequest)) return request
  throw new ControllerError('ERR_ARGUMENT', messageOf(request.cause), { cause: request.cause })
}

/** Throws for a message of a stream that does not decode. */
export function wellFormedMessage<Message>(message: Message): Message {
  return wellFormed<Message>(message)
}

/**
 * The same service, with requests that do not decode handed to the handlers as `MalformedRequest`
 * (grpc-js would answer INTERNAL), and with responses that may be bytes already, encoded once for many.
 */
export function forServer<Definition extends ServiceDefinition>(service: Definition): Definition {
  const methods = Object.entries(service).map(([name, method]) => [
    name,
    {
      ...method,
      requestDeserialize: (bytes: Buffer): unknown => {
        try {
          return method.requestDeserialize(bytes) as unknown
        } catch (error: unknown) {
          return new MalformedRequest(error)
        }
      },
      responseSerialize: (response: unknown): Buffer =>
        Buffer.isBuffer(response) ? response : method.responseSerialize(response),
    },
  ])
  return Object.fromEntries(methods) as Definition
}

/** A service and its handlers, ready to be added to a server. */
export interface ServedService {
  readonly definition: ServiceDefinition
  readonly handlers: Readonly<Record<string, UntypedHandleCall>>
}

/** A grpc-js server without a listener of its own. */
export function createGrpcServer(
  services: readonly ServedService[],
  limits: { readonly requestBytes: number; readonly streams: number; readonly idleMs?: number },
): Server {
  const server = new Server({
    'grpc.max_receive_message_length': limits.requestBytes,
    'grpc.max_concurrent_streams': limits.streams,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
    ...(limits.idleMs === undefined ? {} : { 'grpc.max_connection_idle_ms': limits.idleMs }),
  })
  for (const { definition, handlers } of services) {
    server.addService(forServer(definition), { ...handlers })
  }
  return server
}
