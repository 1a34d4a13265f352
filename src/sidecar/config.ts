import { parseImdsEndpoint } from '../aws/index.ts'
import {
  duration,
  hostPort,
  integer,
  readEnvironment,
  text,
  type EnvReader,
  type HostPort,
  type Parse,
} from '../base/env.ts'
import { quote } from '../base/errors.ts'
import { checkKey, checkValue, sidecarProvenance } from '../identity/attributes.ts'
import { parseTrustDomain, type TrustDomain } from '../identity/spiffe-id.ts'
import { isLoopback } from './address.ts'
import { readCapture, type CaptureConfig } from './capture-config.ts'
import { evidenceKinds, readEvidenceChoice, type EvidenceChoice } from './evidence-choice.ts'
import {
  egressListeners,
  ingressListeners,
  isName,
  type EgressListener,
  type IngressListener,
} from './listener-map.ts'
import { resolverList, resolversAmong } from './names/resolver-list.ts'

/** By what the controller is recognised at first contact, when no bundle is known yet. */
export type ControllerPin =
  | { readonly kind: 'bundle'; readonly path: string }
  | { readonly kind: 'fingerprint'; readonly sha256: string }

/** An attribute that this sidecar's own configuration claims for its workload. */
export interface ClaimedAttribute {
  readonly key: string
  readonly value: string
}

export const sidecarLogLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type SidecarLogLevel = (typeof sidecarLogLevels)[number]

/** Everything that one sidecar is told from outside. */
export interface SidecarConfig {
  readonly trustDomain: TrustDomain
  readonly controllers: readonly HostPort[]
  readonly pin: ControllerPin
  readonly evidence: EvidenceChoice
  /** The metadata service, where it is not at its usual address. */
  readonly imdsEndpoint: HostPort | undefined
  readonly workload: string
  readonly stateDirectory: string
  readonly capture: CaptureConfig
  readonly egress: readonly EgressListener[]
  readonly ingress: readonly IngressListener[]
  /** Whom alone this sidecar believes where names are; empty: nobody. */
  readonly resolvers: readonly HostPort[]
  readonly attributes: readonly ClaimedAttribute[]
  readonly metricsListen: HostPort | undefined
  readonly outageGraceMs: number
  readonly drainMs: number
  readonly dialTimeoutMs: number
  readonly applicationTimeoutMs: number
  /** A tunnel without connections is closed after this long. */
  readonly tunnelIdleMs: number
  readonly maxConnections: number
  /** Processes that carry connections; 1 = this one. */
  readonly workers: number
  readonly logLevel: SidecarLogLevel
}

/** Of that, what the data plane goes by. There is no secret in it. */
export type DataPlaneConfig = Pick<
  SidecarConfig,
  | 'capture'
  | 'egress'
  | 'ingress'
  | 'resolvers'
  | 'outageGraceMs'
  | 'dialTimeoutMs'
  | 'applicationTimeoutMs'
  | 'tunnelIdleMs'
  | 'maxConnections'
  | 'workers'
>

/** More processors than that are of no use to one workload's connections. */
const mostWorkers = 16

/** One row per variable: what `--help` shows. */
export const sidecarVariables: readonly (readonly [name: string, form: string, text: string])[] = [
  ['BLAZON_TRUST_DOMAIN', 'name', 'trust domain, such as acme.example'],
  ['BLAZON_CONTROLLER', 'host:port,...', 'controllers, tried in this order'],
  ['BLAZON_BUNDLE', 'file', 'PEM roots that pin the controller'],
  ['BLAZON_CONTROLLER_FINGERPRINT', 'hex', 'or: SHA-256 of the DER of a root'],
  [
    'BLAZON_EVIDENCE',
    evidenceKinds.join('|'),
    'what proves the node (a join token if set, or IMDS)',
  ],
  ['BLAZON_JOIN_TOKEN', 'token', 'proves the node at first enrolment'],
  ['BLAZON_JOIN_TOKEN_FILE', 'file', 'or: the file that holds it'],
  ['BLAZON_X509_CHAIN', 'file', 'for x509: PEM certificates, leaf first'],
  ['BLAZON_X509_KEY', 'file', 'for x509: the PEM key of the leaf'],
  ['BLAZON_IMDS_ENDPOINT', 'http://address', 'metadata service (the one of the instance)'],
  ['BLAZON_WORKLOAD', 'name', 'workload that this sidecar guards'],
  ['BLAZON_STATE_DIR', 'directory', 'node key and sealed state (/var/lib/blazon)'],
  [
    'BLAZON_CAPTURE',
    'explicit|redirect',
    'listeners of its own, or what the kernel redirects (explicit)',
  ],
  ['BLAZON_EGRESS_PORT', 'port', 'for redirect: outbound connections (15001)'],
  ['BLAZON_INGRESS_PORT', 'port', 'for redirect: inbound connections (15006)'],
  ['BLAZON_DNS_PORT', 'port', 'for redirect: questions for names (15053)'],
  ['BLAZON_WORKLOAD_UID', 'uid', "for redirect: whose connections are taken (everybody's)"],
  ['BLAZON_EGRESS', 'listen=destination,...', 'local listeners and what they stand for'],
  ['BLAZON_INGRESS', 'listen=application,...', 'mesh-facing listeners and what is behind'],
  [
    'BLAZON_RESOLVERS',
    'address,...',
    'name servers, by whose answers names are known (for redirect: those of /etc/resolv.conf)',
  ],
  ['BLAZON_ATTRIBUTES', 'app.key=value,...', 'attributes that the workload claims'],
  ['BLAZON_METRICS_LISTEN', 'host:port|off', '/metrics /live /ready (127.0.0.1:15020)'],
  ['BLAZON_OUTAGE_GRACE', 'duration', 'life of open streams after SVID expiry (15m)'],
  ['BLAZON_DRAIN', 'duration', 'time for open streams at shutdown (10s)'],
  ['BLAZON_DIAL_TIMEOUT', 'duration', 'for one tunnel to be set up (10s)'],
  ['BLAZON_APPLICATION_TIMEOUT', 'duration', 'for the application to accept (5s)'],
  ['BLAZON_TUNNEL_IDLE', 'duration', 'life of a tunnel without connections (5m)'],
  ['BLAZON_MAX_CONNECTIONS', 'number', 'open connections at once, each way (10000)'],
  ['BLAZON_WORKERS', 'number', 'processes that carry connections (1: the sidecar itself)'],
  ['BLAZON_LOG_LEVEL', sidecarLogLevels.join('|'), 'least severe records to log (info)'],
]

/**
 * Reads the environment of a sidecar; throws a `ConfigError` that names every problem at once. Redirected
 * questions for names are answered by way of `nameServers`, those of the machine, unless it says others.
 */
export function readSidecarConfig(
  environment: Readonly<Record<string, string | undefined>>,
  nameServers: readonly string[] = [],
): SidecarConfig {
  const env = readEnvironment(environment, 'BLAZON_')
  const capture = readCapture(env)
  const config: SidecarConfig = {
    ...readController(env),
    ...readListeners(env, capture, nameServers),
    capture,
    workload: env.required('BLAZON_WORKLOAD', workloadName),
    stateDirectory: env.fallback('BLAZON_STATE_DIR', text, '/var/lib/blazon'),
    attributes: env.fallback('BLAZON_ATTRIBUTES', claimedAttributes, []),
    outageGraceMs: env.fallback('BLAZON_OUTAGE_GRACE', duration, 15 * 60_000),
    drainMs: env.fallback('BLAZON_DRAIN', duration, 10_000),
    dialTimeoutMs: env.fallback('BLAZON_DIAL_TIMEOUT', duration, 10_000),
    applicationTimeoutMs: env.fallback('BLAZON_APPLICATION_TIMEOUT', duration, 5_000),
    tunnelIdleMs: env.fallback('BLAZON_TUNNEL_IDLE', idleTime, 5 * 60_000),
    maxConnections: env.fallback('BLAZON_MAX_CONNECTIONS', integer(1, 1_000_000), 10_000),
    workers: env.fallback('BLAZON_WORKERS', integer(1, mostWorkers), 1),
    logLevel: env.fallback('BLAZON_LOG_LEVEL', logLevel, 'info'),
  }
  env.finish()
  return config
}

function readController(
  env: EnvReader,
): Pick<SidecarConfig, 'trustDomain' | 'controllers' | 'pin' | 'evidence' | 'imdsEndpoint'> {
  return {
    trustDomain: env.required('BLAZON_TRUST_DOMAIN', parseTrustDomain),
    controllers: env.required('BLAZON_CONTROLLER', controllers),
    pin: readPin(env),
    evidence: readEvidenceChoice(env),
    imdsEndpoint: env.optional('BLAZON_IMDS_ENDPOINT', parseImdsEndpoint),
  }
}

function readPin(env: EnvReader): ControllerPin {
  const path = env.optional('BLAZON_BUNDLE', text)
  const sha256 = env.optional('BLAZON_CONTROLLER_FINGERPRINT', fingerprint)
  if (path !== undefined && sha256 !== undefined) {
    env.problem('BLAZON_CONTROLLER_FINGERPRINT: expected only one of this and BLAZON_BUNDLE')
  }
  if (sha256 !== undefined) return { kind: 'fingerprint', sha256 }
  // finish() throws before the empty path can be used.
  if (path === undefined) {
    env.problem('BLAZON_BUNDLE: required (or BLAZON_CONTROLLER_FINGERPRINT), but not set')
  }
  return { kind: 'bundle', path: path ?? '' }
}

function readListeners(
  env: EnvReader,
  capture: CaptureConfig,
  nameServers: readonly string[],
): Pick<SidecarConfig, 'egress' | 'ingress' | 'resolvers' | 'metricsListen'> {
  const metricsListen = env.fallback(
    'BLAZON_METRICS_LISTEN',
    (value) => (value === 'off' ? 'off' : hostPort(value)),
    { host: '127.0.0.1', port: 15_020 },
  )
  const egress = env.fallback('BLAZON_EGRESS', egressListeners, [])
  const resolvers = env.fallback(
    'BLAZON_RESOLVERS',
    resolverList,
    capture.kind === 'redirect' ? resolversAmong(nameServers) : [],
  )
  checkResolvers(env, resolvers, egress, capture)
  return {
    egress,
    ingress: env.fallback('BLAZON_INGRESS', ingressListeners, []),
    resolvers,
    metricsListen: metricsListen === 'off' ? undefined : metricsListen,
  }
}

function checkResolvers(
  env: EnvReader,
  resolvers: readonly HostPort[],
  egress: readonly EgressListener[],
  capture: CaptureConfig,
): void {
  const named = egress.find(({ destination }) => isName(destination.host))
  if (named !== undefined && resolvers.length === 0) {
    env.problem(
      `BLAZON_RESOLVERS: required to look up ${quote(named.destination.host)}, but not set`,
    )
  }
  // It would have to ask further from in here, and be sent back to this sidecar.
  if (capture.kind === 'redirect' && resolvers.some(({ host }) => isLoopback(host))) {
    env.problem('BLAZON_RESOLVERS: expected no loopback address where everything is redirected')
  }
}

const mostControllers = 16

const controllers: Parse<readonly HostPort[]> = (value) => {
  const entries = value.split(',')
  if (entries.length > mostControllers) {
    throw new Error(`expected at most ${String(mostControllers)} controllers`)
  }
  return entries.map((entry) => {
    const parsed = hostPort(entry.trim())
    if (parsed.port === 0) throw new Error(`expected the port of a controller, got ${quote(entry)}`)
    return parsed
  })
}

const idleTime: Parse<number> = (value) => {
  const ms = duration(value)
  if (ms < 1_000) throw new Error(`expected 1s or more, got ${quote(value)}`)
  return ms
}

const fingerprint: Parse<string> = (value) => {
  const hex = value.toLowerCase().replaceAll(':', '')
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new Error(`expected 64 hexadecimal digits (a SHA-256), got ${quote(value)}`)
  }
  return hex
}

const workloadName: Parse<string> = (value) => {
  if (!/^[a-z0-9][a-z0-9._-]{0,127}$/.test(value)) {
    throw new Error(
      `expected a name of 1 to 128 characters out of a-z 0-9 . _ -, got ${quote(value)}`,
    )
  }
  return value
}

const claimedAttributes: Parse<readonly ClaimedAttribute[]> = (value) =>
  value.split(',').map((entry) => {
    const at = entry.indexOf('=')
    if (at < 1) throw new Error(`expected app.key=value, got ${quote(entry)}`)
    const key = checkKey(entry.slice(0, at).trim())
    // Other families have a source of their own; configuration may not speak for them.
    if (!key.startsWith('app.') || sidecarProvenance(key) !== 'claimed') {
      throw new Error(`expected a key of the family app.*, got ${quote(key)}`)
    }
    return { key, value: checkValue(entry.slice(at + 1)) }
  })

const logLevel: Parse<SidecarLogLevel> = (value) => {
  const level = sidecarLogLevels.find((known) => known === value)
  if (level === undefined) {
    throw new Error(`expected one of ${sidecarLogLevels.join(', ')}, got ${quote(value)}`)
  }
  return level
}
