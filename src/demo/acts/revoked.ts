import { until, within } from '../waiting.ts'
import { openPsql } from '../programs/psql-session.ts'
import { demand } from '../report.ts'
import { spiffeIdOf } from '../trust-domain.ts'
import type { Act, World } from '../world.ts'
import { complaint, visit } from './visit.ts'

/** Revoking a workload ends what it has open and refuses what is new, until it is reinstated. */
export const revoked: Act = async (world, report) => {
  report.heading('Revoked: api loses what it has open, and gets nothing new')
  await report.check('an open psql session of api is cut', () => cutOpenSession(world))
  await report.check('a new psql of api is refused', async () => {
    const result = await visit(world, 'api', 'orders-db')
    demand(result.code !== 0, 'PostgreSQL answered')
    return complaint(result)
  })
  await report.check('the record of it says that the certificate is below its floor', () =>
    refusal(world),
  )
  await report.check('reinstated, api gets a new certificate and through again', () =>
    reinstate(world),
  )
}

const mostMs = 5_000

async function cutOpenSession(world: World): Promise<string> {
  const { backstage, addresses } = world
  await using session = await openPsql(
    backstage.on('api'),
    addresses.local('api', 'orders-db'),
    'psql-revoked',
  )
  demand((await session.query('select 6 * 7')) === '42', 'the session did not work to begin with')
  // psql notices the end of its connection at once only while it waits for an answer.
  const pending = session.query('select pg_sleep(60)').catch(() => 'cut')
  const start = performance.now()
  await world.admin.revokeWorkload({
    workload: 'api',
    reason: 'demonstration',
    refuseRenewal: true,
  })
  demand((await within('the session to end', mostMs, pending)) === 'cut', 'the query was answered')
  return `${(performance.now() - start).toFixed(0)} ms after the command`
}

const refusals = new Set(['below-floor', 'untrusted-peer'])

async function refusal(world: World): Promise<string> {
  const { signal } = world.backstage
  return until('a denial on record', { signal, withinMs: 15_000 }, async () => {
    const { flows } = await world.admin.listFlows({ workload: 'api', verdict: 'DENY' })
    for (const { from, to } of flows) {
      if (from?.spiffeId !== spiffeIdOf('api') && from?.spiffeId !== '') continue
      const end = [from, to].find((one) => one !== null && refusals.has(one.reason))
      if (end !== undefined) return end?.reason
    }
    return undefined
  })
}

async function reinstate(world: World): Promise<string> {
  const start = performance.now()
  await world.admin.revokeWorkload({ workload: 'api', reason: 'demonstration', reinstate: true })
  await until('api to get through', { ...world.backstage, withinMs: 30_000 }, async () => {
    const result = await visit(world, 'api', 'orders-db')
    return result.code === 0 ? true : undefined
  })
  return `${((performance.now() - start) / 1000).toFixed(1)} s after the command`
}
