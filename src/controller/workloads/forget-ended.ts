import { removeWorkloadLabels } from '../store/workload-labels.ts'
import type { Store } from '../store/store.ts'
import { removeWorkload } from '../store/workloads.ts'
import type { Registry } from './registry.ts'
import type { WorkloadLabels } from './workload-labels.ts'

/** A round of upkeep changes no more than this at once; the next one goes on. */
const mostAtOnce = 1_000

/**
 * Forgets workloads whose last SVID ended before that time: fleets scale up and down, and each new
 * machine brings new ones. What is revoked or frozen is kept, for it may never come back. Counts them.
 * Must not run beside a change.
 */
export async function forgetEnded(
  deps: {
    readonly store: Pick<Store, 'change'>
    readonly registry: Pick<Registry, 'workloads' | 'forgetWorkload'>
    readonly workloadLabels: Pick<WorkloadLabels, 'forget'>
  },
  endedBefore: number,
): Promise<number> {
  const { store, registry, workloadLabels } = deps
  const ended = registry
    .workloads()
    .filter(({ stored }) => stored.standing === 'good' && stored.lastNotAfterMs < endedBefore)
    .take(mostAtOnce)
    .map(({ stored }) => stored.workloadId)
    .toArray()
  if (ended.length === 0) return 0
  await store.change(async (tables) => {
    for (const workloadId of ended) {
      await removeWorkload(tables, workloadId)
      await removeWorkloadLabels(tables, workloadId)
    }
  })
  for (const workloadId of ended) {
    registry.forgetWorkload(workloadId)
    workloadLabels.forget(workloadId)
  }
  return ended.length
}
