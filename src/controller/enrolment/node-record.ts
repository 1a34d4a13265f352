import type { AttestedNode } from '../../attest/index.ts'
import type { PublicKey } from '../../ca/csr.ts'
import type { NodeBinding, StoredNode } from '../store/nodes.ts'

/** A node that has proved what it is, and the key that it wants to be known by. */
export interface NodeClaim {
  readonly node: AttestedNode
  readonly nodeKey: PublicKey
  /** The address it came from. */
  readonly source: string
}

/** The record of a node key that has just signed for an SVID. */
export function nodeRecord(
  { node, nodeKey }: NodeClaim,
  known: StoredNode | undefined,
  now: number,
): StoredNode {
  return {
    nodeKeySha256: nodeKey.keySha256,
    nodeKey: nodeKey.spki,
    nodeId: node.nodeId,
    method: node.method,
    firstSeenMs: known?.firstSeenMs ?? now,
    lastAttestedMs: now,
    lastUsedMs: now,
    standing: 'good',
    standingReason: '',
  }
}

/** The binding of a node key to what its evidence proves. */
export function newBinding(
  { node, nodeKey }: NodeClaim,
  boundBy: NodeBinding['boundBy'],
  now: number,
): NodeBinding {
  const pendingTimeMs = node.method === 'aws-iid' ? node.pendingTimeMs : 0
  return {
    nodeId: node.nodeId,
    nodeKeySha256: nodeKey.keySha256,
    boundBy,
    boundAtMs: now,
    boundPendingTimeMs: pendingTimeMs,
    pendingTimeMs,
  }
}
