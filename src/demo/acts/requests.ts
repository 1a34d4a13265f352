import { poster } from '../programs/nginx.ts'
import { demand } from '../report.ts'
import { runProgram } from '../run-program.ts'
import { tapOf, type Act, type World } from '../world.ts'
import { recordedFlow } from './recorded-flow.ts'

/** One connection is allowed, and yet not every request on it: http rules decide each by itself. */
export const requests: Act = async (world, report) => {
  report.heading('Requests: api may read pages of web, and not post to it')
  await report.check('a POST of curl, as api, is answered 403 and does not reach nginx', () =>
    refusedPost(world),
  )
  await report.check(
    'the record of it says no-policy-matched, and the connection was allowed',
    async () => {
      const { from, to } = await recordedFlow(world, 'api', 'web', {
        reason: 'no-policy-matched',
        stitched: true,
      })
      demand(to?.verdict === 'DENY', `expected a denial by the ingress, got ${String(to?.verdict)}`)
      demand(
        from?.verdict === 'ALLOW',
        `expected an allow of the egress, got ${String(from?.verdict)}`,
      )
      return `egress ${from.policy}, ingress ${to.reason}`
    },
  )
}

async function refusedPost(world: World): Promise<string> {
  const { backstage, addresses } = world
  const inside = tapOf(world.inside, 'web')
  const before = await inside.recorded()
  const { code, stdout, stderr } = await runProgram(
    poster(backstage, addresses.local('api', 'web'), '/'),
    backstage.on('api'),
  )
  demand(code === 0, `exit code ${String(code)}, ${stderr.trim()}`)
  demand(stdout.endsWith('\n403'), `expected 403, got ${JSON.stringify(stdout)}`)
  const after = await inside.recorded()
  demand(after.connections === before.connections, 'a connection reached nginx')
  return stdout.trim().replaceAll('\n', ', ')
}
