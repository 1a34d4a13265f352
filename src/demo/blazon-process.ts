import { fileURLToPath } from 'node:url'
import { formatHostPort, type HostPort } from '../base/env.ts'
import type { Backstage } from './backstage.ts'
import { demand } from './report.ts'
import { until } from './waiting.ts'
import type { RunningProcess } from './supervisor.ts'

/** The entry point of every process of ours. */
export const blazonProgram: string = fileURLToPath(new URL('../main/blazon.ts', import.meta.url))

/** Starts one of our own processes, as its own user would, and waits until it says that it is ready. */
export async function startBlazon(
  { supervisor, files }: Pick<Backstage, 'supervisor' | 'files'>,
  options: {
    readonly name: string
    readonly role: 'controller' | 'sidecar'
    readonly environment: Readonly<Record<string, string>>
    readonly status: HostPort
  },
): Promise<RunningProcess> {
  const running = await supervisor.start({
    name: options.name,
    command: process.execPath,
    args: [blazonProgram, options.role],
    environment: { HOME: files.path, ...options.environment },
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
