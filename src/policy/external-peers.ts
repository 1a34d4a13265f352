import type { TrustProfile } from '../identity/trust-profile.ts'
import { profileOfService, type ExternalService } from './external-service.ts'
import { mask, networkOf } from '../base/network.ts'
import { isMetadata, isNeverOutside, isPrivate, metadataServiceName } from './reserved-addresses.ts'

/** An external service, as decisions see it. */
export interface ExternalPeer {
  readonly service: ExternalService
  readonly profile: TrustProfile
}

/**
 * External services by address and name, whether or not they have expired: `isInForce` tells. Immutable:
 * a change of documents is a new one.
 */
export interface ExternalPeers {
  /** By name. */
  readonly list: readonly ExternalPeer[]
  /**
   * Those whose networks an address (4 or 16 bytes) is in, narrowest network first, then by name; with
   * a port, only those that have it. Loopback, link-local and the like are in none, and metadata
   * addresses only in the service that is about them.
   */
  covering(address: Uint8Array, port?: number): readonly ExternalPeer[]
  /** Whether some service has this name (lower case, without a dot at its end). */
  readonly hasName: (name: string) => boolean
  /**
   * Those that have one of these names and the port, and that an address of such a name may stand
   * for: never loopback, link-local or metadata, and private only where the service says so.
   */
  named(names: readonly string[], address: Uint8Array, port: number): readonly ExternalPeer[]
}

export function createExternalPeers(services: Iterable<ExternalService>): ExternalPeers {
  const list = Array.from(services, (service) => ({ service, profile: profileOfService(service) }))
  list.sort((a, b) => (a.service.name < b.service.name ? -1 : 1))
  const lengths = fileByNetwork(list)
  const byName = fileByName(list)
  return {
    list,
    covering: (address, port) => {
      const found = new Set<ExternalPeer>()
      for (const { bytes, bits, byNetwork } of lengths) {
        if (bytes !== address.length) continue
        for (const peer of byNetwork.get(keyOf(mask(address, bits))) ?? []) found.add(peer)
      }
      if (found.size === 0) return []
      return [...found].filter((peer) => isPlace(peer, address) && hasPort(peer, port))
    },
    hasName: (name) => patternsOf(name).some((pattern) => byName.has(pattern)),
    named: (names, address, port) => {
      if (byName.size === 0 || isNeverOutside(address)) return []
      const patterns = names.flatMap(patternsOf)
      const found = new Set(patterns.flatMap((pattern) => byName.get(pattern) ?? []))
      const isAddressPrivate = isPrivate(address)
      return list
        .filter((peer) => found.has(peer) && hasPort(peer, port))
        .filter(({ service }) => !isAddressPrivate || service.spec.private)
    },
  }
}

/** What documents may write for a name: itself, and `*.` with each name above it. */
function patternsOf(name: string): string[] {
  const labels = name.split('.')
  return [name, ...labels.slice(1).map((_, at) => `*.${labels.slice(at + 1).join('.')}`)]
}

function fileByName(peers: readonly ExternalPeer[]): Map<string, ExternalPeer[]> {
  const byName = new Map<string, ExternalPeer[]>()
  for (const peer of peers) {
    for (const name of peer.service.spec.dns ?? []) {
      byName.getOrInsertComputed(name, () => []).push(peer)
    }
  }
  return byName
}

/** Networks of one length: one look-up tells whether an address is in any of them. */
interface NetworksOfLength {
  readonly bytes: number
  readonly bits: number
  readonly byNetwork: Map<string, ExternalPeer[]>
}

/** Longest first. */
function fileByNetwork(peers: readonly ExternalPeer[]): NetworksOfLength[] {
  const lengths = new Map<string, NetworksOfLength>()
  for (const peer of peers) {
    for (const cidr of peer.service.spec.cidrs ?? []) {
      const { address, bits } = networkOf(cidr)
      const bytes = address.length
      const { byNetwork } = lengths.getOrInsertComputed(`${String(bytes)} ${String(bits)}`, () => {
        return { bytes, bits, byNetwork: new Map<string, ExternalPeer[]>() }
      })
      byNetwork.getOrInsertComputed(keyOf(address), () => []).push(peer)
    }
  }
  return [...lengths.values()].sort((a, b) => b.bits - a.bits)
}

function keyOf(address: Uint8Array): string {
  return address.join('.')
}

function isPlace({ service }: ExternalPeer, address: Uint8Array): boolean {
  if (service.name === metadataServiceName) return isMetadata(address)
  return !isNeverOutside(address)
}

function hasPort({ service }: ExternalPeer, port: number | undefined): boolean {
  const { ports } = service.spec
  return port === undefined || ports === undefined || ports.includes(port)
}
