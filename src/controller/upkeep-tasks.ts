import type { Clock } from '../base/clock.ts'
import { headFields } from './audit/audit-log.ts'
import type { Core } from './core.ts'
import type { CertificateKeeper } from './server/certificate-keeper.ts'
import { pruneCertificates, pruneKeys } from './store/certificates.ts'
import { pruneGrants } from './store/grants.ts'
import { pruneJoinTokens } from './store/join-tokens.ts'
import { forgetEnded } from './workloads/forget-ended.ts'
import { createLateReport } from './mesh/late-report.ts'
import { isDue, type UpkeepTask } from './upkeep.ts'

/** Certified keys and expired tokens are remembered for so long: nothing is left alive of them by then. */
const keysKeptMs = 30 * 24 * 3_600_000

/** What a running controller does by itself. */
export function upkeepTasks(deps: {
  readonly core: Core
  readonly keeper: CertificateKeeper
  readonly announceAuthority: () => Promise<void>
}): readonly UpkeepTask[] {
  const { core, keeper, announceAuthority } = deps
  const { timings, clock, log } = core
  const reportLate = createLateReport()
  const surelyPast = createSurelyPast(clock)

  return [
    {
      name: 'heartbeat',
      everyMs: timings.heartbeatMs,
      run: async () => {
        await core.distributor.heartbeat()
      },
    },
    {
      name: 'own-certificate',
      everyMs: timings.tickMs,
      run: async () => {
        if (isDue(keeper.current.renewAtMs, clock)) await keeper.renew()
      },
    },
    {
      name: 'deferred-writes',
      everyMs: timings.tickMs,
      run: () => core.changes.run(() => core.deferred.retry()),
    },
    {
      name: 'late-sidecars',
      everyMs: timings.tickMs,
      run: async () => {
        core.metrics.lagging.set(core.distributor.lagging().length)
        await reportLate(core)
      },
    },
    {
      name: 'incidents',
      everyMs: timings.tickMs,
      run: () => core.changes.run(() => core.incidents.flush()),
    },
    {
      name: 'floors',
      everyMs: timings.tickMs,
      run: () => raiseDueFloors(core),
    },
    {
      name: 'expiry',
      everyMs: timings.tickMs,
      run: async () => {
        if (await core.expiry.look()) log.info({}, 'rules or labels expired')
      },
    },
    {
      name: 'authority',
      everyMs: timings.maintenanceMs,
      run: async () => {
        await core.changes.run(() => core.authority.advance())
        await announceAuthority()
      },
    },
    {
      name: 'audit-head',
      everyMs: timings.auditHeadMs,
      run: () => {
        log.info(headFields(core.audit.head()), 'audit head')
        return Promise.resolve()
      },
    },
    {
      name: 'prune',
      everyMs: timings.maintenanceMs,
      run: () => prune(core, surelyPast()),
    },
    {
      name: 'forget-workloads',
      everyMs: timings.maintenanceMs,
      run: async () => {
        const endedBefore = surelyPast() - timings.workloadsKeptMs
        const forgotten = await core.changes.run(() => forgetEnded(core, endedBefore))
        if (forgotten > 0) log.info({ workloads: forgotten }, 'workloads that have ended forgotten')
      },
    },
    {
      name: 'prune-flows',
      everyMs: timings.maintenanceMs,
      run: () => core.flows.prune(surelyPast() - timings.flowsKeptMs),
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

/**
 * The time, or less: a clock that is put forward may be put back, and what it said is over is not.
 * Revocations and used tokens are forgotten only once as much time has passed since the start.
 */
function createSurelyPast(clock: Clock): () => number {
  const [startMs, startedMs] = [clock.now(), clock.monotonic()]
  return () => Math.min(clock.now(), startMs + clock.monotonic() - startedMs)
}

async function prune(core: Core, now: number): Promise<void> {
  core.registry.prune(now)
  await core.changes.run(() =>
    core.store.change(async (tables) => {
      await pruneCertificates(tables, now)
      await pruneKeys(tables, now - keysKeptMs)
      await pruneJoinTokens(tables, now - keysKeptMs)
      await pruneGrants(tables, now)
      await core.floors.prune(tables, now)
    }),
  )
}
