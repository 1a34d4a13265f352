import type { Flow__Output } from '../../rpc/generated/blazon/v1/Flow.ts'
import { clients, type ClientName, type ServerName } from '../cast.ts'
import { until } from '../waiting.ts'
import { spiffeIdOf } from '../trust-domain.ts'
import type { Act, World } from '../world.ts'

/** Every connection that was let through is on record from both ends, which agree that it is one. */
export const flows: Act = async (world, report) => {
  report.heading('Flows: both ends report, the controller puts them together')
  for (const { name: client, reaches } of clients) {
    // What these two do is for other acts to show.
    if (client === 'compromised' || client === 'reports') continue
    for (const server of reaches) {
      await report.check(`${client} to ${server} is allowed by both ends and stitched`, () =>
        stitched(world, client, server),
      )
    }
  }
}

async function stitched(world: World, client: ClientName, server: ServerName): Promise<string> {
  const { signal } = world.backstage
  const what = `both reports of ${client} to ${server}`
  const flow = await until(what, { signal, withinMs: 20_000, everyMs: 100 }, async () => {
    const { flows: found } = await world.admin.listFlows({ workload: client, verdict: 'ALLOW' })
    return found.find((one) => isStitched(one, client, server))
  })
  const { opened, bytesSent, bytesReceived, from, to } = flow
  const bytes = `${String(bytesSent)} bytes there, ${String(bytesReceived)} back`
  return `${String(opened)} opened, ${bytes}, ${String(from?.policy)} / ${String(to?.policy)}`
}

function isStitched(flow: Flow__Output, client: ClientName, server: ServerName): boolean {
  const { from, to } = flow
  return (
    flow.stitched &&
    from?.spiffeId === spiffeIdOf(client) &&
    to?.spiffeId === spiffeIdOf(server) &&
    [from, to].every((end) => end.verdict === 'ALLOW' && end.reason === 'allowed-by-policy')
  )
}
