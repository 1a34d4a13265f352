import type { StatusResponse } from '../../rpc/generated/blazon/v1/StatusResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import type { AdminDeps } from './deps.ts'
import { issuerStatuses } from './issuers.ts'

/** What this controller is and holds. */
export function readStatus(deps: AdminDeps, caller: Caller): StatusResponse {
  needAdministrator(caller, 'viewer')
  return {
    version: deps.version,
    trustDomain: deps.authority.trustDomain,
    startedAtMs: deps.startedAtMs,
    controllerTimeMs: deps.clock.now(),
    policyVersion: deps.book.version,
    documents: [...deps.book.all()].length,
    workloads: deps.registry.workloadCount,
    watching: deps.distributor.watching,
    issuers: issuerStatuses(deps.authority),
  }
}
