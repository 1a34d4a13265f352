import type { NodeBinding, NodeStanding } from '../store/nodes.ts'

/** A node key that shows the signed document of an instance. */
export interface InstanceClaim {
  readonly nodeKeySha256: string
  /** When the instance was launched or last started, by the document. */
  readonly pendingTimeMs: number
  readonly now: number
}

/** A node key that was bound to the instance before, or claimed it. */
export interface KnownClaimant extends Omit<NodeBinding, 'nodeId' | 'boundAtMs'> {
  readonly standing: NodeStanding
  /** When it last signed for an SVID. */
  readonly lastUsedMs: number
  /** Whether a workload of it has an SVID that has not ended, or an open stream. */
  readonly isLive: boolean
}

export interface InstanceFacts {
  readonly claimants: readonly KnownClaimant[]
  /** Another instance that the key is bound to. */
  readonly otherInstance: string | undefined
  /** An operator vouches for the instance. */
  readonly hasGrant: boolean
  /** EC2 was asked and says that the instance was started at its pending time. */
  readonly isStartedByEc2: boolean
}

export interface ClaimRules {
  readonly keysPerNode: number
  readonly firstEnrolmentWithinMs: number
}

/** Why a claim is refused while the bound keys go on. */
export type ClaimRefusal =
  | 'pending-time-in-future'
  | 'pending-time-back'
  | 'key-of-another-instance'
  | 'instance-frozen'
  | 'key-barred'
  | 'window-passed'
  | 'another-key'

export type ClaimVerdict =
  /** The key is bound already. */
  | { readonly kind: 'known' }
  /** The key is to be bound, in place of another where one is named. */
  | {
      readonly kind: 'bind'
      readonly by: 'window' | 'grant'
      readonly replaces: string | undefined
    }
  | { readonly kind: 'refuse'; readonly refusal: ClaimRefusal }
  /** Nobody can tell which of them is the node: none goes on until somebody has looked. */
  | {
      readonly kind: 'contest'
      readonly cause: 'same-evidence' | 'replaced-key'
      readonly claimants: readonly string[]
    }

/** How far the clock of AWS may be ahead of ours. */
const mostFutureMs = 60_000

/** What needs no enrolment rule to be seen; undefined where the rules have to say. */
export function judgeStanding(
  claim: InstanceClaim,
  { claimants, otherInstance }: InstanceFacts,
): ClaimVerdict | undefined {
  if (claim.pendingTimeMs > claim.now + mostFutureMs) return refuse('pending-time-in-future')
  if (otherInstance !== undefined) return refuse('key-of-another-instance')
  if (claimants.some(({ standing }) => standing === 'frozen')) return refuse('instance-frozen')
  const own = claimants.find(({ nodeKeySha256 }) => nodeKeySha256 === claim.nodeKeySha256)
  if (own?.standing === 'barred') return refuse('key-barred')
  if (own?.standing === 'replaced') {
    const bound = claimants.filter(({ standing }) => standing === 'good')
    return contest('replaced-key', claim, bound)
  }
  const newest = Math.max(0, ...claimants.map(({ pendingTimeMs }) => pendingTimeMs))
  if (claim.pendingTimeMs < newest) return refuse('pending-time-back')
  return own === undefined ? undefined : { kind: 'known' }
}

/**
 * Decides whether a node key may speak for an instance (PROTOCOL §3, "First enrolment", "Without the
 * bound key"). The document proves what the instance is and not who sends it: whoever could read it
 * once can send it. So the first key that shows it while it is fresh is bound, and another one that
 * shows what is exactly as good is told apart from the first by nobody: both are stopped. A document
 * that is not as good as what the bound key rests on stops nobody, or reading it once would be
 * enough to take a node down.
 */
export function judgeClaim(
  claim: InstanceClaim,
  facts: InstanceFacts,
  rules: ClaimRules,
): ClaimVerdict {
  const before = judgeStanding(claim, facts)
  if (before !== undefined) return before
  const { claimants, hasGrant } = facts
  const bound = claimants.filter(({ standing }) => standing === 'good')
  const isFresh = claim.now - claim.pendingTimeMs <= rules.firstEnrolmentWithinMs
  if (bound.length < rules.keysPerNode) {
    if (hasGrant) return bind('grant')
    return isFresh && !isSpent(claim, claimants) ? bind('window') : refuse('window-passed')
  }
  const leastUsed = bound.reduce((a, b) => (b.lastUsedMs < a.lastUsedMs ? b : a))
  if (hasGrant) return bind('grant', leastUsed)
  const rivals = bound.filter((one) => restsOnSame(claim, one))
  if (isFresh && rivals.length > 0) return contest('same-evidence', claim, rivals)
  const isRestart =
    isFresh &&
    claim.pendingTimeMs > leastUsed.lastUsedMs &&
    !bound.some(({ isLive }) => isLive) &&
    facts.isStartedByEc2
  return isRestart ? bind('window', leastUsed) : refuse('another-key')
}

/** The document of this start of the instance was shown by a key that turned out not to be the node. */
function isSpent({ pendingTimeMs }: InstanceClaim, claimants: readonly KnownClaimant[]): boolean {
  return claimants.some((one) => one.standing !== 'good' && one.pendingTimeMs >= pendingTimeMs)
}

function restsOnSame({ pendingTimeMs }: InstanceClaim, bound: KnownClaimant): boolean {
  return bound.boundBy === 'window' && bound.boundPendingTimeMs === pendingTimeMs
}

function refuse(refusal: ClaimRefusal): ClaimVerdict {
  return { kind: 'refuse', refusal }
}

function bind(by: 'window' | 'grant', replaced?: KnownClaimant): ClaimVerdict {
  return { kind: 'bind', by, replaces: replaced?.nodeKeySha256 }
}

function contest(
  cause: 'same-evidence' | 'replaced-key',
  claim: InstanceClaim,
  others: readonly KnownClaimant[],
): ClaimVerdict {
  const keys = others.map(({ nodeKeySha256 }) => nodeKeySha256)
  return { kind: 'contest', cause, claimants: [claim.nodeKeySha256, ...keys] }
}
