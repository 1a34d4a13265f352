import { integer, type EnvReader, type Parse } from '../base/env.ts'
import { quote } from '../base/errors.ts'
import { sidecarId } from '../base/sidecar-account.ts'

/** How the workload's connections reach the sidecar. */
export type CaptureConfig = { readonly kind: 'explicit' } | RedirectConfig

/** The kernel redirects every connection here (`blazon intercept`). */
export interface RedirectConfig {
  readonly kind: 'redirect'
  readonly egressPort: number
  readonly ingressPort: number
  /** Where names are asked for, if there are resolvers to ask. */
  readonly dnsPort: number
  /** Only connections of this uid are the workload's; undefined = of whoever shares the network namespace. */
  readonly workloadUid: number | undefined
}

const mostUid = 4_294_967_294

/** The variables of capture; those of `redirect` are a problem without it, for they would do nothing. */
export function readCapture(env: EnvReader): CaptureConfig {
  const kind = env.fallback('BLAZON_CAPTURE', captureKind, 'explicit')
  const egressPort = env.optional('BLAZON_EGRESS_PORT', integer(1, 65_535))
  const ingressPort = env.optional('BLAZON_INGRESS_PORT', integer(1, 65_535))
  const dnsPort = env.optional('BLAZON_DNS_PORT', integer(1, 65_535))
  const workloadUid = env.optional('BLAZON_WORKLOAD_UID', uid)
  if (kind === 'redirect') {
    const config = {
      egressPort: egressPort ?? 15_001,
      ingressPort: ingressPort ?? 15_006,
      dnsPort: dnsPort ?? 15_053,
    }
    if (config.egressPort === config.ingressPort) {
      env.problem('BLAZON_INGRESS_PORT: expected another port than BLAZON_EGRESS_PORT')
    }
    if (config.dnsPort === config.egressPort || config.dnsPort === config.ingressPort) {
      env.problem('BLAZON_DNS_PORT: expected another port than those of connections')
    }
    return { kind, ...config, workloadUid }
  }
  const given = {
    BLAZON_EGRESS_PORT: egressPort,
    BLAZON_INGRESS_PORT: ingressPort,
    BLAZON_DNS_PORT: dnsPort,
    BLAZON_WORKLOAD_UID: workloadUid,
  }
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) env.problem(`${name}: expected only with BLAZON_CAPTURE=redirect`)
  }
  return { kind }
}

const captureKind: Parse<CaptureConfig['kind']> = (value) => {
  if (value === 'explicit' || value === 'redirect') return value
  throw new Error(`expected explicit or redirect, got ${quote(value)}`)
}

const uid: Parse<number> = (value) => {
  const number = integer(0, mostUid)(value)
  if (number === sidecarId) throw new Error(`${value} is the uid of the sidecar itself`)
  return number
}
