import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Evaluator } from './evaluation.ts'
import type { FloorCatchUp } from './floor-catch-up.ts'
import type { WorkloadLabels } from './workload-labels.ts'
import { restoreAttributes, type RegisteredWorkload, type Registry } from './registry.ts'

/** Finds the workloads that a change of rules or labels has made into something else. */
export interface Recheck {
  /** Asks each of them to renew, and plans its floor for when it does not. Counts them. */
  all(): Promise<number>
  /** The same for one; whether it has become something else. */
  one(entry: RegisteredWorkload): boolean
}

/** Looking at one takes some 100 µs: a large fleet must not hold up everything else. */
const workloadsPerTurn = 50

export function createRecheck(deps: {
  readonly registry: Registry
  readonly evaluator: Evaluator
  readonly workloadLabels: WorkloadLabels
  readonly catchUp: FloorCatchUp
  readonly clock: Clock
  /** How long a workload may go on with a certificate that says what it is not any more. */
  readonly graceMs: number
  readonly renewNow: (workloadId: string, reason: string) => void
  readonly log: Logger
}): Recheck {
  const { registry, evaluator, catchUp, clock, log } = deps

  const isStale = ({ stored, profile }: RegisteredWorkload): boolean => {
    try {
      const evaluation = evaluator.evaluate({
        name: stored.name,
        attested: restoreAttributes(stored.attested),
        documentForm: stored.documentForm === '' ? undefined : stored.documentForm,
        reported: restoreAttributes(stored.reported),
        labels: deps.workloadLabels.of(stored.workloadId),
      })
      return evaluation.profile.digest !== profile.digest || evaluation.spiffeId !== stored.spiffeId
    } catch (error: unknown) {
      // It keeps what it has until its renewal is refused with this same reason.
      log.warn(
        { workload: stored.workloadId, reason: messageOf(error) },
        'workload may not be renewed any more',
      )
      return false
    }
  }

  const one = (entry: RegisteredWorkload): boolean => {
    const { workloadId, generation, lastNotAfterMs } = entry.stored
    if (lastNotAfterMs <= clock.now()) return false
    if (!isStale(entry)) {
      catchUp.cancel(workloadId, generation + 1)
      return false
    }
    catchUp.plan(workloadId, generation + 1, clock.now() + deps.graceMs)
    deps.renewNow(workloadId, 'the attributes of this workload have changed')
    return true
  }

  return {
    one,
    all: async () => {
      let stale = 0
      let looked = 0
      for (const entry of registry.workloads()) {
        if (++looked % workloadsPerTurn === 0) await nextTurn()
        if (one(entry)) stale += 1
      }
      return stale
    },
  }
}
