import { createHash } from 'node:crypto'
import { joinFields, numberField } from './fields.ts'

/** What an entry says of one call. */
export interface AuditFacts {
  readonly timeMs: number
  /** Who called, as the controller names administrators. */
  readonly caller: string
  /** Such as `Admin.Apply`. */
  readonly method: string
  /** The request, without secrets and with long texts cut to their hash. */
  readonly requestJson: string
  /** The gRPC status, by name. */
  readonly outcome: string
}

/** The end of a chain: what the next entry is bound to. */
export interface AuditLink {
  readonly sequence: number
  readonly hash: Buffer
}

export interface AuditEntry extends AuditFacts, AuditLink {
  readonly previousHash: Buffer
}

const purpose = 'blazon-audit-entry-v1'

/** What the first entry is bound to. */
export const genesisHash: Buffer = Buffer.alloc(32)

/** SHA-256 over every field of an entry but its own hash. */
export function hashEntry(entry: Omit<AuditEntry, 'hash'>): Buffer {
  const { sequence, timeMs, caller, method, requestJson, outcome, previousHash } = entry
  const fields = [
    purpose,
    numberField(sequence),
    numberField(timeMs),
    caller,
    method,
    requestJson,
    outcome,
    previousHash,
  ]
  return createHash('sha256').update(joinFields(fields)).digest()
}

/** The entry for a call, bound to the one before it. */
export function sealEntry(facts: AuditFacts, previous: AuditLink): AuditEntry {
  const open = { ...facts, sequence: previous.sequence + 1, previousHash: previous.hash }
  return { ...open, hash: hashEntry(open) }
}
