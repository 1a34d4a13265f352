import {
  AuditError,
  checkHead,
  createChainCheck,
  type AuditEntry,
  type AuditHead,
} from '../audit/index.ts'
import { CliError } from './failure.ts'

/** What was checked. */
export interface AuditVerdict {
  readonly entries: number
  readonly head: AuditHead
  /** How many heads that were kept elsewhere lie in the chain. */
  readonly heads: number
}

/**
 * Recomputes the whole chain, and checks it against the present head and those that were kept elsewhere:
 * all signed by one key, and each an entry of the chain. Throws `CliError` ERR_AUDIT_BROKEN.
 */
export async function verifyAudit(input: {
  readonly trustDomain: string
  readonly present: AuditHead
  readonly kept: readonly AuditHead[]
  /** What the audit key is known by, from elsewhere. */
  readonly keyId?: string | undefined
  readonly entries: AsyncIterable<AuditEntry>
}): Promise<AuditVerdict> {
  const { trustDomain, present, kept } = input
  try {
    checkHead(trustDomain, present, input.keyId)
    for (const head of kept) checkHead(trustDomain, head, present.keyId)
    const chain = createChainCheck([present, ...kept])
    for await (const entry of input.entries) chain.take(entry)
    chain.finish()
    return { entries: chain.end.sequence, head: present, heads: kept.length }
  } catch (cause: unknown) {
    if (!(cause instanceof AuditError)) throw cause
    throw new CliError('ERR_AUDIT_BROKEN', `the audit log is broken: ${cause.message}`, {
      cause,
      hints: [
        'keep the store and the logs of the controller as they are, and find out who could write there',
      ],
    })
  }
}
