import type { WatchOpen__Output } from '../../rpc/generated/blazon/v1/WatchOpen.ts'
import type { TrustProfile } from '../../identity/index.ts'
import type { WorkloadCaller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'

/** Where a watcher's messages go. */
export interface WatchSink {
  /** False when the sidecar reads too slowly: nothing more until `whenWritable` says so. */
  send(message: Buffer): boolean
  whenWritable(callback: () => void): void
  end(error: unknown): void
}

/** What is to be sent, made at the moment of sending, so that only the newest ever is. */
export interface WatchContent {
  snapshot(watcher: Watcher): SnapshotContent
  floors(): { readonly version: number; readonly message: Buffer }
  heartbeat(): Buffer
  renewNow(reason: string): Buffer
}

export interface SnapshotContent {
  readonly version: number
  /** Undefined: the sidecar is to keep the version it has. */
  readonly message: Buffer | undefined
  /** What of this version the sidecar cannot enforce; empty when it can enforce all. */
  readonly shortfall: string
}

/** What is known of a sidecar from its stream. */
export interface WatcherStatus {
  readonly sentVersion: number
  readonly acknowledgedVersion: number
  /**
   * Why it refused the version it refused last, or why it was not sent all of the newest; empty when
   * it has accepted a newer one since.
   */
  readonly rejected: string
  readonly shortfall: string
  /** The newest version was not sent at all: the sidecar cannot enforce it. */
  readonly isWithheld: boolean
  /** Since when the newest version has been neither acknowledged nor rejected; undefined when it was. */
  readonly waitingSinceMs: number | undefined
}

/** One open Watch stream. */
export interface Watcher {
  readonly caller: WorkloadCaller
  readonly open: WatchOpen__Output
  /** The profile of the certificate the stream was opened with; undefined when it is not known any more. */
  readonly profile: TrustProfile | undefined
  readonly status: WatcherStatus
  needSnapshot(): void
  needFloors(): void
  needHeartbeat(): void
  needRenewal(reason: string): void
  /** Sends what is needed, as far as the sidecar takes it. */
  flush(now: number): void
  /** Both throw `ControllerError` for a version that was never sent. */
  acknowledge(version: number): void
  reject(version: number, reason: string): void
  end(error: unknown): void
}

const longestReason = 1_024

export function createWatcher(options: {
  readonly caller: WorkloadCaller
  readonly open: WatchOpen__Output
  readonly profile: TrustProfile | undefined
  readonly sink: WatchSink
  readonly content: WatchContent
  readonly now: () => number
}): Watcher {
  const { sink, content } = options
  const needs = { snapshot: false, floors: false, heartbeat: false }
  let renewal: string | undefined
  let isBlocked = false
  let hasEnded = false
  let sentVersion = 0
  let acknowledgedVersion = 0
  let rejected = ''
  let shortfall = ''
  let isWithheld = false
  let waitingSinceMs: number | undefined

  const takeSnapshot = (now: number): Buffer | undefined => {
    needs.snapshot = false
    const content = options.content.snapshot(watcher)
    shortfall = content.shortfall
    isWithheld = content.message === undefined
    if (isWithheld) return undefined
    if (content.version !== sentVersion) waitingSinceMs = now
    sentVersion = content.version
    return content.message
  }

  const next = (now: number): Buffer | undefined => {
    if (needs.floors) {
      needs.floors = false
      return content.floors().message
    }
    const snapshot = needs.snapshot ? takeSnapshot(now) : undefined
    if (snapshot !== undefined) return snapshot
    if (renewal !== undefined) {
      const message = content.renewNow(renewal)
      renewal = undefined
      return message
    }
    if (needs.heartbeat) {
      needs.heartbeat = false
      return content.heartbeat()
    }
    return undefined
  }

  const flush = (now: number): void => {
    while (!isBlocked && !hasEnded) {
      const message = next(now)
      if (message === undefined) return
      if (!sink.send(message)) {
        isBlocked = true
        sink.whenWritable(() => {
          isBlocked = false
          flush(options.now())
        })
      }
    }
  }

  const checkVersion = (version: number): void => {
    if (version > sentVersion || version < acknowledgedVersion) {
      throw new ControllerError(
        'ERR_ARGUMENT',
        `expected an answer to a version from ${String(acknowledgedVersion)} to ${String(sentVersion)}, got ${String(version)}`,
      )
    }
  }

  const watcher: Watcher = {
    caller: options.caller,
    open: options.open,
    profile: options.profile,
    get status() {
      return {
        sentVersion,
        acknowledgedVersion,
        rejected: rejected === '' ? shortfall : rejected,
        shortfall,
        isWithheld,
        waitingSinceMs,
      }
    },
    needSnapshot: () => {
      needs.snapshot = true
    },
    needFloors: () => {
      needs.floors = true
    },
    needHeartbeat: () => {
      needs.heartbeat = true
    },
    needRenewal: (reason) => {
      renewal = reason
    },
    flush,
    acknowledge: (version) => {
      checkVersion(version)
      acknowledgedVersion = version
      rejected = ''
      if (version === sentVersion) waitingSinceMs = undefined
    },
    reject: (version, reason) => {
      checkVersion(version)
      rejected = reason === '' ? 'no reason given' : reason.slice(0, longestReason)
      if (version === sentVersion) waitingSinceMs = undefined
    },
    end: (error) => {
      if (hasEnded) return
      hasEnded = true
      sink.end(error)
    },
  }
  return watcher
}
