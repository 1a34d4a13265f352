import type { Attribute } from '../identity/attributes.ts'
import type { AwsIidEvidence__Output } from '../rpc/generated/blazon/v1/AwsIidEvidence.ts'
import { AttestError } from './errors.ts'
import { documentAttributes } from './iid/document-attributes.ts'
import type { InstanceIdentityDocument } from './iid/document.ts'
import type { IidForm } from './iid/form.ts'
import type { IidKeys } from './iid/keys.ts'
import type { IidRefusal } from './iid/refusal.ts'
import { verifyIid, type IidEvidence } from './iid/verify.ts'

/**
 * An EC2 instance by the document that AWS signed of it. Whether its account is bound, the document
 * recent enough, a weak form opted in and the node key the bound one is the controller's to decide:
 * whoever could read the document once can send it too.
 */
export interface AwsIidNode {
  readonly method: 'aws-iid'
  /** `aws:<account>:<region>:<instance>`. */
  readonly nodeId: string
  readonly accountId: string
  readonly region: string
  readonly instanceId: string
  /** Milliseconds since the epoch; with `nodeId` the key of all replay state: a blob has many spellings. */
  readonly pendingTimeMs: number
  readonly form: IidForm
  /** Whether the form counts only where an enrolment rule asks for it. */
  readonly weak: boolean
  /** Of the pinned key, hex. */
  readonly keySha256: string
  readonly document: InstanceIdentityDocument
  readonly attributes: readonly Attribute[]
}

/** What went wrong with a document, as the `cause` of an `ERR_IID_REFUSED`. */
export class IidRefusedError extends Error {
  override readonly name = 'IidRefusedError'
  readonly code: IidRefusal
  constructor(code: IidRefusal, detail: string) {
    super(detail)
    this.code = code
  }
}

/** Checks the signed document of an evidence; throws `ERR_EVIDENCE_MISSING` and `ERR_IID_REFUSED`. */
export function attestByAwsIid(
  evidence: AwsIidEvidence__Output | null | undefined,
  keys: IidKeys,
): AwsIidNode {
  const verdict = verifyIid(signedForm(evidence), keys)
  if (!verdict.ok) {
    throw new AttestError(
      'ERR_IID_REFUSED',
      `instance identity document refused: ${verdict.code}`,
      {
        cause: new IidRefusedError(verdict.code, verdict.detail),
      },
    )
  }
  const { document, form, weak, keySha256 } = verdict
  const { accountId, region, instanceId, pendingTimeMs } = document
  return {
    method: 'aws-iid',
    nodeId: `aws:${accountId}:${region}:${instanceId}`,
    accountId,
    region,
    instanceId,
    pendingTimeMs,
    form,
    weak,
    keySha256,
    document,
    attributes: documentAttributes(document),
  }
}

function signedForm(evidence: AwsIidEvidence__Output | null | undefined): IidEvidence {
  const { rsa2048, pkcs7, signature } = evidence ?? {}
  switch (evidence?.form) {
    case 'rsa2048':
      return { form: 'rsa2048', blob: rsa2048 ?? nothing }
    case 'pkcs7':
      return { form: 'pkcs7', blob: pkcs7 ?? nothing }
    case 'signature':
      return { form: 'signature', ...(signature ?? { document: nothing, signature: nothing }) }
    case undefined:
      throw new AttestError(
        'ERR_EVIDENCE_MISSING',
        'expected an instance identity document in one of its forms, got none',
      )
  }
}

const nothing = Buffer.alloc(0)
