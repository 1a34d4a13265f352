import type { Attribute } from '../identity/attributes.ts'
import type { Evidence__Output } from '../rpc/generated/blazon/v1/Evidence.ts'
import { AttestError } from './errors.ts'
import { attestByAwsIid, type AwsIidNode } from './iid-evidence.ts'
import type { IidKeys } from './iid/keys.ts'
import { verifyJoinToken, type JoinTokenKey } from './join-token.ts'
import { attestByX509, type X509Context, type X509Node } from './x509-evidence.ts'

/** What the checks of evidence may rely on. */
export interface AttestContext {
  readonly trustDomain: string
  readonly now: number
  readonly joinTokenKey: JoinTokenKey
  /** Undefined where nobody is prepared to judge a document's account and age: it is refused then. */
  readonly iidKeys?: IidKeys | undefined
  /** Undefined where no CA is configured: certificates are refused then. */
  readonly x509?: Omit<X509Context, 'now'> | undefined
}

/** A node that has proved what it is, and the attributes that follow from the proof. */
export type AttestedNode = JoinTokenNode | AwsIidNode | X509Node

/** A node that was given a join token. */
export interface JoinTokenNode {
  readonly method: 'join-token'
  /** Stable over repeated attestation with the same evidence. */
  readonly nodeId: string
  /** The token whose uses are to be counted. */
  readonly tokenId: string
  readonly expiresAt: number
  readonly attributes: readonly Attribute[]
}

/** Checks evidence of any kind; throws `AttestError`. */
export function attest(evidence: Evidence__Output, context: AttestContext): AttestedNode {
  switch (evidence.kind) {
    case 'joinToken':
      return attestByJoinToken(evidence.joinToken?.token ?? '', context)
    case 'awsIid':
      if (context.iidKeys === undefined) throw unsupported(evidence.kind)
      return attestByAwsIid(evidence.awsIid, context.iidKeys)
    case 'x509':
      if (context.x509 === undefined) throw unsupported(evidence.kind)
      return attestByX509(evidence.x509, { ...context.x509, now: context.now })
    case 'awsSts':
    case 'kubernetes':
      throw unsupported(evidence.kind)
    case undefined:
      throw new AttestError('ERR_EVIDENCE_MISSING', 'expected evidence of one kind, got none')
    default:
      return evidence.kind satisfies never
  }
}

function unsupported(kind: string): AttestError {
  return new AttestError(
    'ERR_EVIDENCE_UNSUPPORTED',
    `expected evidence of another kind, got ${kind}, which this controller cannot check`,
  )
}

function attestByJoinToken(token: string, context: AttestContext): JoinTokenNode {
  const { trustDomain, now, joinTokenKey: key } = context
  const { tokenId, expiresAt, attributes } = verifyJoinToken(token, { key, trustDomain, now })
  return { method: 'join-token', nodeId: `join-token:${tokenId}`, tokenId, expiresAt, attributes }
}
