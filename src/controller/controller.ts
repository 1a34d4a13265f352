import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, type Clock } from '../base/clock.ts'
import { formatHostPort, type HostPort } from '../base/env.ts'
import type { Logger } from '../base/logger.ts'
import { bundleFingerprint } from '../identity/index.ts'
import { createAdminService } from './admin/service.ts'
import { writeBundleFile } from './bundle-file.ts'
import { ControllerError } from './controller-error.ts'
import type { ControllerConfig } from './config.ts'
import { openCore, type Core } from './core.ts'
import { createAttest } from './enrolment/attest.ts'
import { createClaim } from './enrolment/claim.ts'
import { createBootstrapSecret, type BootstrapSecret } from './enrolment/bootstrap-secret.ts'
import { createEnrolmentService } from './enrolment/service.ts'
import { createRenew } from './mesh/renew.ts'
import { createMeshService } from './mesh/service.ts'
import { createFront, type Front } from './server/front.ts'
import { createHealthService } from './server/health.ts'
import { issueOwnCertificate } from './server/own-certificate.ts'
import type { ServedService } from './server/rpc.ts'
import { serveStatus } from './server/status-server.ts'
import { createSourceRate } from './server/call-limits.ts'
import type { Store } from './store/store.ts'
import { upkeepTasks } from './upkeep-tasks.ts'
import { startUpkeep } from './upkeep.ts'

export interface ControllerDeps {
  readonly log: Logger
  readonly clock?: Clock
  readonly version: string
  /** Whether the metrics hold those of the process as well: not where it is shared. */
  readonly withProcessMetrics?: boolean
  /** Where state is kept; by default a SQLite file in the data directory. */
  readonly openStore?: (file: string) => Promise<Store>
}

/** A controller that runs. Disposing of it ends streams, finishes writes and closes the store. */
export interface Controller extends AsyncDisposable {
  readonly address: HostPort
  readonly metricsAddress: HostPort
  /** What clients that have no bundle yet pin this controller by. */
  readonly fingerprint: string
  readonly bundleFile: string
  /** Where the first administrator's secret is; undefined once there is one. */
  readonly secretFile: string | undefined
}

/** Starts a controller on its data directory. */
export async function startController(
  config: ControllerConfig,
  deps: ControllerDeps,
): Promise<Controller> {
  const { log, clock = systemClock } = deps
  await using opened = new AsyncDisposableStack()
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const core = opened.use(await openCore(config, { ...deps, clock }))
  const secret = await firstAdministratorSecret(core, config)
  const front = createFront({
    ...core,
    address: config.listen,
    limits: { ...core.limits, handshakeMs: 10_000 },
    administrator: (serial) => core.administrators.find(serial),
  })
  let isServing = true
  const certificate = await issueOwnCertificate(
    core.authority,
    core.timings.ownCertificateMs,
    clock,
  )
  const services = createServices(core, front, secret, () => isServing)
  const listener = opened.use(await front.listen(services, certificate))
  const bundleFile = await writeBundleFile(config.dataDirectory, core.authority.bundle())
  opened.use(startUpkeep(upkeepTasks({ core, config, listener, certificate }), log))
  const status = opened.use(
    await serveStatus({
      listen: config.metricsListen,
      registry: core.metrics.registry,
      isReady: () => isServing,
    }),
  )
  opened.defer(() => {
    isServing = false
    core.distributor.endAll(new ControllerError('ERR_UNAVAILABLE', 'the controller is stopping'))
  })
  const fingerprint = bundleFingerprint(core.authority.bundle())
  log.info(
    {
      trust_domain: config.trustDomain,
      listen: formatHostPort(listener.address),
      metrics: formatHostPort(status.address),
      fingerprint,
      bundle: bundleFile,
      first_administrator: secret?.file,
      version: deps.version,
    },
    'controller started',
  )
  const running = opened.move()
  return {
    address: listener.address,
    metricsAddress: status.address,
    fingerprint,
    bundleFile,
    secretFile: secret?.file,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Without an administrator who could still call, whoever can read the data directory may become one. */
async function firstAdministratorSecret(
  core: Core,
  { dataDirectory }: ControllerConfig,
): Promise<BootstrapSecret | undefined> {
  if (core.administrators.exist()) return undefined
  return createBootstrapSecret(join(dataDirectory, 'first-administrator'))
}

function createServices(
  core: Core,
  { adapter }: Front,
  secret: BootstrapSecret | undefined,
  isServing: () => boolean,
): readonly ServedService[] {
  const { trustDomain } = core.authority
  const { graceMs } = core.timings
  const common = { ...core, adapter, trustDomain, graceMs }
  const rate = createSourceRate({
    burst: core.limits.enrolmentBurst,
    perSecond: core.limits.enrolmentPerSecond,
    sources: 100_000,
  })
  return [
    createEnrolmentService({
      ...common,
      rate,
      attest: createAttest(common),
      claim: createClaim({ ...core, secret }),
    }),
    createMeshService({
      ...common,
      renew: createRenew(common),
      policyVersion: () => core.book.version,
    }),
    createAdminService({ ...common, onDocumentsChanged: core.onDocumentsChanged }),
    createHealthService(isServing),
  ]
}
