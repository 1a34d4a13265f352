import { demand } from '../report.ts'
import type { Act } from '../world.ts'
import { recordedFlow } from './recorded-flow.ts'
import { complaint, visit } from './visit.ts'

const observe = 'reports-first-days'

/** No policy says anything of it; while it is observed it passes, and both ends write it down. */
export const observed: Act = async (world, report) => {
  report.heading('Observed: reports is new, and may pass where no policy decides')
  await report.check('curl gets a page, as reports from web', async () => {
    const result = await visit(world, 'reports', 'web')
    demand(result.code === 0, complaint(result))
    demand(result.stdout.includes(world.marker), `expected the page, got ${complaint(result)}`)
    return result.stdout.trim()
  })
  await report.check('the records of both ends say that it was observed, not allowed', async () => {
    const expected = { reason: 'allowed-by-observe', both: true } as const
    const { from, to } = await recordedFlow(world, 'reports', 'web', expected)
    for (const end of [from, to]) {
      demand(end?.policy === observe, `expected ${observe}, got ${String(end?.policy)}`)
    }
    return `${String(from?.policy)} / ${String(to?.policy)}`
  })
}
