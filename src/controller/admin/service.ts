import { Metadata, type ServerWritableStream } from '@grpc/grpc-js'
import { adminService } from '../../rpc/index.ts'
import type { Flow } from '../../rpc/generated/blazon/v1/Flow.ts'
import type { FollowFlowsRequest__Output } from '../../rpc/generated/blazon/v1/FollowFlowsRequest.ts'
import { unauthenticated, whyNotGood, type Caller, type Trust } from '../caller.ts'
import type { CallAdapter, ServedService } from '../server/rpc.ts'
import { renewAdministrator } from './administrator.ts'
import type { AdminDeps } from './deps.ts'
import { apply, deleteDocument, listDocuments } from './documents.ts'
import { explainConnection } from './explain.ts'
import { followFlows, listFlows } from './flows.ts'
import { readStatus } from './status.ts'
import { createJoinToken } from './tokens.ts'
import { listWorkloads, revokeWorkload } from './workloads.ts'

/** How often the caller of a stream is looked at again. */
const recheckMs = 1_000

/** The Admin service over gRPC. The handlers themselves know no gRPC: other gateways can call them. */
export function createAdminService(
  deps: AdminDeps & { readonly adapter: CallAdapter; readonly trust: Trust },
): ServedService {
  const { adapter } = deps
  const unary = <Request, Response>(
    method: string,
    handler: (deps: AdminDeps, caller: Caller, request: Request) => Response | Promise<Response>,
  ): ReturnType<typeof adapter.unary<Request, Response>> =>
    adapter.unary<Request, Response>(`Admin.${method}`, (caller, request) =>
      handler(deps, caller, request),
    )

  return {
    definition: adminService,
    handlers: {
      Status: unary('Status', readStatus),
      Apply: unary('Apply', apply),
      ListDocuments: unary('ListDocuments', listDocuments),
      DeleteDocument: unary('DeleteDocument', deleteDocument),
      Explain: unary('Explain', explainConnection),
      ListWorkloads: unary('ListWorkloads', listWorkloads),
      RevokeWorkload: unary('RevokeWorkload', revokeWorkload),
      CreateJoinToken: unary('CreateJoinToken', createJoinToken),
      ListFlows: unary('ListFlows', listFlows),
      FollowFlows: adapter.serverStream<FollowFlowsRequest__Output, Flow>(
        followMethod,
        (caller, request, call) => {
          follow(deps, caller, request, call)
        },
      ),
      RenewAdministrator: unary('RenewAdministrator', renewAdministrator),
    },
  }
}

const followMethod = 'Admin.FollowFlows'

/** A stream outlives neither its caller's certificate nor its caller's patience. */
function follow(
  deps: AdminDeps & { readonly adapter: CallAdapter; readonly trust: Trust },
  caller: Caller,
  request: FollowFlowsRequest__Output,
  call: ServerWritableStream<FollowFlowsRequest__Output, Flow>,
): void {
  const stop = followFlows(deps, caller, request, call)
  // The caller learns that the stream stands, which may be long before there is a flow.
  call.sendMetadata(new Metadata())
  const recheck = setInterval(() => {
    const reason = whyNotGood(caller, deps.trust)
    if (reason === undefined) return
    end()
    call.emit('error', deps.adapter.refuse(followMethod, caller, unauthenticated(reason)))
  }, recheckMs)
  const end = (): void => {
    clearInterval(recheck)
    stop()
  }
  call.on('cancelled', end)
  call.on('close', end)
}
