import { ControllerError, type ControllerErrorCode } from '../controller-error.ts'
import { StoreError, type StoreErrorCode } from '../store/store-error.ts'
import type { Flow } from './flow.ts'
import type { CheckedReport } from './report.ts'

/** What the thread that keeps flows is started with. */
export interface FlowThreadSettings {
  readonly file: string
  readonly maxBytes: number
}

export interface ReportedFlows {
  readonly workloadId: string
  readonly report: CheckedReport
  readonly nowMs: number
  /** Whether somebody wants to see the flows that it changes. */
  readonly isFollowed: boolean
}

export interface FlowRange {
  readonly sinceMs: number
  readonly untilMs: number
  /** Undefined for every workload. */
  readonly workloadIds: readonly string[] | undefined
  /** Undefined for both. */
  readonly verdict: 'allow' | 'deny' | undefined
  readonly limit: number
}

/** Newest first; `lost` counts what sidecars had to drop in the range. */
export interface FlowList {
  readonly flows: readonly Flow[]
  readonly lost: number
}

/** Halves that were forgotten because of their age, and because there were too many. */
export interface Pruned {
  readonly aged: number
  readonly crowded: number
}

export type FlowQuestion =
  | { readonly kind: 'report'; readonly reported: ReportedFlows }
  | { readonly kind: 'list'; readonly range: FlowRange }
  | { readonly kind: 'prune'; readonly beforeMs: number }
  /** The last one: writes what waits and ends the thread. */
  | { readonly kind: 'close' }

export interface FlowAnswers {
  readonly report: { readonly isNew: boolean }
  readonly list: FlowList
  readonly prune: Pruned
  readonly close: undefined
}

/** From the controller to the thread. */
export interface NumberedQuestion {
  readonly number: number
  readonly question: FlowQuestion
}

/** From the thread to the controller. */
export type FlowThreadMessage =
  | { readonly kind: 'answer'; readonly number: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly number: number; readonly refusal: Refusal }
  /** `unshown` more have changed than a follower can read. */
  | { readonly kind: 'changed'; readonly flows: readonly Flow[]; readonly unshown: number }
  | { readonly kind: 'set-aside'; readonly to: string; readonly why: string }

/** An error that keeps its class on its way between threads. */
export type Refusal =
  | { readonly by: 'controller'; readonly code: ControllerErrorCode; readonly message: string }
  | { readonly by: 'store'; readonly code: StoreErrorCode; readonly message: string }

/** Undefined for what is no refusal but a fault of ours. */
export function toRefusal(thrown: unknown): Refusal | undefined {
  if (thrown instanceof ControllerError)
    return { by: 'controller', code: thrown.code, message: thrown.message }
  if (thrown instanceof StoreError)
    return { by: 'store', code: thrown.code, message: thrown.message }
  return undefined
}

export function fromRefusal(refusal: Refusal): Error {
  return refusal.by === 'controller'
    ? new ControllerError(refusal.code, refusal.message)
    : new StoreError(refusal.code, refusal.message)
}
