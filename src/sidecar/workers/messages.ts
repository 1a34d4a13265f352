import type { DataPlaneConfig, SidecarConfig } from '../config.ts'
import type { FlowCount } from '../flow-recorder.ts'
import type { Readings } from '../metrics.ts'
import type { AnsweredAddresses } from '../names/answered-addresses.ts'
import type { News } from './news.ts'

/**
 * What a worker and the process that started it say to each other, over a pair of sockets that nobody
 * else has. In order; an order with a number is answered with it once it is carried out.
 */
export type Order =
  | {
      readonly kind: 'start'
      readonly config: WorkerConfig
      readonly news: News
      readonly names: readonly AnsweredAddresses[]
    }
  | NumberedOrder

export type NumberedOrder = { readonly number: number } & Task

export type Task =
  | { readonly kind: 'news'; readonly news: News }
  | { readonly kind: 'names'; readonly names: readonly AnsweredAddresses[] }
  | { readonly kind: 'read' }
  | { readonly kind: 'drain'; readonly deadlineMs: number }

export type Report =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly message: string }
  | ({ readonly kind: 'tally' } & Tally)
  | { readonly kind: 'done'; readonly number: number; readonly readings?: Readings }

/** What was counted: flows since the last tally, everything else since the worker's start. */
export interface Tally {
  readonly flows: readonly FlowCount[]
  readonly flowsLost: number
  readonly counts: Readings
}

/** What a worker has to know of the configuration; nothing in it is secret. */
export type WorkerConfig = DataPlaneConfig & Pick<SidecarConfig, 'trustDomain' | 'logLevel'>

/** Takes what a worker is to have, by name, so that nothing else of a configuration goes there. */
export function workerConfig(config: SidecarConfig): WorkerConfig {
  const { trustDomain, logLevel, capture, egress, ingress, resolvers, workers } = config
  const { outageGraceMs, dialTimeoutMs, applicationTimeoutMs, tunnelIdleMs } = config
  return {
    ...{ trustDomain, logLevel, capture, egress, ingress, resolvers, workers },
    ...{ outageGraceMs, dialTimeoutMs, applicationTimeoutMs, tunnelIdleMs },
    maxConnections: config.maxConnections,
  }
}
