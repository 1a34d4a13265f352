import type { AwsIidNode } from '../../attest/index.ts'
import { formatDuration } from '../../policy/index.ts'
import { ControllerError } from '../controller-error.ts'
import { claimantKey, type IncidentKind, type Occurrence } from '../incidents.ts'
import type { ClaimRefusal } from './instance-claim.ts'

/** Who claimed which instance, for the refusal and the record of it. */
export interface RefusedClaim {
  readonly node: AwsIidNode
  readonly nodeKeySha256: string
  /** The address it came from. */
  readonly source: string
  /** The node keys that the instance is bound to. */
  readonly boundKeys: readonly string[]
  readonly otherInstance: string | undefined
  readonly firstEnrolmentWithinMs: number
}

interface Consequence {
  readonly message: (claim: RefusedClaim) => string
  readonly incident?: { readonly kind: IncidentKind; readonly summary: string }
}

const grantHint = ({ node: { accountId, region, instanceId } }: RefusedClaim): string =>
  `an administrator can vouch for it with \`blazon nodes grant ${accountId}/${region}/${instanceId} --because TEXT\``

const consequences: Readonly<Record<ClaimRefusal, Consequence>> = {
  'pending-time-in-future': {
    message: () => 'the pending time of the instance is in the future; is our clock right?',
  },
  'pending-time-back': {
    message: () =>
      'the instance has shown a newer document since: this one is from before its last start',
    incident: {
      kind: 'old-document',
      summary: 'a document from before the last start of the instance was shown, and refused',
    },
  },
  'key-of-another-instance': {
    message: () =>
      'this node key belongs to another instance; is there a node key in the image of both?',
    incident: {
      kind: 'node-key-reused',
      summary: 'a node key was shown by a second instance, and refused: is there one in its image?',
    },
  },
  'instance-frozen': {
    message: () =>
      'two node keys claim this instance; none of them goes on until an administrator has resolved the incident',
    incident: { kind: 'two-claimants', summary: 'two node keys claim one instance' },
  },
  'key-barred': {
    message: () => 'an administrator found that this node key is not that of the instance',
    incident: {
      kind: 'document-replayed',
      summary: 'a node key that is not that of the instance showed its document, and was refused',
    },
  },
  'window-passed': {
    message: (claim) =>
      `the instance was started more than ${formatDuration(claim.firstEnrolmentWithinMs)} ago, too long for a first enrolment; ${grantHint(claim)}`,
  },
  'another-key': {
    message: (claim) =>
      `another node key is bound to this instance; if that one is lost, ${grantHint(claim)}`,
    incident: {
      kind: 'document-replayed',
      summary:
        'another node key showed the document of an instance, and was refused: either the document was stolen, or the instance has lost its key',
    },
  },
}

/** What a refused claim is answered with. */
export function claimRefused(refusal: ClaimRefusal, claim: RefusedClaim): ControllerError {
  const { node, nodeKeySha256 } = claim
  return new ControllerError('ERR_PERMISSION', consequences[refusal].message(claim), {
    detail: `${refusal}: node key ${nodeKeySha256} for ${node.nodeId}`,
  })
}

/** The incident that a refused claim is; undefined where it may be an honest mistake. */
export function incidentOf(refusal: ClaimRefusal, claim: RefusedClaim): Occurrence | undefined {
  const { incident } = consequences[refusal]
  if (incident === undefined) return undefined
  const { node, nodeKeySha256, source, boundKeys, otherInstance } = claim
  const other = otherInstance === undefined ? [] : [{ key: 'bound-to', value: otherInstance }]
  return {
    ...incident,
    subject: node.nodeId,
    details: [
      ...boundKeys.map((value) => ({ key: 'bound-node-key', value })),
      ...other,
      { key: 'refused-node-key', value: nodeKeySha256 },
      { key: 'refused-source', value: source },
    ],
  }
}

/** The incident of claimants that nobody can tell apart. */
export function contested(
  cause: 'same-evidence' | 'replaced-key',
  claim: RefusedClaim,
  claimants: readonly string[],
): Occurrence {
  return {
    kind: 'two-claimants',
    subject: claim.node.nodeId,
    summary:
      cause === 'same-evidence'
        ? 'two node keys showed the same fresh document of an instance, both are frozen: the document was stolen, or keysPerNode is too small for the sidecars there'
        : 'a node key that was replaced by another came back, both are frozen',
    details: [
      ...claimants.map((value) => ({ key: claimantKey, value })),
      { key: 'source', value: claim.source },
    ],
  }
}

/** What a claimant is told that was stopped together with another. */
export function contestRefused(claim: RefusedClaim): ControllerError {
  return new ControllerError(
    'ERR_PERMISSION',
    'another node key claims this instance with as good a right; neither goes on until an administrator has resolved the incident',
    { detail: `two claimants: node key ${claim.nodeKeySha256} for ${claim.node.nodeId}` },
  )
}
