import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

/** Everything the controller counts. Labels come from closed sets only. */
export interface ControllerMetrics {
  readonly registry: Registry
  readonly calls: Counter<'method' | 'status'>
  readonly callSeconds: Histogram<'method'>
  readonly refusedConnections: Counter<'reason'>
  readonly enrolments: Counter<'result'>
  readonly issued: Counter<'kind'>
  readonly watching: Gauge
  readonly lagging: Gauge
  readonly policyVersion: Gauge
  readonly pushes: Counter<'kind'>
  readonly flowRecords: Counter
  readonly flowsLost: Counter
  readonly flowsWaiting: Gauge
  readonly flowReportsRefused: Counter<'reason'>
  readonly flowsForgotten: Counter<'reason'>
  readonly flowsUnshown: Counter
  readonly flowThreadFailures: Counter
  readonly deferredWrites: Gauge
  readonly incidents: Counter<'kind'>
}

export function createControllerMetrics(options: {
  /** Memory, CPU and event loop of the process as well: for a process of its own, not for tests. */
  readonly withProcess: boolean
}): ControllerMetrics {
  const registers = [new Registry()]
  const [registry] = registers
  if (registry === undefined) throw new Error('BUG: no registry')
  if (options.withProcess)
    collectDefaultMetrics({ register: registry, prefix: 'blazon_controller_' })
  const name = (rest: string): string => `blazon_controller_${rest}`
  return {
    registry,
    calls: new Counter({
      name: name('calls_total'),
      help: 'gRPC calls that ended, by method and status',
      labelNames: ['method', 'status'],
      registers,
    }),
    callSeconds: new Histogram({
      name: name('call_seconds'),
      help: 'Duration of unary calls',
      labelNames: ['method'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
      registers,
    }),
    refusedConnections: new Counter({
      name: name('connections_refused_total'),
      help: 'Connections refused because too many were there',
      labelNames: ['reason'],
      registers,
    }),
    enrolments: new Counter({
      name: name('enrolments_total'),
      help: 'Attestations, by result',
      labelNames: ['result'],
      registers,
    }),
    issued: new Counter({
      name: name('certificates_issued_total'),
      help: 'Certificates issued',
      labelNames: ['kind'],
      registers,
    }),
    watching: new Gauge({ name: name('watching'), help: 'Open Watch streams', registers }),
    lagging: new Gauge({
      name: name('sidecars_lagging'),
      help: 'Sidecars that rejected the newest policy, cannot enforce all of it, or have not acknowledged it for 60 s',
      registers,
    }),
    policyVersion: new Gauge({
      name: name('policy_version'),
      help: 'Version of the policy documents and the bundle',
      registers,
    }),
    pushes: new Counter({
      name: name('pushes_total'),
      help: 'Messages sent to sidecars',
      labelNames: ['kind'],
      registers,
    }),
    flowRecords: new Counter({
      name: name('flow_records_total'),
      help: 'Flow records taken in',
      registers,
    }),
    flowsLost: new Counter({
      name: name('flow_records_lost_total'),
      help: 'Flow records that sidecars reported as dropped',
      registers,
    }),
    flowsWaiting: new Gauge({
      name: name('flow_records_waiting'),
      help: 'Flow records that are not on disk yet, and not acknowledged',
      registers,
    }),
    flowReportsRefused: new Counter({
      name: name('flow_reports_refused_total'),
      help: 'Flow reports that were not taken: their sidecars keep them and send them again',
      labelNames: ['reason'],
      registers,
    }),
    flowsForgotten: new Counter({
      name: name('flow_records_forgotten_total'),
      help: 'Stored flow records that were dropped for their age, or because there were too many',
      labelNames: ['reason'],
      registers,
    }),
    flowsUnshown: new Counter({
      name: name('flow_updates_unshown_total'),
      help: 'Changed flows that followers were not shown, because too many came at once',
      registers,
    }),
    flowThreadFailures: new Counter({
      name: name('flow_thread_failures_total'),
      help: 'How often the thread that keeps flows has ended and was started again',
      registers,
    }),
    deferredWrites: new Gauge({
      name: name('deferred_writes'),
      help: 'Renewals that are not on disk, because the disk refuses',
      registers,
    }),
    incidents: new Counter({
      name: name('incidents_total'),
      help: 'What somebody should look at',
      labelNames: ['kind'],
      registers,
    }),
  }
}
