import type { Reason } from '../../policy/reason.ts'
import { servers, type ServerName } from '../cast.ts'
import { until } from '../waiting.ts'
import { demand } from '../report.ts'
import { spiffeIdOf } from '../trust-domain.ts'
import { tapOf, type Act, type World } from '../world.ts'
import { complaint, visit } from './visit.ts'

/** Why each server is out of reach for `compromised`, by the sample policies. */
const expected: Readonly<Record<ServerName, Reason>> = {
  'orders-db': 'no-policy-matched',
  cache: 'no-policy-matched',
  web: 'denied-by-policy',
  bastion: 'no-policy-matched',
}

/** A workload with a good certificate tries everything, and nothing of it reaches any program. */
export const denied: Act = async (world, report) => {
  report.heading('Denied: compromised has a certificate, and no policy in its favour')
  for (const { name, program } of servers) {
    await report.check(`compromised gets nothing out of ${name}`, async () => {
      const inside = tapOf(world.inside, name)
      const before = await inside.recorded()
      const result = await visit(world, 'compromised', name)
      demand(result.code !== 0, `${program} answered: ${complaint(result)}`)
      demand(!result.timedOut, 'it was left hanging instead of being refused')
      const { connections } = await inside.recorded()
      demand(connections === before.connections, `a connection reached ${program}`)
      return complaint(result)
    })
  }
  for (const { name } of servers) {
    const reason = expected[name]
    await report.check(`the record of it says ${reason}, for ${name}`, () =>
      deniedFlow(world, name, reason),
    )
  }
}

async function deniedFlow(world: World, server: ServerName, reason: Reason): Promise<string> {
  const { signal } = world.backstage
  const [from, to] = [spiffeIdOf('compromised'), spiffeIdOf(server)]
  return until(`a record of compromised to ${server}`, { signal, withinMs: 15_000 }, async () => {
    const { flows } = await world.admin.listFlows({ workload: 'compromised', verdict: 'DENY' })
    const flow = flows.find((one) => one.from?.spiffeId === from && one.to?.spiffeId === to)
    if (flow === undefined) return undefined
    const end = flow.from?.verdict === 'DENY' ? flow.from : flow.to
    demand(end?.verdict === 'DENY', `expected a denial, got ${JSON.stringify(flow)}`)
    demand(end.reason === reason, `expected ${reason}, got ${end.reason}`)
    return `${end === flow.from ? 'egress' : 'ingress'} ${end.policy}`.trim()
  })
}
