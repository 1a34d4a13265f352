import type { Clock } from '../../base/clock.ts'
import { ControllerError } from '../controller-error.ts'
import { putNode, type NodeStanding, type StoredNode } from '../store/nodes.ts'
import type { Tables } from '../store/store.ts'
import { putWorkload, type StoredWorkload } from '../store/workloads.ts'
import type { FloorKeeper } from './floor-keeper.ts'
import type { RegisteredWorkload, Registry } from './registry.ts'

/** Whether node keys get SVIDs. Its calls must not run side by side. */
export interface NodeStandings {
  /**
   * Gives a node key another standing as part of a transaction; it holds once what this returns is
   * called. All but `good` revoke every SVID of the key; `good` lets what was frozen with it enrol again.
   */
  set(tables: Tables, node: StoredNode, standing: NodeStanding, reason: string): Promise<() => void>
}

export function createNodeStandings(deps: {
  readonly registry: Registry
  readonly floors: FloorKeeper
  readonly clock: Clock
}): NodeStandings {
  const { registry, floors, clock } = deps

  const raise = (tables: Tables, { stored }: RegisteredWorkload, reason: string) =>
    floors.raise(tables, {
      workloadId: stored.workloadId,
      lowestGoodGeneration: Math.max(
        stored.generation + 1,
        floors.floors().lowestGood(stored.workloadId),
      ),
      lastNotAfterMs: stored.lastNotAfterMs,
      reason,
      now: clock.now(),
    })

  return {
    set: async (tables, node, standing, reason) => {
      const changed: StoredNode = { ...node, standing, standingReason: reason }
      await putNode(tables, changed)
      const applies: (() => void)[] = []
      for (const entry of registry.workloadsOf(node.nodeKeySha256)) {
        const workload = follow(entry.stored, node, standing, reason)
        if (workload !== entry.stored) await putWorkload(tables, workload)
        if (standing !== 'good') applies.push(await raise(tables, entry, reason))
        applies.push(() => {
          registry.putWorkload(workload)
        })
      }
      return () => {
        registry.putNode(changed)
        for (const apply of applies) apply()
      }
    },
  }
}

/** What becomes of a workload with its node. What an administrator revoked stays revoked. */
function follow(
  stored: StoredWorkload,
  node: StoredNode,
  standing: NodeStanding,
  reason: string,
): StoredWorkload {
  const isFrozenWithNode =
    stored.standing === 'frozen' && stored.standingReason === node.standingReason
  switch (standing) {
    case 'good':
      return isFrozenWithNode ? { ...stored, standing: 'good', standingReason: '' } : stored
    case 'frozen':
      return stored.standing === 'good'
        ? { ...stored, standing: 'frozen', standingReason: reason }
        : stored
    case 'replaced':
    case 'barred':
      return stored.standing === 'good' || isFrozenWithNode
        ? { ...stored, standing: 'revoked', standingReason: reason }
        : stored
    default:
      return standing satisfies never
  }
}

const words: Readonly<Record<Exclude<NodeStanding, 'good'>, string>> = {
  frozen:
    'is frozen: another one claimed to be the same node; an administrator has to resolve the incident',
  replaced: 'was replaced by another one of the same node',
  barred: 'is barred: an administrator found that it is not that of the node',
}

/** Throws for a node key that gets no SVID, whatever else it shows. */
export function checkNodeStanding(node: StoredNode | undefined): void {
  if (node === undefined || node.standing === 'good') return
  throw new ControllerError('ERR_PERMISSION', `this node key ${words[node.standing]}`, {
    detail: `node key ${node.nodeKeySha256} is ${node.standing}: ${node.standingReason}`,
  })
}
