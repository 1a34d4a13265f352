import type { Clock } from '../../base/clock.ts'
import type { SerialQueue } from '../serial-queue.ts'
import type { Incidents, Occurrence } from '../incidents.ts'
import { acknowledgeMs, type Distributor } from './distributor.ts'
import type { Watcher } from './watcher.ts'

/**
 * Reports sidecars that have neither acknowledged nor rejected a version in time, each once for a
 * version. All of one version are one incident: a slow fleet must not bury what else there is.
 */
export function createLateReport(): (deps: {
  readonly distributor: Distributor
  readonly incidents: Incidents
  readonly changes: SerialQueue
  readonly clock: Clock
}) => Promise<void> {
  let reported = new Map<Watcher, number>()
  return async ({ distributor, incidents, changes, clock }) => {
    const late = distributor.lagging().filter(({ status: { waitingSinceMs = Infinity } }) => {
      return clock.now() - waitingSinceMs > acknowledgeMs
    })
    const fresh = late.filter((watcher) => reported.get(watcher) !== watcher.status.sentVersion)
    reported = new Map(late.map((watcher) => [watcher, watcher.status.sentVersion]))
    if (fresh.length === 0) return
    await changes.run(async () => {
      for (const watcher of fresh) await incidents.report(unacknowledged(watcher))
    })
  }
}

function unacknowledged({ caller, open, status }: Watcher): Occurrence {
  return {
    kind: 'policy-unacknowledged',
    subject: versionSubject(status.sentVersion),
    summary: `sidecars have not acknowledged a version of the policy for ${String(acknowledgeMs / 1_000)} s: they enforce the one before`,
    details: [
      { key: 'workload', value: caller.facts.workloadId },
      { key: 'sidecar-version', value: open.sidecarVersion },
    ],
  }
}

/** The incident of a sidecar that refuses the newest version. */
export function rejected({ caller, open, status }: Watcher): Occurrence {
  return {
    kind: 'policy-rejected',
    subject: versionSubject(status.sentVersion),
    summary: 'sidecars have rejected a version of the policy: they enforce the one before',
    details: [
      { key: 'workload', value: caller.facts.workloadId },
      { key: 'sidecar-version', value: open.sidecarVersion },
      { key: 'reason', value: status.rejected },
    ],
  }
}

/** The incident of a sidecar that is too old for something that concerns it. */
export function tooOld({ caller, open }: Watcher, shortfall: string): Occurrence {
  return {
    kind: 'policy-rejected',
    subject: `sidecars of schema version ${String(open.schemaVersion)}`,
    summary:
      'sidecars are too old for a part of the policy: they allow less than it, or keep the one before',
    details: [
      { key: 'workload', value: caller.facts.workloadId },
      { key: 'sidecar-version', value: open.sidecarVersion },
      { key: 'reason', value: shortfall },
    ],
  }
}

function versionSubject(version: number): string {
  return `policy version ${String(version)}`
}
