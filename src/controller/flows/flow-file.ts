import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { guard } from '../store/sqlite-errors.ts'
import { StoreError } from '../store/store-error.ts'
import { fromRow, toValues, type HalfRow } from './half-row.ts'
import {
  firstIdAt,
  type FlowBatch,
  type FlowHalf,
  type FlowLink,
  type FlowReporter,
} from './half.ts'
import { runsPerWorkload } from './reporter-ledger.ts'

/** Flows on disk. Every call runs to its end before it returns: for a thread of its own. */
export interface FlowFile extends Disposable {
  /** All of the batch or nothing; the oldest flows make room for it where the file may not grow. */
  add(batch: FlowBatch): void
  /** The newest halves within a range, and every link and half that belongs to them. */
  read(range: HalfRange): { readonly halves: FlowHalf[]; readonly links: FlowLink[] }
  lost(sinceMs: number, untilMs: number): number
  reporters(): FlowReporter[]
  /** Forgets some of the oldest flows of before that time; 0 when there are none. */
  pruneAged(beforeMs: number): number
  /** Forgets who reported and what was lost before that time. */
  pruneReporters(beforeMs: number): void
  /** Forgets some of the oldest flows while there are more than may be kept; 0 when there are not. */
  pruneCrowded(): number
}

export interface HalfRange {
  readonly sinceMs: number
  readonly untilMs: number
  /** Undefined for every workload. */
  readonly workloadIds: readonly string[] | undefined
  readonly limit: number
}

/** Halves that are forgotten in one transaction. */
const pruneStep = 2_000
/** How many keys one statement names: SQLite takes 32,766 parameters. */
const keysPerStatement = 5_000

/** Works on an open database, which it closes. `maxBytes` is what flows may take there. */
export function createFlowFile(database: DatabaseSync, maxBytes: number): FlowFile {
  const pageBytes = pragma(database, 'page_size')
  // Between two prunings it may grow beyond what is kept, but not without end.
  const mostPages = Math.max(64, Math.ceil((maxBytes * 1.25) / pageBytes))
  database.exec(`pragma max_page_count = ${String(mostPages)}`)
  const statements = prepareAll(database)

  const transaction = <T>(work: () => T): T =>
    guard(() => {
      database.exec('begin immediate')
      try {
        const result = work()
        database.exec('commit')
        return result
      } catch (error: unknown) {
        // SQLite has rolled back by itself where the disk is full.
        if (database.isTransaction) database.exec('rollback')
        throw error
      }
    })
  const addAll = (batch: FlowBatch): void => {
    transaction(() => {
      for (const half of batch.halves) statements.addHalf.run(...toValues(half))
      for (const link of batch.links) statements.addLink.run(link.egressId, link.ingressId)
      for (const { workloadId, runId, sequence, reportedAtMs } of batch.reporters) {
        statements.putReporter.run(workloadId, runId, sequence, reportedAtMs)
        statements.forgetRuns.run(workloadId, workloadId)
      }
      for (const one of batch.losses)
        statements.addLoss.run(one.bucketStartMs, one.workloadId, one.lost)
    })
  }

  /** The links go by their egress end: the other one is of the same time, or 10 s beside it. */
  const pruneOldest = (beforeMs: number): number =>
    transaction(() => {
      const before = firstIdAt(beforeMs)
      const last = statements.endOfStep.get(before, pruneStep)?.['half_id'] as string | undefined
      const end = last ?? before
      const pruned = Number(statements.pruneHalves.run(end).changes)
      statements.pruneLinks.run(end)
      return pruned
    })

  return {
    add: (batch) => {
      try {
        addAll(batch)
      } catch (error: unknown) {
        const isFull = error instanceof StoreError && error.code === 'ERR_STORE_FULL'
        if (!isFull || pruneOldest(Number.MAX_SAFE_INTEGER) === 0) throw error
        addAll(batch)
      }
    },
    read: (range) => guard(() => readHalves(database, statements, range)),
    lost: (sinceMs, untilMs) =>
      guard(() => Number(statements.lost.get(sinceMs, untilMs)?.['lost'] ?? 0)),
    reporters: () => guard(() => statements.reporters.all() as unknown as FlowReporter[]),
    pruneAged: pruneOldest,
    pruneReporters: (beforeMs) => {
      transaction(() => {
        statements.pruneLosses.run(beforeMs)
        statements.pruneReporters.run(beforeMs)
      })
    },
    pruneCrowded: () => {
      const used = pragma(database, 'page_count') - pragma(database, 'freelist_count')
      return used * pageBytes > maxBytes ? pruneOldest(Number.MAX_SAFE_INTEGER) : 0
    },
    [Symbol.dispose]: () => {
      if (database.isOpen) database.close()
    },
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return guard(() => Number(database.prepare(`pragma ${name}`).get()?.[name]))
}

type Statements = ReturnType<typeof prepareAll>

function prepareAll(database: DatabaseSync) {
  const counts = ['opened', 'closed', 'bytes_sent', 'bytes_received'].map(
    (name) => `${name} = min(${name} + excluded.${name}, ${String(Number.MAX_SAFE_INTEGER)})`,
  )
  const inRange = 'half_id >= ? and half_id < ? order by half_id desc limit ?'
  return {
    addHalf: database.prepare(
      `insert into halves values (${Array(17).fill('?').join(', ')})
       on conflict do update set ${counts.join(', ')}`,
    ),
    addLink: database.prepare('insert into links values (?, ?) on conflict do nothing'),
    putReporter: database.prepare(
      `insert into reporters values (?, ?, ?, ?) on conflict do update set
       sequence = excluded.sequence, reported_at_ms = excluded.reported_at_ms`,
    ),
    forgetRuns: database.prepare(
      `delete from reporters where workload_id = ? and run_id not in
       (select run_id from reporters where workload_id = ?
        order by reported_at_ms desc limit ${String(runsPerWorkload)})`,
    ),
    addLoss: database.prepare(
      `insert into losses values (?, ?, ?)
       on conflict do update set lost = min(lost + excluded.lost, ${String(Number.MAX_SAFE_INTEGER)})`,
    ),
    ofAll: database.prepare(`select * from halves where ${inRange}`),
    ofReporter: database.prepare(`select * from halves where reporter_id = ? and ${inRange}`),
    ofPeer: database.prepare(`select * from halves where peer_id = ? and ${inRange}`),
    lost: database.prepare(
      `select min(sum(lost), ${String(Number.MAX_SAFE_INTEGER)}) as lost from losses
       where bucket_start_ms >= ? and bucket_start_ms < ?`,
    ),
    reporters: database.prepare(
      `select workload_id as workloadId, run_id as runId, sequence, reported_at_ms as reportedAtMs
       from reporters order by reported_at_ms`,
    ),
    endOfStep: database.prepare(
      'select half_id from halves where half_id < ? order by half_id limit 1 offset ?',
    ),
    pruneHalves: database.prepare('delete from halves where half_id < ?'),
    pruneLinks: database.prepare('delete from links where egress_half_id < ?'),
    pruneLosses: database.prepare('delete from losses where bucket_start_ms < ?'),
    pruneReporters: database.prepare('delete from reporters where reported_at_ms < ?'),
  }
}

function readHalves(
  database: DatabaseSync,
  statements: Statements,
  range: HalfRange,
): { halves: FlowHalf[]; links: FlowLink[] } {
  const found = newest(statements, range)
  const links = new Map<string, FlowLink>()
  for (const ids of chunks([...found.keys()])) {
    for (const end of ['egress', 'ingress']) {
      const sql = `select egress_half_id as egressId, ingress_half_id as ingressId
                   from links where ${end}_half_id in`
      for (const link of ofKeys<FlowLink>(database, sql, ids))
        links.set(link.egressId + link.ingressId, link)
    }
  }
  const partners = Array.from(links.values(), ({ egressId, ingressId }) => [egressId, ingressId])
  for (const ids of chunks(partners.flat().filter((id) => !found.has(id)))) {
    for (const row of ofKeys<HalfRow>(database, 'select * from halves where half_id in', ids))
      found.set(row.half_id, row)
  }
  return { halves: Array.from(found.values(), fromRow), links: [...links.values()] }
}

function newest(statements: Statements, range: HalfRange): Map<string, HalfRow> {
  const { sinceMs, untilMs, workloadIds, limit } = range
  const bounds = [firstIdAt(sinceMs), firstIdAt(untilMs), limit] as const
  const rows =
    workloadIds === undefined
      ? statements.ofAll.all(...bounds)
      : workloadIds.flatMap((id) => [
          ...statements.ofReporter.all(id, ...bounds),
          ...statements.ofPeer.all(id, ...bounds),
        ])
  const byId = new Map((rows as unknown as HalfRow[]).map((row) => [row.half_id, row]))
  if (byId.size <= limit) return byId
  const kept = [...byId.keys()].sort().slice(-limit)
  return new Map([...byId].filter(([id]) => id >= (kept[0] ?? '')))
}

function ofKeys<Row>(database: DatabaseSync, sql: string, keys: readonly SQLInputValue[]): Row[] {
  const holes = keys.map(() => '?').join(', ')
  return database.prepare(`${sql} (${holes})`).all(...keys) as Row[]
}

function* chunks(keys: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keys.length; at += keysPerStatement)
    yield keys.slice(at, at + keysPerStatement)
}
