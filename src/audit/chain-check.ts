import { AuditError } from './audit-error.ts'
import { genesisHash, hashEntry, type AuditEntry, type AuditLink } from './entry.ts'

/** Recomputes a chain from its first entry on. */
export interface ChainCheck {
  /** Takes the next entry; throws `AuditError` at the first break. */
  take(entry: AuditEntry): void
  /** The end of what was taken. */
  readonly end: AuditLink
  /** Throws unless every link lies in what was taken: it has an entry with just this hash. */
  finish(): void
}

/** Checks a chain from its beginning; `heads` are ends it must have had once. */
export function createChainCheck(heads: readonly AuditLink[]): ChainCheck {
  let end: AuditLink = { sequence: 0, hash: genesisHash }
  const take = (entry: AuditEntry): void => {
    if (entry.sequence !== end.sequence + 1) {
      throw new AuditError(
        'ERR_AUDIT_SEQUENCE',
        `expected entry ${String(end.sequence + 1)}, got entry ${String(entry.sequence)}`,
      )
    }
    const name = `entry ${String(entry.sequence)}`
    if (!entry.previousHash.equals(end.hash)) {
      throw new AuditError('ERR_AUDIT_LINK', `${name} does not follow from the one before it`)
    }
    if (!hashEntry(entry).equals(entry.hash)) {
      throw new AuditError('ERR_AUDIT_HASH', `${name} was changed: its hash is another`)
    }
    end = { sequence: entry.sequence, hash: entry.hash }
    for (const head of heads) checkAgainst(head, end)
  }
  for (const head of heads) checkAgainst(head, end)
  return {
    take,
    get end() {
      return end
    },
    finish: () => {
      const longest = Math.max(0, ...heads.map(({ sequence }) => sequence))
      if (longest <= end.sequence) return
      throw new AuditError(
        'ERR_AUDIT_TRUNCATED',
        `the log ends at entry ${String(end.sequence)}, but it was signed with ${String(longest)} entries`,
      )
    },
  }
}

function checkAgainst(head: AuditLink, at: AuditLink): void {
  if (head.sequence !== at.sequence || head.hash.equals(at.hash)) return
  throw new AuditError(
    'ERR_AUDIT_HEAD_MISMATCH',
    `entry ${String(at.sequence)} is not the one that was signed: the log was rewritten`,
  )
}
