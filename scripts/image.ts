/**
 * `npm run image`: the container image of docker/Dockerfile. What goes into it is put together here, by the lock
 * file, so that nothing is fetched while the image is built but nftables.
 *
 *   npm run image -- [--tag blazon] [--base debian:bookworm-slim] [--host DOCKER_HOST]
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const parts = ['LICENSE', 'bin', 'data/aws-iid-keys.json', 'package-lock.json', 'package.json']
const folders = ['proto', 'schema', 'src']

const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: 'blazon' },
    base: { type: 'string' },
    host: { type: 'string' },
  },
})
const staging = mkdtempSync(join(tmpdir(), 'blazon-image-'))
try {
  for (const name of [...parts, ...folders]) {
    cpSync(join(root, name), join(staging, name), { recursive: true })
  }
  run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'], staging)
  run(process.execPath, [join(root, 'scripts/build.ts'), join(staging, 'dist'), staging])
  run('docker', [
    ...(values.host === undefined ? [] : ['--host', values.host]),
    'build',
    ...(values.base === undefined ? [] : ['--build-arg', `BASE=${values.base}`]),
    ...['--tag', values.tag, '--file', join(root, 'docker/Dockerfile'), staging],
  ])
} catch (error: unknown) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(staging, { recursive: true, force: true })
}

/** What goes wrong, npm and docker say themselves. */
function run(command: string, words: readonly string[], directory = root): void {
  const { status, error } = spawnSync(command, words, {
    cwd: directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new Error(error?.message ?? `${command} ${words[0] ?? ''} failed`)
}
