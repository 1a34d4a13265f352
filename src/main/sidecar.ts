import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { createImds, imdsEndpoints, openInstanceMetadata } from '../aws/index.ts'
import { codeOf } from '../base/errors.ts'
import { nameServersOf } from '../base/resolv-conf.ts'
import { readSidecarConfig, startSidecar } from '../sidecar/index.ts'
import { createLogger } from './logger.ts'

/**
 * Runs a sidecar by its environment until `signal` aborts, then drains. Throws a `ConfigError` that
 * names every problem, or what the start or a part that should never end failed with.
 */
export async function runSidecar(
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  // Records of bulk are memory outside the heap that is free again at once. By default every 32 MB of
  // them, several times a second, start a collection of the whole heap, which costs more than the bulk.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  const config = readSidecarConfig(environment, nameServers())
  const log = createLogger({ level: config.logLevel, name: 'sidecar' })
  const endpoints = config.imdsEndpoint === undefined ? imdsEndpoints : [config.imdsEndpoint]
  const metadata = openInstanceMetadata(createImds({ endpoints }))
  await using sidecar = await startSidecar({ config, version: version(), metadata, log })
  log.info(
    {
      workload: config.workload,
      egress: sidecar.egressAddresses,
      ingress: sidecar.ingressAddresses,
      status: sidecar.statusAddress,
    },
    'sidecar started',
  )
  await Promise.race([sidecar.failed, aborted(signal)])
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

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve()
      },
      { once: true },
    )
  })
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
