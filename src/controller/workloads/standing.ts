import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { WorkloadCaller } from '../caller.ts'
import { unauthenticated } from '../caller.ts'
import { claimantKey, type Incidents, type Occurrence } from '../incidents.ts'
import { putCertificate, type StoredCertificate } from '../store/certificates.ts'
import type { Tables } from '../store/store.ts'
import { putWorkload, type StoredWorkload } from '../store/workloads.ts'
import type { DeferredWrites } from './deferred-writes.ts'
import type { FloorCatchUp } from './floor-catch-up.ts'
import type { FloorKeeper } from './floor-keeper.ts'
import { activeCertificate, type RegisteredWorkload, type Registry } from './registry.ts'

/** Which certificates of a workload count, and whether it gets new ones. Its calls must not run side by side. */
export interface StandingKeeper {
  /**
   * Takes note that a certificate is in use: the newest one that is makes the older ones superseded.
   * Throws `ControllerError` for one that is itself.
   */
  activate(caller: WorkloadCaller): Promise<RegisteredWorkload>
  /** Revokes every certificate that the workload has; answers with the floor. */
  revoke(entry: RegisteredWorkload, reason: string, refusesRenewal: boolean): Promise<number>
  /** The same as part of a transaction, once what this returns is called; it may enrol again. */
  revokeIn(tables: Tables, entry: RegisteredWorkload, reason: string): Promise<() => void>
  /** Lets a revoked or frozen workload enrol again; its old certificates stay revoked. */
  reinstate(entry: RegisteredWorkload): Promise<void>
  /**
   * Two hold the certificates of one workload: neither goes on, and somebody has to look (PROTOCOL §3,
   * "Renew"). `serial` is the superseded one that was used.
   */
  freeze(entry: RegisteredWorkload, serial: string, source: string): Promise<void>
  /** Raises a floor that was left to catch up. */
  raiseTo(workloadId: string, generation: number): Promise<void>
}

export function createStandingKeeper(deps: {
  readonly deferred: DeferredWrites
  readonly registry: Registry
  readonly floors: FloorKeeper
  readonly catchUp: FloorCatchUp
  readonly clock: Clock
  /** How long a sidecar gets to re-authenticate its tunnels once it uses its new certificate. */
  readonly reauthenticateMs: number
  readonly incidents: Incidents
  readonly log: Logger
}): StandingKeeper {
  const { deferred, registry, floors, catchUp, incidents, clock, log } = deps

  const raise = async (
    tables: Tables,
    stored: StoredWorkload,
    lowestGoodGeneration: number,
    reason: string,
    incident?: Occurrence,
  ): Promise<() => void> => {
    await putWorkload(tables, stored)
    const opened = incident === undefined ? undefined : await incidents.open(tables, incident)
    const raised = await floors.raise(tables, {
      workloadId: stored.workloadId,
      lowestGoodGeneration,
      lastNotAfterMs: stored.lastNotAfterMs,
      reason,
      now: clock.now(),
    })
    return () => {
      registry.putWorkload(stored)
      raised()
      opened?.()
      log.info(
        { workload: stored.workloadId, floor: lowestGoodGeneration, reason },
        'workload floor raised',
      )
    }
  }
  const change = async (work: (tables: Tables) => Promise<() => void>): Promise<void> => {
    const apply = await deferred.change(work)
    apply()
  }

  /** The floor above everything that was issued. */
  const floorAbove = ({ stored }: RegisteredWorkload): number =>
    Math.max(stored.generation + 1, floors.floors().lowestGood(stored.workloadId))

  return {
    activate: async (caller) => {
      const { workloadId, generation } = caller.facts
      const entry = registry.workload(workloadId)
      if (entry === undefined) throw unauthenticated(`workload ${workloadId} is not known`)
      if (entry.stored.standing !== 'good') throw unauthenticated(entry.stored.standing)
      const known = entry.certificates.get(caller.peer.serial)
      if (known?.state === 'active') return entry
      const activated = known ?? unrecorded(caller, entry)
      if (activated === undefined || activated.state === 'superseded') {
        throw unauthenticated(`serial ${caller.peer.serial} is superseded`)
      }
      const changed = [
        ...[...entry.certificates.values()]
          .filter((one) => one.state !== 'superseded' && one.issue < activated.issue)
          .map((one): StoredCertificate => ({ ...one, state: 'superseded' })),
        { ...activated, state: 'active' as const },
      ]
      const lastNotAfterMs = Math.max(entry.stored.lastNotAfterMs, activated.notAfterMs)
      const stored = { ...entry.stored, lastNotAfterMs }
      await deferred.writeOrDefer(async (tables) => {
        if (known === undefined) await putWorkload(tables, stored)
        for (const one of changed) await putCertificate(tables, one)
      })
      if (known === undefined) registry.putWorkload(stored)
      for (const one of changed) registry.putCertificate(one)
      if (generation > floors.floors().lowestGood(workloadId)) {
        catchUp.plan(workloadId, generation, clock.now() + deps.reauthenticateMs)
      }
      return entry
    },
    revoke: async (entry, reason, refusesRenewal) => {
      const floor = floorAbove(entry)
      const { stored } = entry
      const changed: StoredWorkload = refusesRenewal
        ? { ...stored, standing: 'revoked', standingReason: reason }
        : stored
      await change((tables) => raise(tables, changed, floor, reason))
      return floor
    },
    revokeIn: (tables, entry, reason) => raise(tables, entry.stored, floorAbove(entry), reason),
    reinstate: async ({ stored }) => {
      const changed: StoredWorkload = { ...stored, standing: 'good', standingReason: '' }
      await deferred.change((tables) => putWorkload(tables, changed))
      registry.putWorkload(changed)
      log.info({ workload: stored.workloadId }, 'workload reinstated')
    },
    freeze: async (entry, serial, source) => {
      const reason = `serial ${serial} was used for a renewal after it was replaced`
      const frozen: StoredWorkload = {
        ...entry.stored,
        standing: 'frozen',
        standingReason: reason,
      }
      const incident = supersededSerial(entry, serial, source)
      await change((tables) => raise(tables, frozen, floorAbove(entry), reason, incident))
    },
    raiseTo: async (workloadId, generation) => {
      const entry = registry.workload(workloadId)
      if (entry === undefined || floors.floors().lowestGood(workloadId) >= generation) return
      const reason = 'the profile of the workload has changed'
      await change((tables) => raise(tables, entry.stored, generation, reason))
    },
  }
}

function supersededSerial(entry: RegisteredWorkload, serial: string, source: string): Occurrence {
  const { workloadId, spiffeId, nodeKeySha256 } = entry.stored
  return {
    kind: 'superseded-serial',
    subject: workloadId,
    summary:
      'a certificate was used for a renewal after it had been replaced, the workload is frozen: two hold its keys',
    details: [
      { key: 'spiffe-id', value: spiffeId },
      { key: claimantKey, value: nodeKeySha256 },
      { key: 'superseded-serial', value: serial },
      { key: 'active-serial', value: activeCertificate(entry)?.serial ?? '' },
      { key: 'source', value: source },
    ],
  }
}

/**
 * A certificate of ours that the store has no row for: it was issued while the disk refused, and the
 * controller was restarted since. It counts unless a newer one is in use.
 */
function unrecorded(
  { peer, facts }: WorkloadCaller,
  entry: RegisteredWorkload,
): StoredCertificate | undefined {
  const active = activeCertificate(entry)
  const [leaf, issuer] = peer.chain
  const isOlder = active !== undefined && peer.notBefore < active.notBeforeMs
  if (isOlder || leaf === undefined || issuer === undefined) return undefined
  return {
    serial: peer.serial,
    workloadId: facts.workloadId,
    issue: Math.max(0, ...Array.from(entry.certificates.values(), ({ issue }) => issue)) + 1,
    generation: facts.generation,
    state: 'pending',
    csrSha256: '',
    chain: [leaf, issuer],
    notBeforeMs: peer.notBefore,
    notAfterMs: peer.notAfter,
  }
}
