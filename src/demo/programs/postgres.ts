import { join } from 'node:path'
import type { HostPort } from '../../base/env.ts'
import { DemoError } from '../demo-error.ts'
import { until } from '../waiting.ts'
import { runProgram, type Command } from '../run-program.ts'
import type { RunningProcess } from '../supervisor.ts'
import type { ProgramContext } from './program-context.ts'

export const databaseUser = 'demo'

/**
 * PostgreSQL on a new, empty cluster, at `listen` only. Anybody who reaches it may log in: it is
 * the mesh that guards it here.
 */
export async function startPostgres(
  context: ProgramContext,
  listen: HostPort,
): Promise<RunningProcess> {
  const data = join(await context.directory('postgres'), 'data')
  await createCluster(context, data)
  const running = await context.supervisor.start({
    name: 'postgres',
    machine: context.machine,
    command: context.programs.postgres,
    args: ['-D', data, '-h', listen.host, '-p', String(listen.port), ...settings.flatMap(asOption)],
    account: context.account,
    cwd: data,
    stopSignal: 'SIGINT', // "fast": ends the sessions instead of waiting for them
  })
  await context.supervisor.ready(running, async (signal) => {
    await until('PostgreSQL to answer', { signal, withinMs: 30_000 }, async () => {
      const { code } = await runProgram(psql(context, listen, 'select 1'), { ...context, signal })
      return code === 0 ? true : undefined
    })
  })
  return running
}

// No socket files and no shared memory outside the cluster's directory, so that nothing can be left.
const settings = [
  'unix_socket_directories=',
  'dynamic_shared_memory_type=mmap',
  'shared_buffers=16MB',
  'max_connections=20',
  'fsync=off',
  'ssl=off',
]
const asOption = (setting: string): string[] => ['-c', setting]

async function createCluster(context: ProgramContext, data: string): Promise<void> {
  const result = await runProgram(
    {
      command: context.programs.initdb,
      args: [
        '-D',
        data,
        '-U',
        databaseUser,
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
      ],
      account: context.account,
      timeoutMs: 60_000,
    },
    context,
  )
  if (result.code !== 0) throw new DemoError('ERR_START', `initdb failed: ${result.stderr}`)
}

/** How `psql` is run for one statement: bare values on stdout, no start-up file, no password prompt. */
export function psql(
  context: Pick<ProgramContext, 'programs'>,
  server: HostPort,
  statement: string,
): Command {
  return {
    command: context.programs.psql,
    args: [...psqlArguments(server), '-c', statement],
    environment: { PGSSLMODE: 'disable', PGCONNECT_TIMEOUT: '10' },
  }
}

export function psqlArguments(server: HostPort): string[] {
  const where = ['-h', server.host, '-p', String(server.port), '-U', databaseUser, '-d', 'postgres']
  return ['-X', '-w', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', ...where]
}
