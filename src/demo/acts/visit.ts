import type { ClientName, ServerName } from '../cast.ts'
import { curl } from '../programs/nginx.ts'
import { psql } from '../programs/postgres.ts'
import { redisCli } from '../programs/redis.ts'
import { ssh } from '../programs/sshd.ts'
import { runProgram, type Command, type ProgramResult } from '../run-program.ts'
import type { World } from '../world.ts'

/** What a client of each server runs when it only wants to know whether it gets through. */
function visitCommand(world: World, client: ClientName, server: ServerName): Command {
  const { backstage, addresses, login } = world
  const local = addresses.local(client, server)
  switch (server) {
    case 'orders-db':
      return psql(backstage, local, 'select 1')
    case 'cache':
      return redisCli(backstage, local, ['ping'])
    case 'web':
      return curl(backstage, local, '/')
    case 'bastion':
      return ssh(backstage, login, local, 'true')
    default:
      return server satisfies never
  }
}

/** Runs the client program of a server through the client's own sidecar. */
export function visit(
  world: World,
  client: ClientName,
  server: ServerName,
): Promise<ProgramResult> {
  return runProgram(visitCommand(world, client, server), world.backstage.on(client))
}

/** The first line that a program said about its failure, for a report of one line. */
export function complaint({ stdout, stderr }: ProgramResult): string {
  const lines = `${stderr}\n${stdout}`.split('\n').map((line) => line.trim())
  return lines.find((line) => line !== '') ?? ''
}
