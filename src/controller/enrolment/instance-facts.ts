import type { Clock } from '../../base/clock.ts'
import { hasGrant } from '../store/grants.ts'
import { bindingsOfKey, type NodeBinding } from '../store/nodes.ts'
import type { Store } from '../store/store.ts'
import type { Registry } from '../workloads/registry.ts'
import type { InstanceFacts, KnownClaimant } from './instance-claim.ts'

/** Gathers what is known of an instance that a node key claims. */
export function createInstanceFacts(deps: {
  readonly store: Store
  readonly registry: Registry
  readonly isWatching: (workloadId: string) => boolean
  readonly clock: Clock
}): (
  nodeId: string,
  nodeKeySha256: string,
  bindings: readonly NodeBinding[],
) => Promise<InstanceFacts> {
  const { store, registry, clock } = deps

  const isLive = (nodeKeySha256: string): boolean =>
    registry
      .workloadsOf(nodeKeySha256)
      .some(
        ({ stored }) => stored.lastNotAfterMs > clock.now() || deps.isWatching(stored.workloadId),
      )

  const claimantOf = (binding: NodeBinding): KnownClaimant => {
    const { nodeKeySha256 } = binding
    const node = registry.node(nodeKeySha256)
    return {
      ...binding,
      // A key without a record of its own is none that an SVID was ever issued by.
      standing: node?.standing ?? 'barred',
      lastUsedMs: node?.lastUsedMs ?? binding.boundAtMs,
      isLive: isLive(nodeKeySha256),
    }
  }

  return async (nodeId, nodeKeySha256, bindings) => {
    const ofKey = await bindingsOfKey(store.tables, nodeKeySha256)
    return {
      claimants: bindings.map(claimantOf),
      otherInstance: ofKey.find((one) => isInstance(one.nodeId) && one.nodeId !== nodeId)?.nodeId,
      hasGrant: await hasGrant(store.tables, nodeId, clock.now()),
      // This controller does not ask EC2: without the bound key only a grant helps.
      isStartedByEc2: false,
    }
  }
}

/** Whether a node id is that of an EC2 instance. */
export function isInstance(nodeId: string): boolean {
  return nodeId.startsWith('aws:')
}
