import { setTimeout as delay } from 'node:timers/promises'
import { status, type ClientDuplexStream } from '@grpc/grpc-js'
import { untilAborted } from '../base/aborted.ts'
import { createBackoff } from '../base/backoff.ts'
import type { HostPort } from '../base/env.ts'
import { formatHostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { documentSchemaVersion } from '../policy/index.ts'
import type { Snapshot__Output } from '../rpc/generated/blazon/v1/Snapshot.ts'
import type { WatchRequest } from '../rpc/generated/blazon/v1/WatchRequest.ts'
import type { WatchUpdate__Output } from '../rpc/generated/blazon/v1/WatchUpdate.ts'
import type { CaptureConfig } from './capture-config.ts'
import type { ControllerContact } from './controller-contact.ts'
import type { ControllerConnection } from './controller-connection.ts'
import type { ControllerLink } from './controller-link.ts'
import { statusOf } from './grpc-call.ts'
import type { MeshState } from './mesh-state.ts'
import type { Metrics } from './metrics.ts'
import type { StateKeeper } from './state-keeper.ts'
import type { StoredState } from './stored-state.ts'
import { reportedSkewMs, type TrustedClock } from './trusted-clock.ts'

/** Heartbeats come every 10 s; a stream without any message for this long is dead. */
const longestSilenceMs = 35_000
/** The highest time is written at most this often on account of heartbeats alone. */
const timeSaveIntervalMs = 60_000
const longestReasonCharacters = 1_024

export interface WatchOptions {
  readonly link: ControllerLink
  readonly mesh: MeshState
  readonly keeper: StateKeeper
  readonly clock: TrustedClock
  readonly contact: ControllerContact
  readonly listeners: readonly HostPort[]
  readonly capture: CaptureConfig['kind']
  readonly sidecarVersion: string
  readonly metrics: Metrics
  readonly log: Logger
  readonly onRenewNow: (reason: string) => void
  /** The controller does not accept our certificate. */
  readonly onRefused: () => void
  /** Resolves once what was applied is what decisions go by. */
  readonly inForce: () => Promise<void>
  /** The stream opened, or was lost. */
  readonly onConnection: (isConnected: boolean) => void
}

/**
 * Keeps one Watch stream open until `signal` aborts: applies what comes, acknowledges or rejects each
 * version, and keeps the time. A lost stream is opened again with back-off, at the next controller;
 * with a new identity it is opened again at once.
 */
export async function runWatch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { link, log } = options
  const backoff = createBackoff({ firstMs: 200, longestMs: 10_000 })
  let isConnected = false
  const setConnected = (connected: boolean): void => {
    if (isConnected === connected) return
    isConnected = connected
    options.onConnection(connected)
  }

  while (!signal.aborted) {
    const interrupted = AbortSignal.any([signal, link.identityChanged()])
    const connection = link.meshConnection()
    if (connection === undefined) {
      await untilAborted(interrupted)
      continue
    }
    const controller = formatHostPort(connection.address)
    const heard = (): void => {
      if (!isConnected) log.info({ controller }, 'controller connected')
      backoff.reset()
      setConnected(true)
    }
    try {
      await follow(options, connection, heard, interrupted)
    } catch (error: unknown) {
      if (!interrupted.aborted) {
        log.warn({ controller, error: messageOf(error) }, 'controller lost')
        if (statusOf(error) === status.UNAUTHENTICATED) options.onRefused()
      }
    }
    // With another identity the stream is opened again at once; for that moment nothing is lost.
    if (interrupted.aborted) continue
    setConnected(false)
    link.giveUp(connection)
    await delay(backoff.next(), undefined, { signal: interrupted }).catch(() => undefined)
  }
  setConnected(false)
}

/** Follows one stream to its end; an orderly end counts as a loss as well. */
async function follow(
  options: WatchOptions,
  connection: ControllerConnection,
  heard: () => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = connection.watch()
  const cancel = (): void => {
    stream.cancel()
  }
  signal.addEventListener('abort', cancel, { once: true })
  const silence = setTimeout(cancel, longestSilenceMs)
  try {
    stream.write(openMessage(options))
    for await (const update of stream as AsyncIterable<WatchUpdate__Output>) {
      silence.refresh()
      heard()
      await takeUpdate(options, update, stream)
    }
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', cancel)
    stream.cancel()
  }
}

function openMessage({ mesh, listeners, capture, sidecarVersion }: WatchOptions): WatchRequest {
  return {
    open: {
      schemaVersion: documentSchemaVersion,
      sidecarVersion,
      highestVersion: mesh.highestVersion,
      listeners: listeners.map(({ host, port }) => ({ address: host, port })),
      capture,
    },
  }
}

async function takeUpdate(
  options: WatchOptions,
  update: WatchUpdate__Output,
  stream: ClientDuplexStream<WatchRequest, WatchUpdate__Output>,
): Promise<void> {
  if (update.snapshot) stream.write(await takeSnapshot(options, update.snapshot))
  else if (update.floors) await save(options, options.mesh.applyFloors(update.floors))
  else if (update.heartbeat) await takeTime(options, update.heartbeat.controllerTimeMs)
  else if (update.renewNow) options.onRenewNow(update.renewNow.reason)
  else throw new Error('expected a kind of update, got none')
}

async function takeSnapshot(
  options: WatchOptions,
  snapshot: Snapshot__Output,
): Promise<WatchRequest> {
  const { mesh, clock, log, metrics } = options
  const { version } = snapshot
  try {
    const change = mesh.applySnapshot(snapshot)
    await save(options, { ...change, highestTimeMs: clock.now() })
    await options.inForce()
    log.info({ version, documents: snapshot.documents.length }, 'policy version applied')
    return { acknowledge: { version } }
  } catch (error: unknown) {
    const reason = messageOf(error).slice(0, longestReasonCharacters)
    log.error({ version, error: reason, denies_new: mesh.deniesNew }, 'policy version rejected')
    metrics.policyRejected()
    return { reject: { version, reason } }
  }
}

/** Acknowledged is what is in force. A full disk costs the next start its head start, not this run its policy. */
async function save({ keeper, log }: WatchOptions, change: Partial<StoredState>): Promise<void> {
  try {
    await keeper.save(change)
  } catch (error: unknown) {
    log.error({ error: messageOf(error) }, 'state not saved')
  }
}

async function takeTime(options: WatchOptions, timeMs: number): Promise<void> {
  const { clock, contact, keeper, log } = options
  clock.observe(timeMs)
  contact.heard()
  const skewMs = clock.skewMs() ?? 0
  if (Math.abs(skewMs) > reportedSkewMs) {
    log.warn({ skew_ms: skewMs }, 'the clock of this machine is wrong: set it by NTP')
  }
  const now = clock.now()
  if (now - keeper.state.highestTimeMs >= timeSaveIntervalMs) {
    await save(options, { highestTimeMs: now })
  }
}
