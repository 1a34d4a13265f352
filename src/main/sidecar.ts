import { fork, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createImds, imdsEndpoints, openInstanceMetadata } from '../aws/index.ts'
import { untilAborted } from '../base/aborted.ts'
import { codeOf } from '../base/errors.ts'
import { nameServersOf } from '../base/resolv-conf.ts'
import { readSidecarConfig, startSidecar } from '../sidecar/index.ts'
import { collectGarbage } from './collect-garbage.ts'
import { setHeapFlags } from './heap-flags.ts'
import { createLogger } from './logger.ts'

/**
 * Runs a sidecar by its environment until `signal` aborts, then drains. Throws a `ConfigError` that
 * names every problem, or what the start or a part that should never end failed with.
 */
export async function runSidecar(
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  setHeapFlags()
  const config = readSidecarConfig(environment, nameServers())
  const log = createLogger({ level: config.logLevel, name: 'sidecar' })
  const endpoints = config.imdsEndpoint === undefined ? imdsEndpoints : [config.imdsEndpoint]
  const metadata = openInstanceMetadata(createImds({ endpoints }))
  const launchWorker = (): ChildProcess => startWorkerProcess(environment)
  const given = { config, version: version(), metadata, launchWorker, log }
  await using sidecar = await startSidecar(given)
  log.info(
    {
      workload: config.workload,
      egress: sidecar.egressAddresses,
      ingress: sidecar.ingressAddresses,
      status: sidecar.statusAddress,
    },
    'sidecar started',
  )
  void sidecar.whenReady(signal).then(collectGarbage, () => undefined)
  await Promise.race([sidecar.failed, untilAborted(signal)])
  log.info({ drain_ms: config.drainMs }, 'sidecar draining')
}

/** None where the machine does not say. */
function nameServers(): string[] {
  try {
    return nameServersOf(readFileSync('/etc/resolv.conf', 'utf8'))
  } catch (error: unknown) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

const workerProgram = fileURLToPath(new URL('./sidecar-worker.ts', import.meta.url))

/**
 * A worker is told everything over its channel. The variables of the sidecar stay here: a token may be
 * among them, and other programs of this user can read a process's environment.
 */
function startWorkerProcess(
  environment: Readonly<Record<string, string | undefined>>,
): ChildProcess {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('BLAZON_'))
  return fork(workerProgram, [], {
    env: Object.fromEntries(kept),
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
