import type { FlowReporter } from './half.ts'

/** How far each run of each sidecar has reported, so that a repeated report is not counted again. */
export interface ReporterLedger {
  check(workloadId: string, runId: string, sequence: number): SequenceVerdict
  advance(workloadId: string, runId: string, sequence: number): void
}

export type SequenceVerdict =
  | { readonly kind: 'new' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'gap'; readonly expected: number }

/** Runs remembered for one workload: a sidecar has one, and one that ended may have a report under way. */
export const runsPerWorkload = 4

export function createReporterLedger(known: Iterable<FlowReporter>): ReporterLedger {
  const workloads = new Map<string, Map<string, number>>()

  const advance = (workloadId: string, runId: string, sequence: number): void => {
    const runs = workloads.get(workloadId) ?? new Map<string, number>()
    workloads.set(workloadId, runs)
    runs.delete(runId)
    runs.set(runId, sequence)
    const [oldest] = runs.keys()
    if (runs.size > runsPerWorkload && oldest !== undefined) runs.delete(oldest)
  }
  for (const { workloadId, runId, sequence } of known) advance(workloadId, runId, sequence)

  return {
    check: (workloadId, runId, sequence) => {
      const last = workloads.get(workloadId)?.get(runId)
      // A run we know nothing of may have begun before our memory does.
      if (last === undefined || sequence === last + 1) return { kind: 'new' }
      if (sequence <= last) return { kind: 'repeated' }
      return { kind: 'gap', expected: last + 1 }
    },
    advance,
  }
}
