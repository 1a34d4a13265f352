import type { HostPort } from '../base/env.ts'
import type { TrustDomain } from '../identity/index.ts'
import type { GatewayConfig } from './gateway/gateway-config.ts'
import type { OidcIssuer } from './oidc/oidc-config.ts'

/** What a controller is started with. */
export interface ControllerConfig {
  readonly trustDomain: TrustDomain
  /** Holds the store, the keys (sealed), the bundle and the first administrator's secret; mode 0700. */
  readonly dataDirectory: string
  readonly listen: HostPort
  readonly metricsListen: HostPort
  /** 32 bytes that seal the keys; made at the first start. Undefined: `key-encryption.key` in the data directory. */
  readonly keyFile: string | undefined
  /** Keys of AWS regions beside those that come with the project (docs/aws-iid-keys.md). */
  readonly iidKeysFile?: string | undefined
  /** PEM of the CAs whose certificates are evidence; undefined: certificates are none. */
  readonly x509CaFile?: string | undefined
  /** Life of a workload's SVID where no enrolment rule sets a shorter one. */
  readonly svidTtlMs: number
  /** The shortest life that a rule can set. */
  readonly minSvidTtlMs: number
  /** Undefined: no HTTP gateway. */
  readonly gateway?: GatewayConfig | undefined
  /** Issuers whose tokens administrators may show; none by default. */
  readonly oidc?: readonly OidcIssuer[] | undefined
  readonly timings?: Partial<ControllerTimings>
  readonly limits?: Partial<ControllerLimits>
}

/** Periods that tests shorten. */
export interface ControllerTimings {
  readonly heartbeatMs: number
  /** How often planned work is looked for: floors that catch up, deferred writes. */
  readonly tickMs: number
  /** How often issuers are moved on and old records dropped. */
  readonly maintenanceMs: number
  /** How long a workload may go on with a certificate that says what it is not any more. */
  readonly graceMs: number
  /** How long a sidecar gets to re-authenticate its tunnels once it uses a new certificate. */
  readonly reauthenticateMs: number
  /** Life of the controller's own certificate. */
  readonly ownCertificateMs: number
  /** Life of an administrator's certificate. */
  readonly administratorMs: number
  /** Life of an issuing key. */
  readonly issuerMs: number
  /** How long a workload is remembered whose last SVID has ended. */
  readonly workloadsKeptMs: number
  /** How long flows are kept, unless there are too many. */
  readonly flowsKeptMs: number
  /** How often the end of the audit log is signed and written to the log. */
  readonly auditHeadMs: number
  /** How long a connection without a certificate stays while none of its calls comes to an answer. */
  readonly strangerSilenceMs: number
}

export const defaultTimings: ControllerTimings = {
  heartbeatMs: 10_000,
  tickMs: 1_000,
  maintenanceMs: 60_000,
  graceMs: 60_000,
  reauthenticateMs: 5_000,
  ownCertificateMs: 24 * 3_600_000,
  administratorMs: 7 * 24 * 3_600_000,
  issuerMs: 30 * 24 * 3_600_000,
  workloadsKeptMs: 30 * 24 * 3_600_000,
  flowsKeptMs: 7 * 24 * 3_600_000,
  auditHeadMs: 60_000,
  strangerSilenceMs: 90_000,
}

export interface ControllerLimits {
  /** Enrolment calls of one source: at once, and each second after that. */
  readonly enrolmentBurst: number
  readonly enrolmentPerSecond: number
  readonly challenges: number
  readonly challengesPerSource: number
  readonly connections: number
  readonly handshakes: number
  /** What kept flows may take of the disk; the oldest give way. */
  readonly flowsBytes: number
}

export const defaultLimits: ControllerLimits = {
  enrolmentBurst: 200,
  enrolmentPerSecond: 50,
  challenges: 20_000,
  challengesPerSource: 1_000,
  connections: 20_000,
  handshakes: 512,
  flowsBytes: 4 * 1024 ** 3,
}
