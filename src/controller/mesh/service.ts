import type { Authority } from '../../ca/authority.ts'
import { toWireBundle, toWireFloors, toWireSvid } from '../../identity/index.ts'
import { meshService } from '../../rpc/index.ts'
import type { FlowReport__Output } from '../../rpc/generated/blazon/v1/FlowReport.ts'
import type { FlowReportAck } from '../../rpc/generated/blazon/v1/FlowReportAck.ts'
import type { RenewRequest__Output } from '../../rpc/generated/blazon/v1/RenewRequest.ts'
import type { WatchRequest__Output } from '../../rpc/generated/blazon/v1/WatchRequest.ts'
import type { WatchUpdate } from '../../rpc/generated/blazon/v1/WatchUpdate.ts'
import { needWorkload, type Caller } from '../caller.ts'
import type { FlowRecorder } from '../flows/recorder.ts'
import { checkReport } from '../flows/report.ts'
import type { ServedService } from '../server/rpc.ts'
import type { Registry } from '../workloads/registry.ts'
import { createIssueJwt } from './issue-jwt.ts'
import { createIssueWorkloadToken } from './issue-workload-token.ts'
import type { Renewed } from './renew.ts'
import { createWatch, watchMethod, type WatchDeps } from './watch.ts'

/** The Mesh service: workloads, with their own SVIDs. */
export function createMeshService(
  deps: WatchDeps & {
    readonly renew: (caller: Caller, request: RenewRequest__Output) => Promise<Renewed>
    readonly flows: FlowRecorder
    readonly authority: Authority
    readonly registry: Registry
  },
): ServedService {
  const { adapter, trust, clock } = deps

  const reportFlows = async (
    anyCaller: Caller,
    request: FlowReport__Output,
  ): Promise<FlowReportAck> => {
    const { facts, peer } = needWorkload(anyCaller)
    const reporter = { workloadId: facts.workloadId, spiffeId: peer.spiffeId }
    await deps.flows.report(facts.workloadId, checkReport(request, reporter, clock.now()))
    return { sequence: request.sequence }
  }

  return {
    definition: meshService,
    handlers: {
      Watch: adapter.duplex<WatchRequest__Output, WatchUpdate>(watchMethod, createWatch(deps)),
      Renew: adapter.unary('Mesh.Renew', async (caller: Caller, request: RenewRequest__Output) => {
        const { certificate, profile, dropped } = await deps.renew(caller, request)
        return {
          svid: toWireSvid({ chain: certificate.chain, profile }),
          bundle: toWireBundle(trust.bundle()),
          floors: toWireFloors(trust.floors()),
          dropped: [...dropped],
          controllerTimeMs: clock.now(),
        }
      }),
      IssueJwt: adapter.unary('Mesh.IssueJwt', createIssueJwt(deps)),
      IssueWorkloadToken: adapter.unary('Mesh.IssueWorkloadToken', createIssueWorkloadToken(deps)),
      ReportFlows: adapter.unary('Mesh.ReportFlows', reportFlows),
    },
  }
}
