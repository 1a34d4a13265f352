import type { TrustProfile } from '../identity/trust-profile.ts'
import { profileOfService, type ExternalService } from './external-service.ts'
import { mask, networkOf } from './network.ts'
import { isMetadata, isNeverOutside, metadataServiceName } from './reserved-addresses.ts'

/** An external service, as decisions see it. */
export interface ExternalPeer {
  readonly service: ExternalService
  readonly profile: TrustProfile
}

/** External services by address. Immutable: a change of documents is a new one. */
export interface ExternalPeers {
  /** By name. */
  readonly list: readonly ExternalPeer[]
  /**
   * Those whose networks an address (4 or 16 bytes) is in, narrowest network first, then by name; with
   * a port, only those that have it. Loopback, link-local and the like are in none, and metadata
   * addresses only in the service that is about them.
   */
  covering(address: Uint8Array, port?: number): readonly ExternalPeer[]
}

export function createExternalPeers(services: Iterable<ExternalService>): ExternalPeers {
  const list = Array.from(services, (service) => ({ service, profile: profileOfService(service) }))
  list.sort((a, b) => (a.service.name < b.service.name ? -1 : 1))
  const lengths = fileByNetwork(list)
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
  }
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
