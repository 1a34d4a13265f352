import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, type Clock } from '../base/clock.ts'
import { formatHostPort, type HostPort } from '../base/env.ts'
import type { Logger } from '../base/logger.ts'
import {
  loadIidKeys,
  loadX509Authorities,
  type IidKeys,
  type X509Authorities,
} from '../attest/index.ts'
import { bundleFingerprint } from '../identity/index.ts'
import { createAdminCalls, type AdminCalls } from './admin/calls.ts'
import { createAdminService } from './admin/service.ts'
import { createAnnounceAuthority } from './announce-authority.ts'
import { writeBundleFile } from './bundle-file.ts'
import { ControllerError } from './controller-error.ts'
import type { ControllerConfig } from './config.ts'
import { openCore, type Core } from './core.ts'
import { createAttest } from './enrolment/attest.ts'
import { createEnrolmentPlanner } from './enrolment/enrol.ts'
import { createEnrolmentBatches } from './enrolment/enrolment-batches.ts'
import { createClaim } from './enrolment/claim.ts'
import { createBootstrapSecret, type BootstrapSecret } from './enrolment/bootstrap-secret.ts'
import { createEnrolmentService } from './enrolment/service.ts'
import { serveGateway, type Gateway } from './gateway/gateway.ts'
import { createSignIn, type SignIn } from './gateway/sign-in.ts'
import { createRenew } from './mesh/renew.ts'
import { createMeshService } from './mesh/service.ts'
import { createAuthenticate, type Authenticate } from './oidc/bearer.ts'
import { createTokenVerifier } from './oidc/token-verifier.ts'
import { createCertificateKeeper, type CertificateKeeper } from './server/certificate-keeper.ts'
import { createFront, type Front } from './server/front.ts'
import { createHealthService } from './server/health.ts'
import { createReflectionServices } from './server/reflection.ts'
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
  /** Undefined without an HTTP gateway. */
  readonly gatewayAddress: HostPort | undefined
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
  const evidence = await loadOutsideEvidence(config)
  const { strangerSilenceMs } = core.timings
  const front = createFront({
    ...core,
    address: config.listen,
    limits: { ...core.limits, handshakeMs: 10_000, strangerSilenceMs },
    administrator: (serial) => core.administrators.find(serial),
  })
  let isServing = true
  const keeper = await createCertificateKeeper(core.authority, core.timings.ownCertificateMs, core)
  const announceAuthority = createAnnounceAuthority(core, config.dataDirectory, keeper)
  const administration = createAdministration(core, config, announceAuthority)
  const services = createServices(core, front, administration, secret, evidence, () => isServing)
  const listener = opened.use(await front.listen(services, keeper.current))
  keeper.onRenewed((renewed) => {
    listener.renew(renewed)
  })
  const gateway = await openGateway({ core, config, front, keeper, administration })
  if (gateway !== undefined) opened.use(gateway)
  const bundleFile = await writeBundleFile(config.dataDirectory, core.authority.bundle())
  opened.use(startUpkeep(upkeepTasks({ core, keeper, announceAuthority }), log))
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
      gateway: gateway?.origins.join(' '),
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
    gatewayAddress: gateway?.address,
    fingerprint,
    bundleFile,
    secretFile: secret?.file,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** What evidence that others have signed is checked by. */
interface OutsideEvidence {
  readonly iidKeys: IidKeys
  readonly x509Authorities: X509Authorities | undefined
}

async function loadOutsideEvidence(config: ControllerConfig): Promise<OutsideEvidence> {
  const { iidKeysFile, x509CaFile } = config
  return {
    iidKeys: await loadIidKeys(iidKeysFile),
    x509Authorities: x509CaFile === undefined ? undefined : await loadX509Authorities(x509CaFile),
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

/** How administrators call, whichever way they come. */
interface Administration {
  readonly calls: AdminCalls
  readonly authenticate: Authenticate
  readonly signIn: SignIn | undefined
  /** To be told where browsers find the gateway, once it listens. */
  readonly origin: { current: string }
}

function createAdministration(
  core: Core,
  { oidc = [], gateway }: ControllerConfig,
  announceAuthority: () => Promise<void>,
): Administration {
  const origin = { current: '' }
  const signIn =
    gateway === undefined ? undefined : createSignIn({ ...core, origin: () => origin.current })
  return {
    calls: createAdminCalls({ ...core, signIn, announceAuthority }),
    authenticate: createAuthenticate(
      oidc.length === 0 ? undefined : createTokenVerifier(oidc, core),
    ),
    signIn,
    origin,
  }
}

async function openGateway(parts: {
  readonly core: Core
  readonly config: ControllerConfig
  readonly front: Front
  readonly keeper: CertificateKeeper
  readonly administration: Administration
}): Promise<Gateway | undefined> {
  const { core, config, front, keeper, administration } = parts
  const { signIn, origin } = administration
  if (config.gateway === undefined || signIn === undefined) return undefined
  const deps = { ...core, ...administration, signIn, adapter: front.adapter }
  const gateway = await serveGateway(config.gateway, keeper.current, deps)
  origin.current = gateway.origins[0] ?? ''
  keeper.onRenewed((renewed) => {
    gateway.renew(renewed)
  })
  return gateway
}

function createServices(
  core: Core,
  { adapter, connections }: Front,
  administration: Administration,
  secret: BootstrapSecret | undefined,
  evidence: OutsideEvidence,
  isServing: () => boolean,
): readonly ServedService[] {
  const { trustDomain } = core.authority
  const { graceMs } = core.timings
  const common = { ...core, adapter, trustDomain, graceMs }
  const enrol = createEnrolmentBatches({
    ...core,
    plan: createEnrolmentPlanner(common),
    underWay: () => core.challenges.strangers.open,
  })
  const rate = createSourceRate({
    burst: core.limits.enrolmentBurst,
    perSecond: core.limits.enrolmentPerSecond,
    sources: 100_000,
  })
  return [
    createEnrolmentService({
      ...common,
      rate,
      attest: createAttest({ ...common, ...evidence, enrol }),
      claim: createClaim({ ...core, secret }),
    }),
    createMeshService({
      ...common,
      renew: createRenew(common),
      policyVersion: () => core.book.version,
    }),
    createAdminService({ ...administration, adapter }),
    ...createReflectionServices({ ...core, ...administration, adapter }),
    createHealthService(isServing, connections),
  ]
}
