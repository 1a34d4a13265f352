import { monitorEventLoopDelay } from 'node:perf_hooks'
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Registry,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client'
import type { Reason } from '../policy/reason.ts'
import type { TunnelMemory } from '../tunnel/index.ts'
import type { FlowDirection } from './flow-recorder.ts'
import type { RequestFault } from './http/request-check.ts'
import { createTallies, type Tally } from './tally.ts'
import { mostTunnels } from './tunnel-pool.ts'

/** What is read off the data plane at the moment of a scrape. */
export interface DataSources {
  openConnections(direction: FlowDirection): number
  tunnels(side: 'dialled' | 'accepted'): number
  /** Destinations with exactly so many tunnels. */
  destinationsWith(tunnels: number): number
  /** Since the start. */
  uselessStreams(): number
  tunnelMemory(): TunnelMemory
}

/** What is read off the control plane at the moment of a scrape. */
export interface ControlSources {
  policyVersion(): number
  isControllerConnected(): boolean
  svidNotAfterMs(): number | undefined
  clockSkewMs(): number | undefined
  flowsWaiting(): number
  isCaptureStrong(): boolean
}

/** What is read off a sidecar with workers. */
export interface WorkerSources {
  /** Those that listen. */
  listening(): number
  /** Those that have ended, since the start. */
  ended(): number
}

/** What happened, counted; every label comes from a closed set. */
export interface Metrics {
  connection(direction: FlowDirection, verdict: 'allow' | 'deny', reason: Reason): void
  relayed(direction: FlowDirection, bytesSent: number, bytesReceived: number): void
  cut(reason: Reason): void
  request(verdict: 'allow' | 'deny', reason: Reason): void
  requestRefused(fault: RequestFault): void
  dial(result: 'ok' | 'failed'): void
  /** A connection of somebody that became no tunnel. */
  tunnelRefused(reason: Reason): void
  tunnelClosed(reason: Reason): void
  renewal(result: 'ok' | 'failed'): void
  policyRejected(): void
  /** A connection matches a guardrail that asks to be told; there are as many as in the policy. */
  alert(guardrail: string): void
  flowsLost(count: number): void
  observeData(sources: DataSources): void
  observeControl(sources: ControlSources): void
  observeWorkers(sources: WorkerSources): void
  /** Everything as it is now, to be added to that of other processes. */
  readings(): Promise<Readings>
  /** Of that, what only ever grows. */
  counts(): Promise<Readings>
  /** The page in Prometheus's text form. */
  page(): Promise<MetricsPage>
  close(): void
}

/** Names, values and how to put them together with those of another process. */
export type Readings = readonly MetricObjectWithValues<MetricValue<string>>[]

/** Of readings, what only ever grows. */
export function countsIn(readings: Readings): Readings {
  return readings.filter(({ type }) => String(type) === 'counter')
}

/** What a scrape is answered with. */
export interface MetricsPage {
  readonly type: string
  readonly text: string
}

/** Puts together what several processes have read: sums, but for what says otherwise. */
export function addUp(readings: readonly Readings[]): Pick<Metrics, 'page' | 'readings'> {
  const together = AggregatorRegistry.aggregate(readings.map((one) => [...one]))
  return {
    readings: async () => await together.getMetricsAsJSON(),
    page: async () => ({ type: together.contentType, text: await together.metrics() }),
  }
}

/** Counters and gauges in registries of their own: several sidecars may live in one process. */
export function createMetrics(): Metrics {
  const counted = new Registry()
  const read = new Registry()
  const counter = <Label extends string>(
    name: string,
    help: string,
    labels: Label[],
  ): Counter<Label> => new Counter({ name, help, labelNames: labels, registers: [counted] })

  const connections = createTallies({
    name: 'blazon_connections_total',
    help: 'Connection attempts, by verdict',
    labelNames: ['direction', 'verdict', 'reason'],
    registers: [counted],
  })
  const bytes = createTallies({
    name: 'blazon_relayed_bytes_total',
    help: 'Bytes relayed; sent = by the connecting side',
    labelNames: ['direction', 'way'],
    registers: [counted],
  })
  const bothWays = (direction: FlowDirection): Record<'toServer' | 'toClient', Tally> => ({
    toServer: bytes(direction, 'sent'),
    toClient: bytes(direction, 'received'),
  })
  const relayed = { egress: bothWays('egress'), ingress: bothWays('ingress') }
  const cuts = counter('blazon_streams_cut_total', 'Open streams cut by this sidecar', ['reason'])
  const requests = counter('blazon_http_requests_total', 'Requests decided, by verdict', [
    'verdict',
    'reason',
  ])
  const requestsRefused = counter(
    'blazon_http_requests_refused_total',
    'Requests refused because they could be read in two ways, or are of no kind that passes',
    ['fault'],
  )
  const dials = counter('blazon_tunnel_dials_total', 'Tunnels dialled', ['result'])
  const refused = counter(
    'blazon_tunnels_refused_total',
    'Connections to the ingress that became no tunnel',
    ['reason'],
  )
  const closed = counter('blazon_tunnels_closed_total', 'Tunnels that are over, by either end', [
    'reason',
  ])
  const renewals = counter('blazon_renewals_total', 'SVIDs asked for', ['result'])
  const rejected = counter('blazon_policy_rejected_total', 'Policy versions rejected', [])
  const alerts = counter(
    'blazon_guardrail_alerts_total',
    'Connections that match a guardrail with action: alert',
    ['guardrail'],
  )
  const lost = counter('blazon_flow_records_lost_total', 'Flow records dropped', [])
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  new Gauge({
    name: 'blazon_event_loop_delay_seconds',
    help: 'p99 since the last scrape',
    aggregator: 'max',
    registers: [read],
    collect() {
      this.set(delay.percentile(99) / 1e9)
      delay.reset()
    },
  })

  return {
    connection: (direction, verdict, reason) => {
      connections(direction, verdict, reason).count++
    },
    relayed: (direction, sent, received) => {
      const { toServer, toClient } = relayed[direction]
      toServer.count += sent
      toClient.count += received
    },
    cut: (reason) => {
      cuts.inc({ reason })
    },
    request: (verdict, reason) => {
      requests.inc({ verdict, reason })
    },
    requestRefused: (fault) => {
      requestsRefused.inc({ fault })
    },
    dial: (result) => {
      dials.inc({ result })
    },
    tunnelRefused: (reason) => {
      refused.inc({ reason })
    },
    tunnelClosed: (reason) => {
      closed.inc({ reason })
    },
    renewal: (result) => {
      renewals.inc({ result })
    },
    policyRejected: () => {
      rejected.inc()
    },
    alert: (guardrail) => {
      alerts.inc({ guardrail })
    },
    flowsLost: (count) => {
      lost.inc(count)
    },
    observeData: (sources) => {
      addDataGauges([read], sources)
      addDataCounters([counted], sources)
    },
    observeControl: (sources) => {
      addControlGauges([read], sources)
    },
    observeWorkers: (sources) => {
      addGauge([read], 'blazon_workers_listening', 'Worker processes that carry connections', () =>
        sources.listening(),
      )
      addCounter([counted], 'blazon_workers_ended_total', 'Workers that ended unasked', () =>
        sources.ended(),
      )
    },
    readings: async () => [
      ...(await counted.getMetricsAsJSON()),
      ...(await read.getMetricsAsJSON()),
    ],
    counts: async () => await counted.getMetricsAsJSON(),
    page: async () => ({
      type: counted.contentType,
      text: (await counted.metrics()) + (await read.metrics()),
    }),
    close: () => {
      delay.disable()
      counted.clear()
      read.clear()
    },
  }
}

function addDataGauges(registers: Registry[], sources: DataSources): void {
  new Gauge({
    name: 'blazon_connections_open',
    help: 'Connections open now',
    labelNames: ['direction'],
    registers,
    collect() {
      this.set({ direction: 'egress' }, sources.openConnections('egress'))
      this.set({ direction: 'ingress' }, sources.openConnections('ingress'))
    },
  })
  new Gauge({
    name: 'blazon_tunnels_open',
    help: 'Tunnels open now',
    labelNames: ['side'],
    registers,
    collect() {
      this.set({ side: 'dialled' }, sources.tunnels('dialled'))
      this.set({ side: 'accepted' }, sources.tunnels('accepted'))
    },
  })
  new Gauge({
    name: 'blazon_tunnel_destinations',
    help: 'Destinations, by the number of tunnels that are open to each',
    labelNames: ['tunnels'],
    registers,
    collect() {
      for (let tunnels = 1; tunnels <= mostTunnels; tunnels++)
        this.set({ tunnels }, sources.destinationsWith(tunnels))
    },
  })
  addGauge(registers, 'blazon_tunnel_held_bytes', 'Received, and not yet taken', () => {
    return sources.tunnelMemory().heldBytes
  })
  addGauge(
    registers,
    'blazon_tunnel_window_growth_bytes',
    'Windows beyond their first size',
    () => {
      return sources.tunnelMemory().grownBytes
    },
  )
}

function addDataCounters(registers: Registry[], sources: DataSources): void {
  addCounter(
    registers,
    'blazon_useless_streams_total',
    'Streams that peers opened only to reset them, or began wrongly',
    () => sources.uselessStreams(),
  )
  addCounter(
    registers,
    'blazon_tunnel_window_growth_refused_total',
    'Windows that stayed as they were because those of their tunnel had grown enough',
    () => sources.tunnelMemory().growthRefusals,
  )
}

function addControlGauges(registers: Registry[], sources: ControlSources): void {
  addGauge(registers, 'blazon_policy_version', 'Version in force; 0 = none, deny all', () =>
    sources.policyVersion(),
  )
  addGauge(registers, 'blazon_controller_connected', '1 while the watch stream is open', () =>
    sources.isControllerConnected() ? 1 : 0,
  )
  addGauge(
    registers,
    'blazon_svid_not_after_seconds',
    'End of the SVID, Unix time; 0 = none',
    () => (sources.svidNotAfterMs() ?? 0) / 1_000,
  )
  addGauge(
    registers,
    'blazon_clock_skew_seconds',
    'System clock minus controller clock',
    () => (sources.clockSkewMs() ?? 0) / 1_000,
  )
  addGauge(registers, 'blazon_capture_strong', '1 while no way around this sidecar is seen', () =>
    sources.isCaptureStrong() ? 1 : 0,
  )
  addGauge(registers, 'blazon_flow_records_waiting', 'Flow records not yet acknowledged', () =>
    sources.flowsWaiting(),
  )
}

function addGauge(registers: Registry[], name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read())
    },
  })
}

/** Of what is counted elsewhere. */
function addCounter(registers: Registry[], name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers,
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}
