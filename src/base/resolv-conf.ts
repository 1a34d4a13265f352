import { addressBytes, formatAddress } from './network.ts'

/**
 * The name servers of resolv.conf(5) that are beyond this machine, each once, in canonical spelling; the
 * zone of a link-local one is left out. What asks a server on loopback never leaves the machine by that.
 */
export function nameServersOf(text: string): string[] {
  const servers = text
    .split('\n')
    .map((line) => /^\s*nameserver\s+([0-9a-fA-F:.]+)(?:%\S*)?\s*(?:[#;].*)?$/.exec(line)?.[1])
    .map((server) => (server === undefined ? undefined : addressBytes(server.toLowerCase())))
    .filter((bytes) => bytes !== undefined)
    .map(formatAddress)
    .filter((server) => server !== '::1' && !server.startsWith('127.'))
  return [...new Set(servers)]
}
