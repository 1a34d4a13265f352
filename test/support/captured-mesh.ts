import { chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sidecarId } from '../../src/base/sidecar-account.ts'
import { formatHostPort } from '../../src/base/env.ts'
import { startControllerProcess } from './controller-process.ts'
import { testTrustDomain } from './enrolment-client.ts'
import { temporaryDirectory } from './mesh-fixture.ts'
import { openNetwork, type Machine, type Program } from './network.ts'
import { eventually } from './poll.ts'
import { testRule } from './test-controller.ts'

const blazon = [
  process.execPath,
  fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url)),
]

/** Uid and gid of the programs that stand for workloads. */
export const workloadId = 2_000

/** A real controller on its own machine, and a machine for each workload. */
export interface CapturedMesh<Name extends string> extends AsyncDisposable {
  readonly machines: Readonly<Record<Name | 'controller', Machine>>
  readonly directory: string
  /** Runs `blazon` as the administrator; rejects unless it succeeds. */
  administer(...words: readonly string[]): Promise<string>
  apply(text: string): Promise<void>
  /** Runs `blazon intercept` in the network namespace of a machine; throws with what it says where it fails. */
  intercept(name: Name, ...words: readonly string[]): Promise<void>
  /**
   * Starts the sidecar of a workload on a machine as 1337, without any capability, and waits until it
   * is ready. The workload is called like the machine unless said.
   */
  startSidecar(
    machine: Name,
    environment?: Readonly<Record<string, string>>,
    as?: number,
    workload?: string,
  ): Promise<RunningSidecar>
}

export interface RunningSidecar {
  readonly program: Program
  /** Its access records. */
  records(): Readonly<Record<string, unknown>>[]
}

export async function startCapturedMesh<Name extends string>(
  names: readonly Name[],
): Promise<CapturedMesh<Name>> {
  await using stack = new AsyncDisposableStack()
  const { path: directory } = stack.use(await temporaryDirectory())
  await chmod(directory, 0o711) // sidecars have another uid than the test
  const { machines } = stack.use(await openNetwork(['controller', ...names]))
  const machine: Machine = machines.controller
  const data = join(directory, 'controller')
  await mkdir(data, { mode: 0o700 })
  const controller = await startControllerProcess(
    data,
    { BLAZON_LISTEN: `${machine.v4}:7443` },
    machine.within,
  )
  stack.defer(async () => {
    await controller.end('SIGKILL')
  })
  const bundle = join(directory, 'bundle.pem')
  await copyFile(join(data, 'bundle.pem'), bundle)
  await chmod(bundle, 0o644)

  const blazonOn = async (on: Machine, ...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await on.run([...blazon, ...words], {
      environment: { BLAZON_CONTEXT: join(directory, 'context.json'), HOME: directory },
      timeoutMs: 60_000,
    })
    if (code !== 0) {
      throw new Error(`blazon ${words.join(' ')} ended with ${String(code)}: ${stderr}`)
    }
    return stdout
  }
  const administer = async (...words: readonly string[]): Promise<string> =>
    await blazonOn(machine, ...words)
  const address = formatHostPort(controller.address)
  await administer(
    'login',
    '--controller',
    address,
    '--bundle',
    bundle,
    '--secret-file',
    controller.secretFile,
  )
  let files = 0
  const apply = async (text: string): Promise<void> => {
    const file = join(directory, `policy-${String(++files)}.yaml`)
    await writeFile(file, text)
    await administer('apply', '--file', file)
  }
  await apply(testRule)

  const startSidecar: CapturedMesh<Name>['startSidecar'] = async (
    name,
    environment = {},
    as = sidecarId,
    workload = name,
  ) => {
    const token = await administer(
      'token',
      'create',
      '--label',
      'join=test',
      '--label',
      `app=${workload}`,
      '-o',
      'json',
    )
    const state = join(directory, `state-${workload}-${String(as)}`)
    await mkdir(state, { mode: 0o700, recursive: true })
    await chown(state, as, as)
    const program = machines[name].start([...blazon, 'sidecar'], {
      as,
      environment: {
        BLAZON_TRUST_DOMAIN: testTrustDomain,
        BLAZON_CONTROLLER: address,
        BLAZON_BUNDLE: bundle,
        BLAZON_JOIN_TOKEN: (JSON.parse(token) as { readonly token: string }).token,
        BLAZON_WORKLOAD: workload,
        BLAZON_STATE_DIR: state,
        BLAZON_CAPTURE: 'redirect',
        BLAZON_DRAIN: '100ms',
        ...environment,
      },
    })
    const status = environment['BLAZON_METRICS_LISTEN'] ?? '127.0.0.1:15020'
    await whenReady(machines[name], program, status)
    return { program, records: () => recordsOf(program.text()) }
  }

  const parts = stack.move()
  return {
    machines,
    directory,
    administer,
    apply,
    intercept: async (name, ...words) => {
      await blazonOn(machines[name], 'intercept', ...words)
    },
    startSidecar,
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  }
}

async function whenReady(machine: Machine, program: Program, status: string): Promise<void> {
  await eventually('the sidecar to start', () => {
    if (program.child.exitCode !== null) throw new Error(`the sidecar ended: ${program.text()}`)
    return program.text().includes('sidecar started')
  })
  await eventually(
    `the sidecar to be ready: ${program.text()}`,
    async () => {
      const { code } = await machine.run(['curl', '-fs', `http://${status}/ready`])
      return code === 0
    },
    60_000,
  )
}

function recordsOf(text: string): Readonly<Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === 'connection')
}
