import type { ClientName } from '../cast.ts'
import { curl } from '../programs/nginx.ts'
import { psql } from '../programs/postgres.ts'
import { redisCli } from '../programs/redis.ts'
import { ssh } from '../programs/sshd.ts'
import { demand } from '../report.ts'
import { runProgram, type Command } from '../run-program.ts'
import type { Act, World } from '../world.ts'

/** Real programs, unchanged, reach each other through their sidecars where policy allows it. */
export const allowed: Act = async (world, report) => {
  const { backstage, addresses, login, marker } = world
  report.heading('Allowed: real programs talk, each through its own sidecar')

  const database = addresses.local('api', 'orders-db')
  await report.check('psql inserts and selects, as api from orders-db', async () => {
    await answer(
      world,
      'api',
      psql(backstage, database, 'create table orders (id int, item text)'),
      '',
    )
    const insert = `insert into orders values (1, '${marker}'), (2, 'sealing wax')`
    await answer(world, 'api', psql(backstage, database, insert), '')
    const select = 'select item from orders order by id'
    return answer(world, 'api', psql(backstage, database, select), `${marker}\nsealing wax`)
  })

  const cache = addresses.local('api', 'cache')
  await report.check('redis-cli sets and gets, as api from cache', async () => {
    await answer(world, 'api', redisCli(backstage, cache, ['set', 'greeting', marker]), 'OK')
    return answer(world, 'api', redisCli(backstage, cache, ['get', 'greeting']), marker)
  })

  const web = addresses.local('api', 'web')
  await report.check('curl gets a page, as api from web', () =>
    answer(world, 'api', curl(backstage, web, '/'), `a page from nginx, ${marker}`),
  )

  const bastion = addresses.local('operator', 'bastion')
  await report.check('ssh runs a command, as operator on bastion (the server speaks first)', () =>
    answer(world, 'operator', ssh(backstage, login, bastion, 'echo "$((40 + 2))"'), '42'),
  )
}

async function answer(
  { backstage }: World,
  client: ClientName,
  command: Command,
  expected: string,
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, backstage.on(client))
  const seen = stdout.trim()
  demand(code === 0, `exit code ${String(code)}, ${stderr.trim()}`)
  demand(seen === expected, `expected ${JSON.stringify(expected)}, got ${JSON.stringify(seen)}`)
  return seen.replaceAll('\n', ', ')
}
