import { once } from 'node:events'
import { createServer } from 'node:net'
import { outsideAddress } from '../machine-addresses.ts'
import { curl } from '../programs/nginx.ts'
import { psql } from '../programs/postgres.ts'
import { demand } from '../report.ts'
import { runProgram, type ProgramResult } from '../run-program.ts'
import type { ServerName } from '../cast.ts'
import { tapOf, type Act, type World } from '../world.ts'
import { complaint } from './visit.ts'

/** What redirection adds: programs that were told nothing, and no way round a sidecar. */
export const captured: Act = async (world, report) => {
  if (world.backstage.capture.kind !== 'redirect') return
  report.heading('Captured: there is no way round a sidecar, out or in')
  await report.check('nothing that compromised says arrives outside the mesh', () =>
    exfiltrate(world),
  )
  await report.check('a machine outside the mesh gets nothing out of web', () =>
    refused(world, 'web', () =>
      runProgram(
        curl(world.backstage, world.addresses.mesh('web'), '/'),
        // Our own network is that of nobody's workload.
        world.backstage,
      ),
    ),
  )
  await report.check('root on the machine of api, who is not the workload, gets nothing', () =>
    refused(world, 'orders-db', () => {
      const { backstage, addresses } = world
      const select = psql(backstage, addresses.local('api', 'orders-db'), 'select 1')
      const root = { name: 'root', switchTo: { uid: 0, gid: 0 } }
      return runProgram({ ...select, account: root }, backstage.on('api'))
    }),
  )
}

/** Its sidecar tries to make a tunnel to wherever it is told, so somebody there does see a connection. */
async function exfiltrate({ backstage, marker }: World): Promise<string> {
  const seen: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined).on('data', (bytes: Buffer) => seen.push(bytes))
  })
  server.listen(outsideAddress)
  await once(server, 'listening')
  try {
    const result = await runProgram(
      curl(backstage, outsideAddress, `/${marker}`),
      backstage.on('compromised'),
    )
    demand(result.code !== 0, 'it was answered')
    demand(!Buffer.concat(seen).includes(marker), `it received ${marker}`)
    return complaint(result)
  } finally {
    server.close()
  }
}

async function refused(
  world: World,
  server: ServerName,
  attempt: () => Promise<ProgramResult>,
): Promise<string> {
  const inside = tapOf(world.inside, server)
  const before = await inside.recorded()
  const result = await attempt()
  const { connections } = await inside.recorded()
  demand(result.code !== 0, `it was answered: ${complaint(result)}`)
  demand(connections === before.connections, 'a connection reached the program')
  return complaint(result)
}
