import { BlockList, isIP, isIPv6 } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { quote } from '../base/errors.ts'

/** Where every instance finds the metadata service; the second one on IPv6, where it is enabled. */
export const imdsEndpoints: readonly HostPort[] = [
  { host: '169.254.169.254', port: 80 },
  { host: 'fd00:ec2::254', port: 80 },
]

const near = new BlockList()
near.addSubnet('127.0.0.0', 8, 'ipv4')
near.addSubnet('169.254.0.0', 16, 'ipv4')
near.addAddress('::1', 'ipv6')
near.addSubnet('fd00:ec2::', 32, 'ipv6')

/**
 * Another place of the metadata service, such as `http://127.0.0.1:1338`. What it says is taken for
 * this machine's, and travels in clear, so only addresses that do not leave the machine or its link
 * are accepted, and no names.
 */
export function parseImdsEndpoint(text: string): HostPort {
  const url = URL.parse(text)
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? ''
  const isPlain = url?.protocol === 'http:' && url.href === `${url.origin}/` && isIP(host) !== 0
  if (!isPlain || !near.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')) {
    throw new Error(
      `expected http:// with a loopback or link-local IP address and nothing behind it, got ${quote(text)}`,
    )
  }
  return { host, port: url.port === '' ? 80 : Number(url.port) }
}
