import { addressBytes } from '../base/network.ts'
import {
  asksForServerName,
  createExternalPeers,
  type ExternalPeer,
  type PolicyDocument,
} from '../policy/index.ts'

/** What the controller has told of addresses: external services, and what of theirs is the mesh's. */
export interface OutsideWorld {
  /** All external services, expired ones included. */
  readonly peers: readonly ExternalPeer[]
  /** Addresses of workloads, as far as this sidecar was told: 4 or 16 bytes. */
  readonly meshAddresses: readonly Uint8Array[]
  /** External services that an address belongs to; with a port, those that have it. None for a mesh address. */
  covering(address: string, port?: number): readonly ExternalPeer[]
  /** External services that an address is one of by the names it has. None for a mesh address. */
  named(address: string, port: number, names: readonly string[]): readonly NamedPeer[]
  /** Whether some external service has this name. */
  hasName(name: string): boolean
  /** Whether some external service is a balancer that reads requests. */
  readonly hasBalancer: boolean
  /** Whether an address is that of a workload, as far as this sidecar was told. */
  isMesh(address: string): boolean
}

/** An external service that an address stands for by its name. */
export interface NamedPeer extends ExternalPeer {
  /** Other names may have the same address, so only a TLS client that asks for one of the service's is meant. */
  readonly asksForServerName: boolean
}

export const nothingOutside: OutsideWorld = {
  peers: [],
  meshAddresses: [],
  covering: () => [],
  named: () => [],
  hasName: () => false,
  hasBalancer: false,
  isMesh: () => false,
}

/** Throws where an address is none. */
export function createOutsideWorld(
  documents: readonly PolicyDocument[],
  meshAddresses: readonly Uint8Array[],
): OutsideWorld {
  const services = documents.filter((document) => document.kind === 'ExternalService')
  const peers = createExternalPeers(services)
  const mesh = new Set(meshAddresses.map(keyOf))
  const isMesh = (bytes: Uint8Array): boolean => mesh.size > 0 && mesh.has(keyOf(bytes))
  return {
    peers: peers.list,
    meshAddresses,
    covering: (address, port) => {
      const bytes = addressBytes(address)
      return bytes === undefined || isMesh(bytes) ? [] : peers.covering(bytes, port)
    },
    named: (address, port, names) => {
      const bytes = names.length === 0 ? undefined : addressBytes(address)
      if (bytes === undefined || isMesh(bytes)) return []
      return peers
        .named(names, bytes, port)
        .map((peer) => ({ ...peer, asksForServerName: asksForServerName(peer.service, port) }))
    },
    hasName: peers.hasName,
    hasBalancer: services.some(({ spec }) => spec.l7),
    isMesh: (address) => {
      const bytes = addressBytes(address)
      return bytes !== undefined && isMesh(bytes)
    },
  }
}

function keyOf(address: Uint8Array): string {
  if (address.length !== 4 && address.length !== 16) {
    throw new Error(`expected an address of 4 or 16 bytes, got ${String(address.length)}`)
  }
  return address.join('.')
}
