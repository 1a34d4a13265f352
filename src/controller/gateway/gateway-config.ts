import { isIP } from 'node:net'
import { formatHostPort, type HostPort } from '../../base/env.ts'

/** Where and how the HTTP gateway is served. */
export interface GatewayConfig {
  readonly listen: HostPort
  /** Origins by which browsers may know it, such as `https://console.acme.example`; the first is put into links. Empty: by its address. */
  readonly origins: readonly string[]
  /** PEM chain and key to show; undefined: the controller's own. */
  readonly certificate: { readonly chain: string; readonly key: string } | undefined
  /** Plain HTTP; refused beyond loopback. */
  readonly plainHttp: boolean
}

/** Whether only this machine can connect to a host. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** An origin as browsers write it; throws for anything that is more than that. */
export function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isOrigin = url?.origin === text && (url.protocol === 'https:' || url.protocol === 'http:')
  if (!isOrigin) throw new Error(`expected an origin such as https://console.acme.example`)
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''))) {
    throw new Error('expected https: plain HTTP is for loopback only')
  }
  return text
}

/** The origins that a gateway answers to, once it is known where it listens. */
export function originsOf(config: GatewayConfig, address: HostPort): readonly string[] {
  if (config.origins.length > 0) return config.origins
  const scheme = config.plainHttp ? 'http' : 'https'
  const isEverywhere = address.host === '0.0.0.0' || address.host === '::'
  const hosts =
    isEverywhere || isLoopbackHost(address.host)
      ? ['localhost', '127.0.0.1', '::1']
      : [address.host]
  return hosts.map((host) => new URL(`${scheme}://${formatHostPort({ ...address, host })}`).origin)
}
