import { chmod, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatHostPort } from '../base/env.ts'
import type { Backstage } from './backstage.ts'
import { startBlazon } from './blazon-process.ts'
import type { Addresses } from './cast.ts'
import type { RunningProcess } from './supervisor.ts'
import { trustDomain } from './trust-domain.ts'

/** The controller, which can be killed and started again on what it has stored. */
export interface ControllerProcess {
  /** Roots by which it is recognised, which everybody may read; written at its first start. */
  readonly bundleFile: string
  /** The one-time secret of the first administrator. */
  readonly secretFile: string
  running(): RunningProcess
  crash(): Promise<void>
  start(): Promise<void>
}

export async function startController(
  backstage: Backstage,
  addresses: Addresses,
  extra: Readonly<Record<string, string>> = {},
): Promise<ControllerProcess> {
  const directory = await backstage.files.make('controller')
  const launch = (): Promise<RunningProcess> =>
    startBlazon(backstage, {
      name: 'controller',
      role: 'controller',
      status: addresses.controllerStatus,
      environment: {
        BLAZON_TRUST_DOMAIN: trustDomain,
        BLAZON_DATA_DIR: directory,
        BLAZON_LISTEN: formatHostPort(addresses.controller),
        BLAZON_METRICS_LISTEN: formatHostPort(addresses.controllerStatus),
        BLAZON_GATEWAY_LISTEN: 'off',
        ...extra,
      },
    })
  let running = await launch()
  const bundleFile = join(backstage.files.path, 'bundle.pem')
  await copyFile(join(directory, 'bundle.pem'), bundleFile)
  await chmod(bundleFile, 0o644)
  return {
    bundleFile,
    secretFile: join(directory, 'first-administrator'),
    running: () => running,
    crash: () => running.crash(),
    start: async () => {
      running = await launch()
    },
  }
}
