import type { HostPort } from '../../base/env.ts'
import { until } from '../waiting.ts'
import { runProgram, type Command } from '../run-program.ts'
import type { RunningProcess } from '../supervisor.ts'
import type { ProgramContext } from './program-context.ts'

/** Redis at `listen`, in memory only. */
export async function startRedis(
  context: ProgramContext,
  listen: HostPort,
): Promise<RunningProcess> {
  const directory = await context.directory('redis')
  const running = await context.supervisor.start({
    name: 'redis',
    machine: context.machine,
    command: context.programs['redis-server'],
    args: [
      ...['--bind', listen.host, '--port', String(listen.port), '--dir', directory],
      ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
    ],
    account: context.account,
    cwd: directory,
  })
  await context.supervisor.ready(running, async (signal) => {
    await until('Redis to answer', { signal, withinMs: 30_000 }, async () => {
      const { stdout } = await runProgram(redisCli(context, listen, ['ping']), {
        ...context,
        signal,
      })
      return stdout.trim() === 'PONG' ? true : undefined
    })
  })
  return running
}

/** How `redis-cli` is run for one command. */
export function redisCli(
  context: Pick<ProgramContext, 'programs'>,
  server: HostPort,
  command: readonly string[],
): Command {
  return {
    command: context.programs['redis-cli'],
    args: ['-h', server.host, '-p', String(server.port), ...command],
  }
}
