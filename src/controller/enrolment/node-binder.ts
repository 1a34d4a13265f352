import type { Clock } from '../../base/clock.ts'
import type { AccountBook } from '../accounts.ts'
import { ControllerError } from '../controller-error.ts'
import type { Incidents } from '../incidents.ts'
import { useGrant } from '../store/grants.ts'
import {
  bindingsOf,
  countBindings,
  isBound,
  putBinding,
  putNode,
  type NodeBinding,
} from '../store/nodes.ts'
import type { Store, Tables } from '../store/store.ts'
import type { DeferredWrites } from '../workloads/deferred-writes.ts'
import { checkNodeStanding, type NodeStandings } from '../workloads/node-standing.ts'
import type { Registry } from '../workloads/registry.ts'
import { createClaimEnforcer, type LookedAt } from './claim-enforcer.ts'
import { judgeClaim, judgeStanding, type ClaimRules } from './instance-claim.ts'
import { createInstanceFacts } from './instance-facts.ts'
import { newBinding, nodeRecord, type NodeClaim } from './node-record.ts'

/** What a claim comes to, to be written in the transaction of the enrolment. */
export interface PlannedBinding {
  write(tables: Tables): Promise<void>
  /** To be called once that transaction is durable. */
  apply(): void
}

/** A claim by evidence that is bound to whoever shows it first, and by how many keys it was claimed. */
export interface LookedAtPlain {
  readonly claim: NodeClaim
  readonly instance: undefined
  readonly isBound: boolean
  readonly boundKeys: number
}

/**
 * Binds node keys to what evidence proves, one to one. Its calls must not run side by side: what it
 * has looked at has to hold still until the binding is written.
 */
export interface NodeBinder {
  /** Refuses what no enrolment rule could allow; records what somebody should look at. */
  look(claim: NodeClaim): Promise<LookedAt | LookedAtPlain>
  /** Decides under the rules that apply. */
  plan(looked: LookedAt | LookedAtPlain, rules: ClaimRules): Promise<PlannedBinding>
}

export function createNodeBinder(deps: {
  readonly store: Store
  readonly registry: Registry
  readonly accounts: AccountBook
  readonly incidents: Incidents
  readonly nodeStandings: NodeStandings
  readonly deferred: DeferredWrites
  readonly isWatching: (workloadId: string) => boolean
  readonly clock: Clock
}): NodeBinder {
  const { store, registry, accounts, nodeStandings, clock } = deps

  const factsOf = createInstanceFacts(deps)
  const enforce = createClaimEnforcer(deps)

  /** A claim that nothing speaks against: its binding where it is new, and the key in whose place it is. */
  const accept = (
    claim: NodeClaim,
    binding?: NodeBinding,
    isNew = false,
    replaces?: string,
  ): PlannedBinding => {
    const node = nodeRecord(claim, registry.node(claim.nodeKey.keySha256), clock.now())
    const replaced = replaces === undefined ? undefined : registry.node(replaces)
    const applies: (() => void)[] = []
    return {
      write: async (tables) => {
        // A claim that was decided on after this one, and is to be written with it, may have stopped the key.
        checkNodeStanding(registry.node(node.nodeKeySha256))
        if (binding !== undefined) await putBinding(tables, binding)
        if (isNew) await useGrant(tables, node.nodeId)
        await putNode(tables, node)
        if (replaced === undefined) return
        applies.push(
          await nodeStandings.set(
            tables,
            replaced,
            'replaced',
            `its node was bound to node key ${node.nodeKeySha256}`,
          ),
        )
      },
      apply: () => {
        registry.putNode(node)
        for (const apply of applies) apply()
      },
    }
  }

  /** Evidence of a whole fleet has many keys, which are counted and not read. */
  const lookPlain = async (claim: NodeClaim): Promise<LookedAtPlain> => {
    const { node, nodeKey } = claim
    checkNodeStanding(registry.node(nodeKey.keySha256))
    return {
      claim,
      instance: undefined,
      isBound: await isBound(store.tables, node.nodeId, nodeKey.keySha256),
      boundKeys: await countBindings(store.tables, node.nodeId),
    }
  }

  const planPlain = async (
    { claim, isBound, boundKeys }: LookedAtPlain,
    { keysPerNode }: ClaimRules,
  ): Promise<PlannedBinding> => {
    const { node, nodeKey } = claim
    if (isBound) return accept(claim)
    if (boundKeys >= keysPerNode) {
      const bindings = await bindingsOf(store.tables, node.nodeId)
      const bound = bindings.map(({ nodeKeySha256 }) => nodeKeySha256).join(', ')
      throw new ControllerError(
        'ERR_PERMISSION',
        `this ${node.method === 'x509' ? 'certificate' : node.method} belongs to another node key; the enrolment rules allow ${String(keysPerNode)}`,
        { detail: `${node.nodeId} is bound to ${bound}, not ${nodeKey.keySha256}` },
      )
    }
    return accept(claim, newBinding(claim, 'evidence', clock.now()))
  }

  return {
    look: async (claim) => {
      const { node, nodeKey } = claim
      accounts.check(node.attributes)
      if (node.method !== 'aws-iid') return lookPlain(claim)
      const bindings = await bindingsOf(store.tables, node.nodeId)
      const instance = {
        claim: {
          nodeKeySha256: nodeKey.keySha256,
          pendingTimeMs: node.pendingTimeMs,
          now: clock.now(),
        },
        facts: await factsOf(node.nodeId, nodeKey.keySha256, bindings),
      }
      const looked = { claim, bindings, instance }
      const verdict = judgeStanding(instance.claim, instance.facts)
      if (verdict !== undefined) await enforce(looked, verdict, 0)
      // A key that was stopped for something else is stopped here too.
      checkNodeStanding(registry.node(nodeKey.keySha256))
      return looked
    },
    plan: async (looked, rules) => {
      if (looked.instance === undefined) return planPlain(looked, rules)
      const { claim, bindings, instance } = looked
      if (claim.node.method !== 'aws-iid') throw new Error('BUG: an instance without a document')
      const verdict = judgeClaim(instance.claim, instance.facts, rules)
      switch (verdict.kind) {
        case 'known': {
          const own = bindings.find((one) => one.nodeKeySha256 === claim.nodeKey.keySha256)
          if (own === undefined) throw new Error('BUG: a known key without a binding')
          const { pendingTimeMs } = claim.node
          const isNewer = pendingTimeMs > own.pendingTimeMs
          return accept(claim, isNewer ? { ...own, pendingTimeMs } : undefined)
        }
        case 'bind':
          return accept(claim, newBinding(claim, verdict.by, clock.now()), true, verdict.replaces)
        case 'refuse':
        case 'contest':
          await enforce(looked, verdict, rules.firstEnrolmentWithinMs)
          throw new Error('BUG: a claim that is refused was let through')
        default:
          return verdict satisfies never
      }
    },
  }
}
