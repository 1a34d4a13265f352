import { demand } from '../report.ts'
import { tapOf, type Act, type World } from '../world.ts'
import { recordedFlow } from './recorded-flow.ts'
import { complaint, visit } from './visit.ts'

const guardrail = 'data-stays-in-its-region'

/** A policy allows it, and a guardrail does not: what AWS signed of their regions decides. */
export const guarded: Act = async (world, report) => {
  report.heading('Guardrail: data stays in its region, whatever a policy allows')
  await report.check('reports, in us-east-1, gets nothing out of orders-db, in eu-central-1', () =>
    refusedVisit(world),
  )
  await report.check(`the record of it names the guardrail ${guardrail}`, async () => {
    const { from, to } = await recordedFlow(world, 'reports', 'orders-db', { reason: 'guardrail' })
    const end = [from, to].find((one) => one?.reason === 'guardrail')
    demand(end?.policy === guardrail, `expected ${guardrail}, got ${String(end?.policy)}`)
    return `${end === from ? 'egress' : 'ingress'} ${end.policy}`
  })
}

async function refusedVisit(world: World): Promise<string> {
  const inside = tapOf(world.inside, 'orders-db')
  const before = await inside.recorded()
  const result = await visit(world, 'reports', 'orders-db')
  demand(result.code !== 0, `PostgreSQL answered: ${complaint(result)}`)
  const { connections } = await inside.recorded()
  demand(connections === before.connections, 'a connection reached PostgreSQL')
  return complaint(result)
}
