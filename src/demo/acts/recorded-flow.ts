import type { Flow__Output } from '../../rpc/generated/blazon/v1/Flow.ts'
import type { Reason } from '../../policy/reason.ts'
import type { ClientName, ServerName } from '../cast.ts'
import { spiffeIdOf } from '../trust-domain.ts'
import { until } from '../waiting.ts'
import type { World } from '../world.ts'

/**
 * Waits for a flow between two workloads of which one end, or with `both` each end, gives this reason;
 * with `stitched` for one that both ends have reported.
 */
export async function recordedFlow(
  { backstage, admin }: World,
  client: ClientName,
  server: ServerName,
  expected: { readonly reason: Reason; readonly both?: boolean; readonly stitched?: boolean },
): Promise<Flow__Output> {
  const { signal } = backstage
  const what = `a record of ${client} to ${server} that says ${expected.reason}`
  return until(what, { signal, withinMs: 20_000, everyMs: 100 }, async () => {
    const { flows } = await admin.listFlows({ workload: client })
    return flows.find(({ from, to, stitched }) => {
      if (expected.stitched === true && !stitched) return false
      if (from?.spiffeId !== spiffeIdOf(client) || to?.spiffeId !== spiffeIdOf(server)) return false
      const said = [from, to].map(({ reason }) => reason === expected.reason)
      return expected.both === true ? said.every(Boolean) : said.some(Boolean)
    })
  })
}
