import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../scripts/ensure-programs.mjs', import.meta.url))
const needed = ['gcc', 'haproxy', 'nginx', 'openssl', 'stunnel'] as const
const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so'

/** Absolute paths; ghostunnel takes part where it is on PATH, as Debian has none. */
export type BenchPrograms = Readonly<Record<(typeof needed)[number], string>> & {
  readonly ghostunnel?: string
}

/** Finds the compiler and the other proxies, and installs them from Debian where that can be done. */
export function ensureBenchPrograms(): BenchPrograms {
  const { status, stdout } = spawnSync(process.execPath, [script, '--json', ...needed], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`expected ${needed.join(', ')} to be installed`)
  if (!existsSync(streamModule)) installStreamModule()
  const ghostunnel = onPath('ghostunnel')
  const found = JSON.parse(stdout) as Omit<BenchPrograms, 'ghostunnel'>
  return ghostunnel === undefined ? found : { ...found, ghostunnel }
}

function installStreamModule(): void {
  const words = ['install', '-y', '--no-install-recommends', 'libnginx-mod-stream']
  const { status } = spawnSync('apt-get', words, { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`expected ${streamModule}: apt-get ${words.join(' ')}`)
}

function onPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path))
}
