import { workloadNames } from '../cast.ts'
import { until } from '../waiting.ts'
import { openPsql } from '../programs/psql-session.ts'
import { demand } from '../report.ts'
import type { Act, World } from '../world.ts'
import { visit } from './visit.ts'

const policyName = 'written-just-before-the-crash'
const policy = `kind: NetworkPolicy
name: ${policyName}
spec:
  from: { label.app: operator }
  to: { label.app: web }
  ports: [tcp/8080]
  action: allow
`

/** The controller is killed at its worst moment, and comes back: nobody who talks notices. */
export const restarted: Act = async (world, report) => {
  const { backstage, addresses, admin, controller } = world
  report.heading('Controller killed: open streams go on, what was acknowledged stays')
  await using session = await openPsql(
    backstage.on('api'),
    addresses.local('api', 'orders-db'),
    'psql-outage',
  )
  const backend = await session.query('select pg_backend_pid()')

  await admin.apply({ text: policy, source: 'demo' })
  await controller.crash()
  report.say('a policy was acknowledged, and the controller killed with SIGKILL right after')

  await report.check('the open psql session goes on without a controller', async () => {
    demand((await session.query('select 6 * 7')) === '42', 'another answer than 42')
    return ''
  })
  await report.check('a new psql gets through without a controller', async () => {
    const result = await visit(world, 'api', 'orders-db')
    demand(result.code === 0, result.stderr)
    return ''
  })

  await controller.start()
  await report.check('the acknowledged policy is there after the restart', async () => {
    const { documents } = await admin.listDocuments({ kind: 'NetworkPolicy', name: policyName })
    demand(documents.length === 1, 'it is lost')
    return `revision ${String(documents[0]?.document?.revision)}`
  })
  await report.check('every sidecar comes back to the controller by itself', () => watching(world))
  await report.check('the psql session is still the same one', async () => {
    const now = await session.query('select pg_backend_pid()')
    demand(now === backend, `backend ${now} instead of ${backend}`)
    return `backend ${now}`
  })
  await admin.deleteDocument({ kind: 'NetworkPolicy', name: policyName })
}

async function watching({ admin, backstage }: World): Promise<string> {
  const start = performance.now()
  await until('every sidecar to watch', { ...backstage, withinMs: 30_000 }, async () => {
    const { workloads } = await admin.listWorkloads({})
    return workloads.filter((one) => one.watching).length === workloadNames.length
      ? true
      : undefined
  })
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}
