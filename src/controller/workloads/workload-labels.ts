import type { Attribute } from '../../identity/index.ts'
import {
  loadWorkloadLabels,
  putWorkloadLabel,
  removeWorkloadLabel,
  type StoredLabel,
} from '../store/workload-labels.ts'
import type { Tables } from '../store/store.ts'

/** What is to become of the labels of one workload. */
export interface LabelChange {
  readonly workloadId: string
  readonly labels: ReadonlyMap<string, string>
  readonly author: string
  readonly now: number
}

/** Labels that administrators gave to single workloads, beside those of documents and rules. */
export interface WorkloadLabels {
  /** By key, without `label.` before it. */
  of(workloadId: string | undefined): ReadonlyMap<string, string>
  /** Stores the labels in place of those that are set; they count once what it returns is called. */
  replace(tables: Tables, change: LabelChange): Promise<() => void>
  /** Of a workload that is forgotten. */
  forget(workloadId: string): void
}

const none: ReadonlyMap<string, string> = new Map()

export async function openWorkloadLabels(tables: Tables): Promise<WorkloadLabels> {
  const byWorkload = new Map<string, ReadonlyMap<string, string>>()
  const stored = Map.groupBy(await loadWorkloadLabels(tables), ({ workloadId }) => workloadId)
  for (const [workloadId, labels] of stored) byWorkload.set(workloadId, mapOf(labels))
  const labelsOf = (workloadId: string | undefined): ReadonlyMap<string, string> =>
    byWorkload.get(workloadId ?? '') ?? none

  return {
    of: labelsOf,
    replace: async (tx, { workloadId, labels, author, now }) => {
      const before = labelsOf(workloadId)
      for (const [key, value] of labels) {
        if (before.get(key) === value) continue
        await putWorkloadLabel(tx, { workloadId, key, value, author, setAtMs: now })
      }
      for (const key of before.keys()) {
        if (!labels.has(key)) await removeWorkloadLabel(tx, workloadId, key)
      }
      return () => {
        byWorkload.set(workloadId, labels)
      }
    },
    forget: (workloadId) => {
      byWorkload.delete(workloadId)
    },
  }
}

function mapOf(labels: readonly StoredLabel[]): ReadonlyMap<string, string> {
  return new Map(labels.map(({ key, value }) => [key, value]))
}

/** As attributes: an administrator said so. */
export function labelAttributes(labels: ReadonlyMap<string, string>): Attribute[] {
  return Array.from(labels, ([key, value]) => ({
    key: `label.${key}`,
    value,
    provenance: 'assigned' as const,
  }))
}
