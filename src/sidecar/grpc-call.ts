import type {
  CallOptions,
  Client,
  ClientDuplexStream,
  ClientUnaryCall,
  ServiceError,
} from '@grpc/grpc-js'
import { Metadata, status } from '@grpc/grpc-js'

/** What of a generated method definition a call needs. */
export interface CallableMethod<In, Out> {
  readonly path: string
  readonly requestSerialize: (request: In) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Out
}

/** Calls one unary method; rejects with grpc-js's `ServiceError`, or with the reason of `signal`. */
export async function callUnary<In, Out>(
  client: Client,
  method: CallableMethod<In, Out>,
  request: In,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Out> {
  options.signal.throwIfAborted()
  return await new Promise<Out>((resolve, reject) => {
    const cancel = (): void => {
      call.cancel()
    }
    const call: ClientUnaryCall = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: Date.now() + options.timeoutMs } satisfies CallOptions,
      (error, response) => {
        options.signal.removeEventListener('abort', cancel)
        if (response !== undefined && error === null) resolve(response)
        else reject(error ?? new Error(`BUG: neither error nor answer from ${method.path}`))
      },
    )
    options.signal.addEventListener('abort', cancel, { once: true })
  })
}

/** Opens one bidirectional stream. */
export function callDuplex<In, Out>(
  client: Client,
  method: CallableMethod<In, Out>,
): ClientDuplexStream<In, Out> {
  return client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
  )
}

/** The gRPC status of a failed call, or `undefined` for any other error. */
export function statusOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || !('details' in thrown)) return undefined
  const { code } = thrown as ServiceError
  return typeof code === 'number' ? code : undefined
}

/**
 * Whether the controller has understood the request and refused it: trying the same again, at this
 * or another controller, will not help.
 */
export function isRefusal(thrown: unknown): boolean {
  return refusals.has(statusOf(thrown))
}

const refusals: ReadonlySet<number | undefined> = new Set([
  status.INVALID_ARGUMENT,
  status.FAILED_PRECONDITION,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.ALREADY_EXISTS,
  status.NOT_FOUND,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
])
