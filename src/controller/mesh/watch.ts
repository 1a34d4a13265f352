import type { ServerDuplexStream } from '@grpc/grpc-js'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { quote } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { WatchOpen__Output } from '../../rpc/generated/blazon/v1/WatchOpen.ts'
import type { WatchRequest__Output } from '../../rpc/generated/blazon/v1/WatchRequest.ts'
import type { WatchUpdate } from '../../rpc/generated/blazon/v1/WatchUpdate.ts'
import {
  checkStillGood,
  needWorkload,
  unauthenticated,
  type Caller,
  type Trust,
  type WorkloadCaller,
} from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { Incidents } from '../incidents.ts'
import type { SerialQueue } from '../serial-queue.ts'
import { wellFormedMessage, type CallAdapter } from '../server/rpc.ts'
import type { StandingKeeper } from '../workloads/standing.ts'
import type { Distributor } from './distributor.ts'
import { rejected } from './late-report.ts'
import { createWatcher, type Watcher, type WatchSink } from './watcher.ts'

type WatchCall = ServerDuplexStream<WatchRequest__Output, WatchUpdate>

export const watchMethod = 'Mesh.Watch'

/** How long a stream may stay silent before its first message. */
const openMs = 10_000
/** Messages in one heartbeat interval: acknowledgements follow pushes, and those are few. */
const mostMessages = 1_000
const messageWindowMs = 10_000
const mostListeners = 1_024
/** setTimeout counts in 31 bits. */
const longestTimerMs = 0x7fff_ffff

export interface WatchDeps {
  readonly adapter: CallAdapter
  readonly distributor: Distributor
  readonly standing: StandingKeeper
  readonly changes: SerialQueue
  readonly incidents: Incidents
  readonly trust: Trust
  /** The newest version of anything that was ever pushed. */
  readonly policyVersion: () => number
  readonly clock: Clock
  readonly log: Logger
}

/** Serves one Watch stream from its first message to its end. */
export function createWatch(deps: WatchDeps): (caller: Caller, call: WatchCall) => void {
  return (anyCaller, call) => {
    const caller = needWorkload(anyCaller)
    const { clock, adapter, distributor } = deps
    let watcher: Watcher | undefined
    let hasEnded = false
    let isOpening = false
    let windowStartMs = clock.monotonic()
    let messages = 0

    const end = (error: unknown): void => {
      if (hasEnded) return
      cleanUp()
      call.emit('error', adapter.refuse(watchMethod, caller, error))
    }
    const cleanUp = (): void => {
      hasEnded = true
      clearTimeout(opening)
      clearTimeout(expiry)
      if (watcher !== undefined) distributor.remove(watcher)
    }
    const opening = setTimeout(() => {
      end(new ControllerError('ERR_PRECONDITION', 'expected the stream to open within 10 s'))
    }, openMs)
    const expiry = setTimeout(
      () => {
        end(unauthenticated('the certificate has expired'))
      },
      Math.min(longestTimerMs, Math.max(0, caller.peer.notAfter - clock.now())),
    )

    const countMessage = (): void => {
      const now = clock.monotonic()
      if (now - windowStartMs > messageWindowMs) {
        windowStartMs = now
        messages = 0
      }
      if (++messages > mostMessages) {
        throw new ControllerError('ERR_LIMIT', 'too many messages on this stream')
      }
    }
    const open = async (opened: WatchOpen__Output): Promise<void> => {
      isOpening = true
      clearTimeout(opening)
      const made = await openWatcher(deps, caller, opened, sinkOf(call, end))
      // It may have gone while its certificate was being noted.
      if (hasEnded) return
      checkStillGood(caller, deps.trust)
      watcher = made
      distributor.add(made)
    }
    const take = async (message: WatchRequest__Output): Promise<void> => {
      countMessage()
      const { open: opened, acknowledge, reject } = message
      if (opened) {
        if (isOpening) throw refuse('one open message, and it was here')
        await open(opened)
      } else if (watcher === undefined) {
        throw refuse('the stream to begin with an open message')
      } else if (acknowledge) {
        watcher.acknowledge(acknowledge.version)
      } else if (reject) {
        watcher.reject(reject.version, reject.reason)
        // An older one is in nobody's way any more, and a sidecar must not open an incident for each.
        if (reject.version !== watcher.status.sentVersion) return
        const occurrence = rejected(watcher)
        await deps.changes.run(() => deps.incidents.report(occurrence))
      } else {
        throw refuse('an acknowledgement or a rejection')
      }
    }

    call.on('data', (message: WatchRequest__Output) => {
      if (hasEnded) return
      Promise.resolve()
        .then(() => take(wellFormedMessage(message)))
        .catch(end)
    })
    call.on('end', () => {
      if (hasEnded) return
      cleanUp()
      call.end()
    })
    call.on('cancelled', cleanUp)
    call.on('error', cleanUp)
  }
}

async function openWatcher(
  deps: WatchDeps,
  caller: WorkloadCaller,
  open: WatchOpen__Output,
  sink: WatchSink,
): Promise<Watcher> {
  const { log } = deps
  checkOpen(open)
  const entry = await deps.changes.run(() => deps.standing.activate(caller))
  const { workloadId, generation } = caller.facts
  if (open.highestVersion > deps.policyVersion()) {
    log.error(
      { workload: workloadId, sidecar: open.highestVersion, controller: deps.policyVersion() },
      'a sidecar has seen a newer policy than this controller has: was its store restored?',
    )
  }
  log.debug(
    { workload: workloadId, generation, sidecar_version: open.sidecarVersion },
    'sidecar watching',
  )
  return createWatcher({
    caller,
    open,
    profile: generation === entry.stored.generation ? entry.profile : undefined,
    sink,
    content: deps.distributor.content,
    now: () => deps.clock.now(),
  })
}

function checkOpen({ schemaVersion, sidecarVersion, listeners, capture }: WatchOpen__Output): void {
  if (schemaVersion < 1) throw refuse('a schema version of 1 or more')
  if (sidecarVersion.length > 128) throw refuse('a sidecar version of at most 128 characters')
  if (capture !== 'explicit' && capture !== 'redirect') {
    throw refuse(`capture "explicit" or "redirect", got ${quote(capture)}`)
  }
  if (listeners.length > mostListeners) {
    throw refuse(`at most ${String(mostListeners)} listeners, got ${String(listeners.length)}`)
  }
  for (const { address, port } of listeners) {
    if (isIP(address) === 0 || port < 1 || port > 65_535) {
      throw refuse(`listeners with an IP address and a port, got ${quote(address)}`)
    }
  }
}

function refuse(expected: string): ControllerError {
  return new ControllerError('ERR_ARGUMENT', `expected ${expected}`)
}

function sinkOf(call: WatchCall, end: (error: unknown) => void): WatchSink {
  return {
    // Bytes that were encoded for many go as they are: `forServer` lets them through.
    send: (message) => call.write(message as unknown as WatchUpdate),
    whenWritable: (callback) => call.once('drain', callback),
    end,
  }
}
