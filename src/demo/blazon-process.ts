import { formatHostPort, type HostPort } from '../base/env.ts'
import type { Account } from './account.ts'
import type { Backstage } from './backstage.ts'
import type { Machine } from './machine.ts'
import { blazonProgram } from './blazon-program.ts'
import { demand } from './report.ts'
import { until } from './waiting.ts'
import type { RunningProcess } from './supervisor.ts'

/** Starts one of our own processes, as its own user would, and waits until it says that it is ready. */
export async function startBlazon(
  { supervisor, files }: Pick<Backstage, 'supervisor' | 'files'>,
  options: {
    readonly name: string
    readonly role: 'controller' | 'sidecar'
    readonly environment: Readonly<Record<string, string>>
    readonly status: HostPort
    readonly machine?: Machine
    readonly account?: Account
  },
): Promise<RunningProcess> {
  const running = await supervisor.start({
    name: options.name,
    command: process.execPath,
    args: [blazonProgram, options.role],
    environment: { HOME: files.path, ...options.environment },
    ...(options.machine === undefined ? {} : { machine: options.machine }),
    ...(options.account === undefined ? {} : { account: options.account }),
    cwd: files.path,
  })
  await supervisor.ready(running, async (signal) => {
    await until(`${options.name} to be ready`, { signal, withinMs: 25_000 }, () =>
      ready(options.status),
    )
  })
  return running
}

async function ready(status: HostPort): Promise<true> {
  const answer = await fetch(`http://${formatHostPort(status)}/ready`, {
    signal: AbortSignal.timeout(2_000),
  })
  const text = await answer.text()
  demand(answer.ok, text.trim())
  return true
}
