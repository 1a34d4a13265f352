/** The controller process: its environment, its log, its life. */
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { duration, hostPort, integer, readEnvironment, text, type Parse } from '../base/env.ts'
import { quote } from '../base/errors.ts'
import { startController, type ControllerConfig } from '../controller/index.ts'
import { parseTrustDomain } from '../identity/index.ts'
import { oidcIssuers, readGateway } from './gateway-environment.ts'
import { createLogger, logLevels, type LogLevel } from './logger.ts'

const hourMs = 3_600_000
const mebibyte = 1024 ** 2
/** What may come at once, in seconds of the rate. */
const burstSeconds = 4

/** Runs a controller until `signal` aborts. Throws `ConfigError` with every problem of the environment. */
export async function runController(
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  const { logLevel, ...config } = readControllerEnvironment(environment)
  const log = createLogger({ level: logLevel, name: 'controller' })
  await using controller = await startController(config, {
    log,
    version: packageVersion(),
    withProcessMetrics: true,
  })
  if (!signal.aborted) await once(signal, 'abort')
  log.info({ listen: controller.address }, 'controller stopping')
}

/** Reads the `BLAZON_*` variables of a controller. */
export function readControllerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): ControllerConfig & { readonly logLevel: LogLevel } {
  const env = readEnvironment(environment, 'BLAZON_')
  const workloadsKeptMs = env.optional('BLAZON_WORKLOADS_KEPT', duration)
  const flowsKeptMs = env.optional('BLAZON_FLOWS_KEPT', duration)
  const flowsMebibytes = env.optional('BLAZON_FLOWS_MEBIBYTES', integer(256, 1_048_576))
  const rate = env.optional('BLAZON_ENROLMENT_RATE', integer(1, 1_000_000))
  const config = {
    trustDomain: env.required('BLAZON_TRUST_DOMAIN', parseTrustDomain),
    dataDirectory: env.required('BLAZON_DATA_DIR', text),
    listen: env.fallback('BLAZON_LISTEN', hostPort, { host: '0.0.0.0', port: 7443 }),
    metricsListen: env.fallback('BLAZON_METRICS_LISTEN', hostPort, {
      host: '127.0.0.1',
      port: 7445,
    }),
    keyFile: env.optional('BLAZON_KEY_FILE', text),
    iidKeysFile: env.optional('BLAZON_AWS_IID_KEYS', text),
    x509CaFile: env.optional('BLAZON_X509_CA', text),
    svidTtlMs: env.fallback('BLAZON_SVID_TTL', duration, hourMs),
    minSvidTtlMs: env.fallback('BLAZON_MIN_SVID_TTL', duration, 5 * 60_000),
    gateway: readGateway(env),
    oidc: env.optional('BLAZON_OIDC', oidcIssuers),
    logLevel: env.fallback('BLAZON_LOG_LEVEL', logLevel, 'info'),
    timings: {
      ...(workloadsKeptMs === undefined ? {} : { workloadsKeptMs }),
      ...(flowsKeptMs === undefined ? {} : { flowsKeptMs }),
    },
    limits: {
      ...(flowsMebibytes === undefined ? {} : { flowsBytes: flowsMebibytes * mebibyte }),
      ...(rate === undefined
        ? {}
        : { enrolmentPerSecond: rate, enrolmentBurst: rate * burstSeconds }),
    },
  }
  if (config.minSvidTtlMs < 10_000 || config.minSvidTtlMs > config.svidTtlMs) {
    env.problem('BLAZON_MIN_SVID_TTL: expected 10s to BLAZON_SVID_TTL')
  }
  if (config.svidTtlMs > 24 * hourMs) env.problem('BLAZON_SVID_TTL: expected at most 24h')
  env.finish()
  return config
}

const logLevel: Parse<LogLevel> = (value) => {
  const level = logLevels.find((known) => known === value)
  if (level !== undefined) return level
  throw new Error(`expected one of ${logLevels.join(', ')}, got ${quote(value)}`)
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}
