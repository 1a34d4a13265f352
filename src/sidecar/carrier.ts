import type { HostPort } from '../base/env.ts'
import type { Change } from './change.ts'
import { createChange } from './change.ts'
import { openDataPlane, sourcesOf } from './data-plane.ts'
import type { MetricsPage } from './metrics.ts'

/** Who carries connections: this process, or workers that it has started. */
export interface Carrier {
  readonly egressAddresses: readonly HostPort[]
  readonly ingressAddresses: readonly HostPort[]
  /** `missing()` says something else. */
  readonly changed: Change
  /** What is missing before connections are carried; empty when nothing is. */
  missing(): readonly string[]
  /** Resolves once everything that the control plane knows now is what decisions go by. */
  inForce(): Promise<void>
  /** Metrics of all processes together. */
  page(): Promise<MetricsPage>
  /** Takes nothing new, waits for what is open until `deadlineMs` from now, then cuts it. */
  drain(deadlineMs: number): Promise<void>
}

/** Carries connections in this process. */
export async function openOwnCarrier(
  options: Parameters<typeof openDataPlane>[0],
): Promise<Carrier> {
  const data = await openDataPlane(options)
  options.metrics.observeData(sourcesOf(data))
  return {
    egressAddresses: data.egressAddresses,
    ingressAddresses: data.ingressAddresses,
    changed: createChange(),
    missing: () => [],
    inForce: async () => {
      await Promise.resolve()
    },
    page: async () => await options.metrics.page(),
    drain: async (deadlineMs) => {
      await data.drain(deadlineMs)
    },
  }
}
