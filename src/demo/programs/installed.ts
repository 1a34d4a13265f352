import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { DemoError } from '../demo-error.ts'

export const programNames = [
  'curl',
  'initdb',
  'nginx',
  'postgres',
  'psql',
  'redis-cli',
  'redis-server',
  'ssh',
  'ssh-keygen',
  'sshd',
] as const

/** Absolute path of every program that the demonstration runs. */
export type Programs = Readonly<Record<(typeof programNames)[number], string>>

/** What makes machines of network namespaces, and captures their connections. */
export const networkProgramNames = ['ip', 'nft', 'nsenter', 'setpriv', 'sleep', 'unshare'] as const
export type NetworkPrograms = Readonly<Record<(typeof networkProgramNames)[number], string>>

const script = fileURLToPath(new URL('../../../scripts/ensure-programs.mjs', import.meta.url))

/**
 * Finds the programs, and installs missing ones where that can be done. What is being installed, or
 * has to be installed by hand, the script itself says on stderr.
 */
export async function ensurePrograms<Name extends string>(
  names: readonly Name[],
  signal: AbortSignal,
): Promise<Readonly<Record<Name, string>>> {
  // Our environment is passed on: apt-get may need its proxy settings.
  const child = spawn(process.execPath, [script, '--json', ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
    killSignal: 'SIGTERM',
  })
  const closed = once(child, 'close') as Promise<[code: number | null]>
  const [output, [code]] = await Promise.all([text(child.stdout), closed])
  if (code !== 0)
    throw new DemoError('ERR_PROGRAMS', 'programs that the demonstration needs are missing')
  return JSON.parse(output) as Record<Name, string>
}
