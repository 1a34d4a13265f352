import { readFileSync } from 'node:fs'
import { hostPort, type EnvReader, type HostPort, type Parse } from '../base/env.ts'
import { messageOf, quote } from '../base/errors.ts'
import {
  isLoopbackHost,
  parseOidcConfig,
  parseOrigin,
  type GatewayConfig,
  type OidcIssuer,
} from '../controller/index.ts'

const defaultListen: HostPort = { host: '127.0.0.1', port: 7444 }

/** The `BLAZON_GATEWAY_*` variables; undefined where the gateway is off. */
export function readGateway(env: EnvReader): GatewayConfig | undefined {
  const listen = env.fallback('BLAZON_GATEWAY_LISTEN', listenOrOff, defaultListen)
  const origins = env.fallback('BLAZON_GATEWAY_ORIGINS', originList, [])
  const chain = env.optional('BLAZON_GATEWAY_CERT', fileText)
  const key = env.optional('BLAZON_GATEWAY_KEY', fileText)
  const plainHttp = env.fallback('BLAZON_GATEWAY_HTTP', onOff, false)
  if ((chain === undefined) !== (key === undefined)) {
    env.problem('BLAZON_GATEWAY_CERT: expected together with BLAZON_GATEWAY_KEY, got one of them')
  }
  if (listen === 'off') return undefined
  if (plainHttp && !isLoopbackHost(listen.host)) {
    env.problem('BLAZON_GATEWAY_HTTP: plain HTTP is served on loopback only')
  }
  if (plainHttp && chain !== undefined) {
    env.problem('BLAZON_GATEWAY_HTTP: expected plain HTTP or a certificate, got both')
  }
  const certificate = chain === undefined || key === undefined ? undefined : { chain, key }
  return { listen, origins, certificate, plainHttp }
}

/** Issuers as JSON, or the path of a file with it. */
export const oidcIssuers: Parse<readonly OidcIssuer[]> = (value) =>
  parseOidcConfig(value.trimStart().startsWith('{') ? value : fileText(value))

const listenOrOff: Parse<HostPort | 'off'> = (value) => (value === 'off' ? value : hostPort(value))

const originList: Parse<readonly string[]> = (value) =>
  value.split(',').map((one) => parseOrigin(one.trim()))

const fileText: Parse<string> = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause: unknown) {
    throw new Error(`cannot read ${quote(path)}: ${messageOf(cause)}`, { cause })
  }
}

const onOff: Parse<boolean> = (value) => {
  if (value === 'on' || value === 'off') return value === 'on'
  throw new Error(`expected on or off, got ${quote(value)}`)
}
