import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from './mesh-fixture.ts'
import { eventually } from './poll.ts'
import { findPrograms } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const execute = promisify(execFile)

/** What came of a command, whether it succeeded or not. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A Docker engine of the test's own, whose networks are in a network namespace of the test's own. */
export interface Docker extends AsyncDisposable {
  docker(...words: readonly string[]): Promise<Outcome>
  /** `docker-compose` on `docker/compose.yaml`, with images that were made here. */
  compose(...words: readonly string[]): Promise<Outcome>
}

/** The image that Blazon's is built on, and that workloads run. */
const base = 'blazon-test-base'
/** Its programs, with the libraries that each of them needs: no image is fetched from anywhere. */
const inBase = [
  'cat',
  'chmod',
  'chown',
  'cp',
  'env',
  'ln',
  'mkdir',
  'redis-cli',
  'redis-server',
  'rm',
  'sh',
  'sleep',
  'nft',
  'tar',
] as const
const directories = [
  'etc',
  'tmp',
  'usr/bin',
  'usr/lib',
  'usr/lib64',
  'usr/local/bin',
  'usr/sbin',
  'var/lib',
]
const merged = ['bin', 'lib', 'lib64', 'sbin']

export async function startDocker(): Promise<Docker> {
  const programs = await findPrograms(
    'docker',
    'docker-compose',
    'dockerd',
    'ip',
    'nsenter',
    ...inBase,
  )
  await using stack = new AsyncDisposableStack()
  const { path: directory } = stack.use(await temporaryDirectory())
  const namespace = `bz${String(process.pid)}-docker`
  await execute(programs.ip, ['netns', 'add', namespace])
  stack.defer(async () => {
    await execute(programs.ip, ['netns', 'del', namespace])
  })
  await execute(programs.ip, ['-n', namespace, 'link', 'set', 'lo', 'up'])

  const host = `unix://${directory}/docker.sock`
  const at = (name: string): string => join(directory, name)
  // Not by `ip netns exec`, which hides the control groups.
  const engine = spawn(
    programs.nsenter,
    [
      `--net=/run/netns/${namespace}`,
      programs.dockerd,
      '--host',
      host,
      '--data-root',
      at('data'),
      '--exec-root',
      at('run'),
      '--pidfile',
      at('pid'),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  engine.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4_096)))
  const ended = new Promise((resolve) => engine.once('close', resolve))
  stack.defer(async () => {
    engine.kill('SIGTERM') // it ends what runs in it
    await ended
  })

  const environment = {
    ...process.env,
    DOCKER_HOST: host,
    COMPOSE_PROJECT_NAME: 'test',
    WORKLOAD_IMAGE: base,
  }
  const run = async (command: string, words: readonly string[]): Promise<Outcome> =>
    await execute(command, words, { env: environment, timeout: 120_000 }).then(
      (said) => ({ code: 0, ...said }),
      (error: unknown) => error as Outcome,
    )
  const docker = (...words: readonly string[]): Promise<Outcome> => run(programs.docker, words)
  await eventually('the engine', async () => {
    if (engine.exitCode !== null) throw new Error(`dockerd ended: ${log}`)
    return (await docker('version')).code === 0
  })

  const content = at('base')
  await makeBase(content, [...inBase.map((name) => programs[name]), process.execPath])
  const image = at('base.tar')
  await execute(programs.tar, ['--create', '--file', image, '--directory', content, '.'])
  await succeed(
    docker('import', '--change', 'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin', image, base),
  )
  await succeed(run(process.execPath, [join(root, 'scripts/image.ts'), '--base', base]))

  const parts = stack.move()
  return {
    docker,
    compose: (...words) =>
      run(programs['docker-compose'], ['--file', join(root, 'docker/compose.yaml'), ...words]),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** Rejects with what the command said, unless it succeeded. */
export async function succeed(outcome: Promise<Outcome>): Promise<string> {
  const { code, stdout, stderr } = await outcome
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`)
  return stdout
}

async function makeBase(content: string, programs: readonly string[]): Promise<void> {
  for (const name of directories) await mkdir(join(content, name), { recursive: true })
  for (const name of merged) await symlink(`usr/${name}`, join(content, name))
  const libraries = await Promise.all(programs.map(librariesOf))
  // The runtime itself comes with Blazon.
  for (const path of new Set([...libraries.flat(), ...programs.slice(0, -1)])) {
    await mkdir(join(content, dirname(path)), { recursive: true })
    await copyFile(path, join(content, path))
  }
}

/** Absolute paths of the shared objects that a program is linked with, and of what loads it. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await execute('ldd', [program])
  return stdout.match(/\/\S+/g)?.filter((path) => basename(path).includes('.so')) ?? []
}
