import { hostPort, type HostPort, type Parse } from '../../base/env.ts'
import { quote } from '../../base/errors.ts'
import { canonicalAddress } from '../../tunnel/index.ts'
import { isUnspecified } from '../address.ts'

const dnsPort = 53
/** As many as the C library asks (MAXNS of resolv.conf(5)). */
const mostResolvers = 3

/** `10.0.0.2,[fd00::2]:5353`: name servers by address, each with port 53 unless it says another. */
export const resolverList: Parse<readonly HostPort[]> = (text) => {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.length > mostResolvers) {
    throw new Error(
      `expected at most ${String(mostResolvers)} resolvers, got ${String(entries.length)}`,
    )
  }
  return entries.map(resolver)
}

/** As many of a machine's name servers (addresses in canonical form) as can be asked from here. */
export function resolversAmong(nameServers: readonly string[]): readonly HostPort[] {
  return nameServers
    .filter((host) => !/^fe[89ab]/.test(host)) // they are nowhere without their zone
    .slice(0, mostResolvers)
    .map((host) => ({ host, port: dnsPort }))
}

function resolver(entry: string): HostPort {
  const plain = canonicalAddress(entry)
  const { host, port } = plain === undefined ? hostPort(entry) : { host: plain, port: dnsPort }
  const address = canonicalAddress(host)
  if (address === undefined || isUnspecified(address) || port === 0) {
    throw new Error(`expected the IP address of a resolver, got ${quote(entry)}`)
  }
  return { host: address, port }
}
