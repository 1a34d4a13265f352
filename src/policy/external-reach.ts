import type { TrustProfile } from '../identity/trust-profile.ts'
import { createExternalPeers, type ExternalPeer, type ExternalPeers } from './external-peers.ts'
import { unlistedProfile, type ExternalService } from './external-service.ts'
import type { PolicySet } from './policy-set.ts'
import { isPrivate } from './reserved-addresses.ts'

/**
 * What of the world outside the mesh some allow may open to a workload, or it to; with what is denied
 * of that.
 */
export interface ExternalReach {
  /** It has no service and covers no address. */
  readonly isNone: boolean
  readonly services: readonly ExternalService[]
  /**
   * Whether the workload could take an address (4 or 16 bytes) for one outside the mesh, so that it has
   * to be told if it is not.
   */
  covers(address: Uint8Array): boolean
}

/** Finds the reach of workloads, each profile once. */
export interface ExternalReaches {
  of(profile: TrustProfile): ExternalReach
  /** The reach of a workload whose profile is not known. */
  readonly whole: ExternalReach
  /** Whether a service, by its profile, can be within the reach of a workload. */
  includes(profile: TrustProfile, service: TrustProfile): boolean
}

const mostRemembered = 16_384

export function createExternalReaches(
  policies: PolicySet,
  services: Iterable<ExternalService>,
): ExternalReaches {
  const all = createExternalPeers(services)
  const remembered = new Map<string, ExternalReach>()
  const isOpen = (profile: TrustProfile, service: TrustProfile): boolean =>
    policies.mayAllow(profile, service) || policies.mayAllow(service, profile)
  // A service that is only denied counts where an address of it could be taken for one of another.
  const isKept = (profile: TrustProfile, service: TrustProfile): boolean =>
    policies.mayRestrict(profile, service) || policies.mayRestrict(service, profile)
  const find = (profile: TrustProfile): ExternalReach => {
    const isEverywhere = isOpen(profile, unlistedProfile)
    const hasAny = isEverywhere || all.list.some((peer) => isOpen(profile, peer.profile))
    const isMeant = (peer: ExternalPeer): boolean =>
      isOpen(profile, peer.profile) || isKept(profile, peer.profile)
    return reachOf(hasAny ? all.list.filter(isMeant) : [], isEverywhere)
  }
  return {
    includes: (profile, service) => isOpen(profile, service) || isKept(profile, service),
    whole: reachOf(all.list, true),
    of: (profile) => {
      if (remembered.size >= mostRemembered) remembered.clear()
      return remembered.getOrInsertComputed(profile.digest, () => find(profile))
    },
  }
}

function reachOf(peers: readonly ExternalPeer[], isEverywhere: boolean): ExternalReach {
  const services = peers.map(({ service }) => service)
  const byAddress: ExternalPeers = createExternalPeers(services)
  const named = services.filter(({ spec }) => spec.dns !== undefined)
  return {
    isNone: services.length === 0 && !isEverywhere,
    services,
    covers: (address) =>
      isEverywhere ||
      named.some(({ spec }) => spec.private || !isPrivate(address)) ||
      byAddress.covering(address).length > 0,
  }
}
