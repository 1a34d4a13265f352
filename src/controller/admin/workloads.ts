import { quote } from '../../base/errors.ts'
import { attributesOf, toWireAttributes } from '../../identity/index.ts'
import type { ListWorkloadsRequest__Output } from '../../rpc/generated/blazon/v1/ListWorkloadsRequest.ts'
import type { ListWorkloadsResponse } from '../../rpc/generated/blazon/v1/ListWorkloadsResponse.ts'
import type { RevokeWorkloadRequest__Output } from '../../rpc/generated/blazon/v1/RevokeWorkloadRequest.ts'
import type { RevokeWorkloadResponse } from '../../rpc/generated/blazon/v1/RevokeWorkloadResponse.ts'
import type { Workload } from '../../rpc/generated/blazon/v1/Workload.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import {
  activeCertificate,
  newestCertificate,
  type RegisteredWorkload,
  type Registry,
} from '../workloads/registry.ts'
import type { AdminDeps } from './deps.ts'

/** Workloads that have ever enrolled, by name. */
export function listWorkloads(
  deps: AdminDeps,
  caller: Caller,
  request: ListWorkloadsRequest__Output,
): ListWorkloadsResponse {
  needAdministrator(caller, 'viewer')
  const { registry } = deps
  const found = request.match === '' ? [...registry.workloads()] : registry.find(request.match)
  const workloads = found.map((entry) => describe(deps, entry))
  return { workloads: workloads.sort(byName) }
}

function byName(a: Workload, b: Workload): number {
  const [left, right] = [a, b].map(({ name, workloadId }) => `${name ?? ''} ${workloadId ?? ''}`)
  return (left ?? '') < (right ?? '') ? -1 : 1
}

function describe({ distributor, floors }: AdminDeps, entry: RegisteredWorkload): Workload {
  const { stored, profile } = entry
  const certificate = activeCertificate(entry) ?? newestCertificate(entry)
  const watcher = distributor.watcher(stored.workloadId)
  const isBelowFloor = stored.generation < floors.floors().lowestGood(stored.workloadId)
  return {
    workloadId: stored.workloadId,
    name: stored.name,
    spiffeId: stored.spiffeId,
    generation: stored.generation,
    serial: certificate?.serial ?? '',
    notAfterMs: certificate?.notAfterMs ?? stored.lastNotAfterMs,
    revoked: stored.standing !== 'good' || isBelowFloor,
    watching: watcher !== undefined,
    policyVersion: watcher?.status.acknowledgedVersion ?? 0,
    rejected: watcher?.status.rejected ?? '',
    nodeKeySha256: stored.nodeKeySha256,
    attributes: toWireAttributes(attributesOf(profile)),
    listeners: watcher?.open.listeners ?? [],
    sidecarVersion: watcher?.open.sidecarVersion ?? '',
  }
}

/** Revokes a workload at once, or takes back that it may not renew. */
export async function revokeWorkload(
  deps: AdminDeps,
  caller: Caller,
  request: RevokeWorkloadRequest__Output,
): Promise<RevokeWorkloadResponse> {
  const { name: author } = needAdministrator(caller, 'admin')
  if (request.reinstate && request.refuseRenewal) {
    throw new ControllerError('ERR_ARGUMENT', 'expected refuse_renewal or reinstate, got both')
  }
  const reason = `${request.reason === '' ? 'no reason given' : request.reason} (${author})`
  const { entry, notified } = await deps.changes.run(async () => {
    const found = oneWorkload(deps.registry, request.workload)
    if (request.reinstate) {
      await deps.standing.reinstate(found)
      return { entry: found, notified: 0 }
    }
    // Everybody who watches is told, its own sidecar by the end of its stream.
    const told = deps.distributor.watching
    await deps.standing.revoke(found, reason, request.refuseRenewal)
    return { entry: found, notified: told }
  })
  const { workloadId } = entry.stored
  return {
    workloadId,
    lowestGoodGeneration: deps.floors.floors().lowestGood(workloadId),
    notified,
  }
}

/** The one workload that is meant by an id, a SPIFFE ID or a name. */
export function oneWorkload(registry: Registry, text: string): RegisteredWorkload {
  const [first, ...others] = registry.find(text)
  if (first === undefined) {
    throw new ControllerError('ERR_NOT_FOUND', `there is no workload ${quote(text)}`)
  }
  if (others.length > 0) {
    const ids = [first, ...others].map(({ stored }) => stored.workloadId)
    throw new ControllerError(
      'ERR_PRECONDITION',
      `${quote(text)} are ${String(ids.length)} workloads; name one by its id: ${ids.slice(0, 10).join(', ')}`,
    )
  }
  return first
}
