import {
  Metadata,
  type handleServerStreamingCall,
  type ServerWritableStream,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import { messageOf } from '../../base/errors.ts'
import { adminService } from '../../rpc/index.ts'
import type { Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { Authenticate } from '../oidc/bearer.ts'
import type { CallAdapter, ServedService } from '../server/rpc.ts'
import type { AdminCalls } from './calls.ts'
import { adminMethods } from './methods.ts'

/** The Admin service over gRPC. The handlers themselves know no gRPC: the HTTP gateway calls them as well. */
export function createAdminService(deps: {
  readonly adapter: CallAdapter
  readonly authenticate: Authenticate
  readonly calls: AdminCalls
}): ServedService {
  const handlers = Object.entries(adminMethods).map(([name, method]) => [
    name,
    method.kind === 'unary' ? unary(deps, name) : stream(deps, name),
  ])
  return {
    definition: adminService,
    handlers: Object.fromEntries(handlers) as Record<string, UntypedHandleCall>,
  }
}

type Deps = Parameters<typeof createAdminService>[0]

function unary({ adapter, authenticate, calls }: Deps, name: string): UntypedHandleCall {
  return adapter.unary<object, unknown>(`Admin.${name}`, async (connected, request, metadata) =>
    calls.unary(name, await authenticate(connected, authorizationOf(metadata)), request),
  ) as UntypedHandleCall
}

function stream(deps: Deps, name: string): UntypedHandleCall {
  const { adapter } = deps
  const handle: handleServerStreamingCall<object, object> = adapter.serverStream<object, object>(
    `Admin.${name}`,
    (connected, request, call) => {
      follow(deps, name, connected, request, call).catch((error: unknown) => {
        call.emit('error', adapter.refuse(`Admin.${name}`, connected, error))
      })
    },
  )
  return handle as UntypedHandleCall
}

/** A stream outlives neither its caller's credential nor its caller's patience. */
async function follow(
  { adapter, authenticate, calls }: Deps,
  name: string,
  connected: Caller,
  request: object,
  call: ServerWritableStream<object, object>,
): Promise<void> {
  const caller = await authenticate(connected, authorizationOf(call.metadata))
  const stop = await calls.stream(name, caller, request, call, (error) => {
    if (error === undefined) call.end()
    else call.emit('error', adapter.refuse(`Admin.${name}`, caller, error))
  })
  call.on('cancelled', stop)
  call.on('close', stop)
  if (call.cancelled) stop()
  // The caller learns that the stream stands, which may be long before there is a message.
  else call.sendMetadata(new Metadata())
}

function authorizationOf(metadata: Metadata): string[] {
  try {
    return metadata.get('authorization').map(String)
  } catch (cause: unknown) {
    throw new ControllerError('ERR_ARGUMENT', messageOf(cause), { cause })
  }
}
