import { writeBundleFile } from './bundle-file.ts'
import type { ControllerConfig } from './config.ts'
import type { Core } from './core.ts'
import type { TlsListener } from './server/listener.ts'
import { issueOwnCertificate, type OwnCertificate } from './server/own-certificate.ts'
import { pruneCertificates, pruneKeys } from './store/certificates.ts'
import { pruneFlows } from './store/flows.ts'
import { pruneJoinTokens } from './store/join-tokens.ts'
import { isDue, type UpkeepTask } from './upkeep.ts'

/** Certified keys and expired tokens are remembered for so long: nothing is left alive of them by then. */
const keysKeptMs = 30 * 24 * 3_600_000

/** What a running controller does by itself. */
export function upkeepTasks(deps: {
  readonly core: Core
  readonly config: ControllerConfig
  readonly listener: TlsListener
  readonly certificate: OwnCertificate
}): readonly UpkeepTask[] {
  const { core, config, listener } = deps
  const { timings, clock, log } = core
  let certificate = deps.certificate

  const renewOwnCertificate = async (): Promise<void> => {
    certificate = await issueOwnCertificate(core.authority, timings.ownCertificateMs, clock)
    listener.renew(certificate)
    log.info({ serial: certificate.serial }, 'own certificate renewed')
  }

  return [
    {
      name: 'heartbeat',
      everyMs: timings.heartbeatMs,
      run: async () => {
        await core.distributor.heartbeat()
      },
    },
    {
      name: 'catch-up',
      everyMs: timings.tickMs,
      run: async () => {
        if (isDue(certificate.renewAtMs, clock)) await renewOwnCertificate()
        core.metrics.lagging.set(core.distributor.lagging().length)
        await core.changes.run(() => core.deferred.retry())
        await raiseDueFloors(core)
      },
    },
    {
      name: 'authority',
      everyMs: timings.maintenanceMs,
      run: async () => {
        const isChanged = await core.changes.run(() => core.authority.advance())
        if (!isChanged) return
        await pushBundle(core)
        await writeBundleFile(config.dataDirectory, core.authority.bundle())
        await renewOwnCertificate()
      },
    },
    {
      name: 'prune',
      everyMs: timings.maintenanceMs,
      run: () => prune(core),
    },
  ]
}

async function raiseDueFloors({ catchUp, changes, standing, clock, log }: Core): Promise<void> {
  for (const { workloadId, generation } of catchUp.due(clock.now())) {
    try {
      await changes.run(() => standing.raiseTo(workloadId, generation))
    } catch (error: unknown) {
      catchUp.plan(workloadId, generation, clock.now())
      log.error({ workload: workloadId, error }, 'floor not raised, will be tried again')
    }
  }
}

/** Gives the bundle a version of its own and sends it to everybody. */
export async function pushBundle({ store, changes, book, distributor }: Core): Promise<void> {
  await changes.run(async () => {
    const apply = await store.change((tables) => book.bump(tables))
    apply()
  })
  await distributor.bundleChanged()
}

async function prune(core: Core): Promise<void> {
  const now = core.clock.now()
  core.registry.prune(now)
  await core.changes.run(() =>
    core.store.change(async (tables) => {
      await pruneCertificates(tables, now)
      await pruneKeys(tables, now - keysKeptMs)
      await pruneJoinTokens(tables, now - keysKeptMs)
      await pruneFlows(tables, now - core.timings.flowsKeptMs)
      await core.floors.prune(tables, now)
    }),
  )
}
