import { isIP } from 'node:net'
import { addressesOf, type AddressList } from './address-list.ts'

/**
 * The name servers of resolv.conf(5). Those on loopback need no rule, for what stays on the machine is
 * not captured; the zone of a link-local one is left out.
 */
export function resolversOf(text: string): AddressList {
  const servers = text
    .split('\n')
    .map((line) => /^\s*nameserver\s+([0-9a-fA-F:.]+)(?:%\S*)?\s*(?:[#;].*)?$/.exec(line)?.[1])
    .filter((server) => server !== undefined)
    .filter((server) => isIP(server) !== 0 && server !== '::1' && !server.startsWith('127.'))
  return addressesOf(servers)
}
