import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import type { HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { SpiffeId } from '../identity/spiffe-id.ts'
import { openOwnCarrier, type Carrier } from './carrier.ts'
import type { Change } from './change.ts'
import type { SidecarConfig } from './config.ts'
import { openControlPlane, type ControlPlane } from './control-plane.ts'
import { keepDatagrams } from './datagrams/datagram-keeper.ts'
import { createFlowRecorder, type FlowRecorder } from './flow-recorder.ts'
import { createFlowReporter, type FlowReporter } from './flow-reporter.ts'
import type { InstanceMetadata } from './instance-metadata.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { serveStatus } from './status-server.ts'
import { runWatch } from './watch.ts'
import { openWorkers } from './workers/workers.ts'

/** A running sidecar. Disposing of it drains: nothing new, then what is open ends within `drainMs`. */
export interface Sidecar extends AsyncDisposable {
  readonly egressAddresses: readonly HostPort[]
  readonly ingressAddresses: readonly HostPort[]
  readonly statusAddress: HostPort | undefined
  /** Who this sidecar is now; `undefined` before the first enrolment. */
  spiffeId(): SpiffeId | undefined
  /** What is missing before traffic can pass; empty when ready. */
  notReady(): readonly string[]
  /** Resolves when ready; rejects with the reason of `signal`. */
  whenReady(signal: AbortSignal): Promise<void>
  /** Rejects if a part that should never end has failed. */
  readonly failed: Promise<never>
}

const lastReportMs = 2_000

export interface SidecarOptions {
  readonly config: SidecarConfig
  readonly version: string
  readonly log: Logger
  /** What the instance is, by its metadata service; without it there is none. */
  readonly metadata?: InstanceMetadata
  readonly clock?: Clock
  /** How often flows are reported, in ms. */
  readonly reportIntervalMs?: number
  /** Starts a process that serves as a worker, with a way to it; needed for more than one. */
  readonly launchWorker?: () => ChildProcess
}

/**
 * Starts one sidecar: listeners are open when this returns, and refuse until there is an identity and
 * a policy. Rejects when the state directory or a listener cannot be used.
 */
export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { config, log } = options
  await using opened = new AsyncDisposableStack()
  const metrics = createMetrics()
  opened.defer(() => {
    metrics.close()
  })
  const control = await openControlPlane({
    config,
    metadata: options.metadata,
    systemClock: options.clock ?? systemClock,
    metrics,
    log,
  })
  opened.defer(() => {
    control.close()
  })
  const recorder = createFlowRecorder({ clock: control.clock })
  const carrier = await openCarrier(options, control, recorder, metrics)
  opened.defer(async () => {
    await carrier.drain(0)
  })
  const reporter = createReporter(options, control, recorder, metrics)
  metrics.observeControl({
    policyVersion: () => control.mesh.version,
    isControllerConnected: () => control.contact.isConnected,
    svidNotAfterMs: () => control.identity.current?.notAfter,
    clockSkewMs: () => control.clock.skewMs(),
    flowsWaiting: () => reporter.waiting(),
    isCaptureStrong: () => control.strength.current === 'strong',
  })
  const notReady = (): readonly string[] => [...missingParts(control), ...carrier.missing()]
  const status =
    config.metricsListen &&
    (await serveStatus(config.metricsListen, { notReady, metrics: () => carrier.page() }))
  if (status !== undefined) opened.defer(() => status.close())

  const stop = new AbortController()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined) // whoever awaits it hears of it; nobody has to
  const watchOptions = {
    ...control,
    listeners: carrier.ingressAddresses,
    capture: config.capture.kind,
    sidecarVersion: options.version,
    metrics,
    log,
    onRenewNow: (reason: string) => {
      control.identity.renewSoon(reason)
    },
    onRefused: () => {
      control.identity.refused()
    },
    inForce: () => carrier.inForce(),
    onConnection: (isConnected: boolean) => {
      control.contact.connected(isConnected)
    },
  }
  const running = Promise.all([
    control.identity.run(stop.signal),
    control.strength.run(watchOptions.onRenewNow, stop.signal),
    runWatch(watchOptions, stop.signal),
    reporter.run(stop.signal),
    ...(config.capture.kind === 'redirect'
      ? [keepDatagrams({ ground: control, recorder, log }, stop.signal)]
      : []),
  ])
  running.catch(failed.reject)
  const parts = opened.move()
  let closing: Promise<void> | undefined

  /** Reports to the controller go on until the last connection has ended. */
  const close = async (): Promise<void> => {
    await carrier.drain(config.drainMs)
    stop.abort()
    await running.catch(() => undefined)
    await reporter.flush(AbortSignal.timeout(lastReportMs)).catch((error: unknown) => {
      log.warn(
        { waiting: reporter.waiting(), error: messageOf(error) },
        'flow records not reported',
      )
    })
    await parts.disposeAsync()
  }

  return {
    egressAddresses: carrier.egressAddresses,
    ingressAddresses: carrier.ingressAddresses,
    statusAddress: status?.address,
    spiffeId: () => control.identity.current?.spiffeId,
    notReady,
    whenReady: async (signal) => {
      const changes = [control.identity.changed, control.mesh.changed, carrier.changed]
      await untilReady(changes, notReady, signal)
    },
    failed: failed.promise,
    [Symbol.asyncDispose]: async () => await (closing ??= close()),
  }
}

async function openCarrier(
  { config, launchWorker, log }: SidecarOptions,
  control: ControlPlane,
  recorder: FlowRecorder,
  metrics: Metrics,
): Promise<Carrier> {
  const parts = { config, recorder, metrics, log }
  if (config.workers === 1) return await openOwnCarrier({ ...parts, ground: control })
  if (launchWorker === undefined) throw new Error('BUG: workers, and nothing to start them with')
  return await openWorkers({ ...parts, control, launch: launchWorker })
}

function createReporter(
  { log, reportIntervalMs }: SidecarOptions,
  { link }: ControlPlane,
  recorder: FlowRecorder,
  metrics: Metrics,
): FlowReporter {
  return createFlowReporter({
    recorder,
    sink: {
      reportFlows: async (report, signal) => {
        const connection = link.meshConnection()
        if (connection === undefined) throw new Error('no SVID to report with')
        return await connection.reportFlows(report, signal)
      },
    },
    log,
    onLost: (count) => {
      metrics.flowsLost(count)
    },
    ...(reportIntervalMs === undefined ? {} : { intervalMs: reportIntervalMs }),
  })
}

function missingParts({ identity, mesh }: ControlPlane): readonly string[] {
  const missing: string[] = []
  if (!identity.isValid()) missing.push('no valid SVID')
  if (mesh.policy === undefined) missing.push('no policy yet')
  return missing
}

async function untilReady(
  changes: readonly Change[],
  notReady: () => readonly string[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  if (notReady().length === 0) return
  const ready = Promise.withResolvers<undefined>()
  const look = (): void => {
    if (notReady().length === 0) ready.resolve(undefined)
  }
  const giveUp = (): void => {
    ready.reject(signal.reason as Error)
  }
  const unsubscribe = changes.map((change) => change.subscribe(look))
  signal.addEventListener('abort', giveUp)
  try {
    await ready.promise
  } finally {
    signal.removeEventListener('abort', giveUp)
    for (const end of unsubscribe) end()
  }
}
