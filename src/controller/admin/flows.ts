import type { Flow as WireFlow } from '../../rpc/generated/blazon/v1/Flow.ts'
import type { FollowFlowsRequest__Output } from '../../rpc/generated/blazon/v1/FollowFlowsRequest.ts'
import type { ListFlowsRequest__Output } from '../../rpc/generated/blazon/v1/ListFlowsRequest.ts'
import type { ListFlowsResponse } from '../../rpc/generated/blazon/v1/ListFlowsResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { hasVerdict, type Flow, type FlowEnd } from '../flows/flow.ts'
import type { AdminDeps } from './deps.ts'
import type { MessageSink } from './message-sink.ts'

const defaultLimit = 1_000
const mostFlows = 10_000
const defaultRangeMs = 3_600_000

/** Recorded flows, newest first. */
export async function listFlows(
  deps: AdminDeps,
  caller: Caller,
  request: ListFlowsRequest__Output,
): Promise<ListFlowsResponse> {
  needAdministrator(caller, 'viewer')
  const limit = request.limit === 0 ? defaultLimit : request.limit
  if (limit > mostFlows) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a limit of at most ${String(mostFlows)}, got ${String(limit)}`,
    )
  }
  const untilMs = request.untilMs === 0 ? deps.clock.now() + 60_000 : request.untilMs
  const sinceMs = request.sinceMs === 0 ? untilMs - defaultRangeMs : request.sinceMs
  if (sinceMs >= untilMs) {
    throw new ControllerError('ERR_ARGUMENT', 'expected since_ms before until_ms')
  }
  const workloadIds = idsOf(deps, request.workload)
  const verdict = verdictOf(request.verdict)
  const { flows, lost } = await deps.flows.list({ sinceMs, untilMs, workloadIds, verdict, limit })
  return { flows: flows.map(toWireFlow), lost }
}

/** Flows as they are reported, each as it stands by then, until the caller leaves. */
export function followFlows(
  deps: AdminDeps,
  caller: Caller,
  request: FollowFlowsRequest__Output,
  call: MessageSink<WireFlow>,
): () => void {
  needAdministrator(caller, 'viewer')
  const ids = idsOf(deps, request.workload)
  const verdict = verdictOf(request.verdict)
  let isBlocked = false
  return deps.flows.follow((flows) => {
    for (const flow of flows) {
      // Who reads too slowly misses some; ListFlows has them all.
      if (isBlocked || !hasVerdict(flow, verdict) || !concerns(flow, ids)) continue
      if (call.write(toWireFlow(flow))) continue
      isBlocked = true
      call.once('drain', () => {
        isBlocked = false
      })
    }
  })
}

/** Undefined for every workload. */
function idsOf({ registry }: AdminDeps, text: string): readonly string[] | undefined {
  if (text === '') return undefined
  const found = registry.find(text)
  if (found.length === 0) {
    throw new ControllerError('ERR_NOT_FOUND', `there is no workload ${JSON.stringify(text)}`)
  }
  return found.map(({ stored }) => stored.workloadId)
}

function concerns({ from, to }: Flow, ids: readonly string[] | undefined): boolean {
  return ids === undefined || ids.includes(from.workloadId) || ids.includes(to.workloadId)
}

/** Undefined for both. */
function verdictOf(verdict: string): 'allow' | 'deny' | undefined {
  switch (verdict) {
    case 'VERDICT_UNSPECIFIED':
      return undefined
    case 'ALLOW':
      return 'allow'
    case 'DENY':
      return 'deny'
    default:
      throw new ControllerError(
        'ERR_ARGUMENT',
        `expected a verdict, got ${JSON.stringify(verdict)}`,
      )
  }
}

const encryptionNames = {
  unknown: 'ENCRYPTION_UNSPECIFIED',
  required: 'REQUIRED',
  optional: 'OPTIONAL',
  none: 'NONE',
  relayed: 'RELAYED',
} as const

function toWireFlow(flow: Flow): WireFlow {
  return {
    bucketStartMs: flow.bucketStartMs,
    from: toWireEnd(flow.from),
    to: toWireEnd(flow.to),
    destinationAddress: flow.destinationAddress,
    destinationPort: flow.destinationPort,
    encryption: encryptionNames[flow.encryption],
    opened: flow.opened,
    closed: flow.closed,
    bytesSent: flow.bytesSent,
    bytesReceived: flow.bytesReceived,
    stitched: flow.stitched,
  }
}

const verdictNames = { allow: 'ALLOW', deny: 'DENY' } as const

function toWireEnd(end: FlowEnd): NonNullable<WireFlow['from']> {
  const { workloadId, spiffeId, reason, policy } = end
  const verdict = end.verdict === undefined ? 'VERDICT_UNSPECIFIED' : verdictNames[end.verdict]
  return { workloadId, spiffeId, verdict, reason, policy }
}
