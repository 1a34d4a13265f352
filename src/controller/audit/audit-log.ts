import {
  genesisHash,
  sealEntry,
  signHead,
  type AuditEntry,
  type AuditFacts,
  type AuditHead,
  type AuditLink,
} from '../../audit/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Authority } from '../../ca/authority.ts'
import { ControllerError } from '../controller-error.ts'
import { createSerialQueue } from '../serial-queue.ts'
import { appendAudit, lastAuditLink, readAuditEntries } from '../store/audit.ts'
import type { Store } from '../store/store.ts'

/** The record of every call of an administrator, as a chain. */
export interface AuditLog {
  /**
   * Adds an entry. Fulfils once it is durable; rejects with the store's error when the disk refuses,
   * and then keeps the entry in its place and writes it before any later one.
   */
  append(facts: Omit<AuditFacts, 'timeMs'>): Promise<void>
  /** Rejects while entries wait for a disk that refuses: nothing may change unrecorded. */
  writable(): Promise<void>
  /** Throws `ERR_LIMIT` once too many entries wait: then nothing is even read unrecorded. */
  checkRoom(): void
  /** The end of the chain, signed. Only what is durable is ever signed. */
  head(): AuditHead
  /** Durable entries from a sequence number on. */
  read(fromSequence: number): AsyncGenerator<AuditEntry>
}

/** How many entries may wait while the disk refuses. */
const mostWaiting = 10_000
const entriesPerPage = 500
const entriesPerWrite = 1_000

export async function openAuditLog(deps: {
  readonly store: Store
  readonly authority: Pick<Authority, 'trustDomain' | 'auditKey'>
  readonly clock: Clock
  readonly log: Logger
}): Promise<AuditLog> {
  const { store, authority, clock, log } = deps
  const stored = (await lastAuditLink(store.tables)) ?? { sequence: 0, hash: genesisHash }
  const waiting: AuditEntry[] = []
  const writes = createSerialQueue()
  let durable: AuditLink = stored
  let last: AuditLink = stored

  /** Writes what waits, the oldest first; those that came in the meantime go along in one commit. */
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, entriesPerWrite)
      await store.change((tables) => appendAudit(tables, batch))
      waiting.splice(0, batch.length)
      durable = batch.at(-1) ?? durable
    }
  }
  const flushInTurn = (): Promise<void> =>
    writes.run(async () => {
      try {
        await flush()
      } catch (error: unknown) {
        log.error({ error, waiting: waiting.length }, 'audit log not written')
        throw error
      }
    })

  return {
    append: (facts) => {
      const entry = sealEntry({ ...facts, timeMs: clock.now() }, last)
      last = entry
      waiting.push(entry)
      return flushInTurn()
    },
    writable: async () => {
      if (waiting.length > 0) await flushInTurn()
    },
    checkRoom: () => {
      if (waiting.length < mostWaiting) return
      throw new ControllerError(
        'ERR_LIMIT',
        'the audit log cannot be written, and too many calls wait to be recorded in it',
      )
    },
    head: () => {
      const { sequence, hash } = durable
      const at = { sequence, hash, timeMs: clock.now() }
      return signHead(authority.trustDomain, at, authority.auditKey())
    },
    read: async function* (fromSequence) {
      for (let from = fromSequence; ;) {
        const entries = await readAuditEntries(store.tables, from, entriesPerPage)
        yield* entries
        const end = entries.at(-1)
        if (end === undefined || entries.length < entriesPerPage) return
        from = end.sequence + 1
      }
    },
  }
}

/** The head as it is written to the log, for whoever keeps logs elsewhere. */
export function headFields(head: AuditHead): Readonly<Record<string, string | number>> {
  return {
    sequence: head.sequence,
    hash: head.hash.toString('hex'),
    time_ms: head.timeMs,
    key_id: head.keyId,
    signature: head.signature.toString('base64'),
    public_key: head.publicKey.toString('base64'),
  }
}
