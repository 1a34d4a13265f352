import type { Clock } from '../../base/clock.ts'
import type { Incidents } from '../incidents.ts'
import { putBinding, type NodeBinding } from '../store/nodes.ts'
import type { DeferredWrites } from '../workloads/deferred-writes.ts'
import type { NodeStandings } from '../workloads/node-standing.ts'
import type { Registry } from '../workloads/registry.ts'
import type { ClaimVerdict, InstanceClaim, InstanceFacts } from './instance-claim.ts'
import { newBinding, nodeRecord, type NodeClaim } from './node-record.ts'
import {
  claimRefused,
  contested,
  contestRefused,
  incidentOf,
  type RefusedClaim,
} from './refused-claims.ts'

/** A claim to be an instance, and what was found when it was looked at. */
export interface LookedAt {
  readonly claim: NodeClaim
  readonly bindings: readonly NodeBinding[]
  readonly instance: { readonly claim: InstanceClaim; readonly facts: InstanceFacts }
}

/** Turns a verdict against a claim into a refusal, after it was recorded what there is to record. */
export type EnforceClaim = (
  looked: LookedAt,
  verdict: ClaimVerdict,
  firstEnrolmentWithinMs: number,
) => Promise<void>

export function createClaimEnforcer(deps: {
  readonly registry: Registry
  readonly incidents: Incidents
  readonly nodeStandings: NodeStandings
  readonly deferred: DeferredWrites
  readonly clock: Clock
}): EnforceClaim {
  const { deferred, registry, incidents, nodeStandings, clock } = deps

  /** Stops all claimants in one transaction. */
  const freeze = async (
    { claim, bindings }: LookedAt,
    refused: RefusedClaim,
    { cause, claimants }: Extract<ClaimVerdict, { readonly kind: 'contest' }>,
  ): Promise<void> => {
    const own = claim.nodeKey.keySha256
    const incident = contested(cause, refused, claimants)
    const applies = await deferred.change(async (tables) => {
      const made: (() => void)[] = []
      for (const key of claimants) {
        // One that is known by other evidence keeps what is known of it.
        const known = registry.node(key)
        const node = key === own ? (known ?? nodeRecord(claim, known, clock.now())) : known
        if (node === undefined) throw new Error('BUG: a claimant without a record')
        made.push(await nodeStandings.set(tables, node, 'frozen', incident.summary))
      }
      if (!bindings.some(({ nodeKeySha256 }) => nodeKeySha256 === own)) {
        await putBinding(tables, newBinding(claim, 'claim', clock.now()))
      }
      made.push(await incidents.open(tables, incident))
      return made
    })
    for (const apply of applies) apply()
  }

  return async (looked, verdict, firstEnrolmentWithinMs) => {
    const { claim, bindings, instance } = looked
    if (claim.node.method !== 'aws-iid') throw new Error('BUG: an instance without a document')
    const refused: RefusedClaim = {
      node: claim.node,
      nodeKeySha256: claim.nodeKey.keySha256,
      source: claim.source,
      boundKeys: bindings
        .map(({ nodeKeySha256 }) => nodeKeySha256)
        .filter((key) => registry.node(key)?.standing === 'good'),
      otherInstance: instance.facts.otherInstance,
      firstEnrolmentWithinMs,
    }
    if (verdict.kind === 'refuse') {
      const incident = incidentOf(verdict.refusal, refused)
      if (incident !== undefined) await incidents.report(incident)
      throw claimRefused(verdict.refusal, refused)
    }
    if (verdict.kind === 'contest') {
      await freeze(looked, refused, verdict)
      throw contestRefused(refused)
    }
  }
}
