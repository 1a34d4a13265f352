import { renameSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { createPrivate } from '../store/sqlite.ts'
import { guard } from '../store/sqlite-errors.ts'

const schemaVersion = 1

// Ids begin with their time: every table but that of the reporters grows at its end.
const schema = `
create table halves (
  half_id text primary key,
  bucket_start_ms integer not null,
  direction text not null,
  reporter_id text not null,
  reporter_spiffe_id text not null,
  peer_id text not null,
  peer_spiffe_id text not null,
  destination_address text not null,
  destination_port integer not null,
  verdict text not null,
  reason text not null,
  policy text not null,
  encryption text not null,
  opened integer not null,
  closed integer not null,
  bytes_sent integer not null,
  bytes_received integer not null
) strict, without rowid;
create index halves_of_reporter on halves (reporter_id, half_id);
create index halves_of_peer on halves (peer_id, half_id);
create table links (
  egress_half_id text not null,
  ingress_half_id text not null,
  primary key (egress_half_id, ingress_half_id)
) strict, without rowid;
create index links_of_ingress on links (ingress_half_id, egress_half_id);
create table reporters (
  workload_id text not null,
  run_id text not null,
  sequence integer not null,
  reported_at_ms integer not null,
  primary key (workload_id, run_id)
) strict, without rowid;
create table losses (
  bucket_start_ms integer not null,
  workload_id text not null,
  lost integer not null,
  primary key (bucket_start_ms, workload_id)
) strict, without rowid;
pragma user_version = ${String(schemaVersion)};
`

/** The database of flows, and whether one that could not be used had to be set aside for it. */
export interface OpenedTables {
  readonly database: DatabaseSync
  readonly setAside: { readonly to: string; readonly why: string } | undefined
}

/**
 * Opens the file of flows, or makes it. A file that is damaged, or of another version, is set aside
 * under another name and a new one begun: flows are not worth a controller that takes none. Throws
 * `StoreError` where the disk refuses.
 */
export function openFlowTables(file: string): OpenedTables {
  try {
    return { database: openTables(file), setAside: undefined }
  } catch (error: unknown) {
    if (!isUnusable(error)) throw error
    return { setAside: { to: setAside(file), why: error.message }, database: openTables(file) }
  }
}

/** Thrown for a file whose content is the trouble: the next opening would fail like this one. */
class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError'
}

function openTables(file: string): DatabaseSync {
  return guard(() => {
    createPrivate(file)
    const database = new DatabaseSync(file, { timeout: 2_000 })
    try {
      database.exec('pragma journal_mode = wal; pragma synchronous = full')
      database.exec('pragma cache_size = -16384; pragma wal_autocheckpoint = 4000')
      prepareTables(database)
      return database
    } catch (error: unknown) {
      database.close()
      throw error
    }
  })
}

function prepareTables(database: DatabaseSync): void {
  const version = Number(database.prepare('pragma user_version').get()?.['user_version'])
  if (version === 0) database.exec(`begin immediate; ${schema} commit`)
  else if (version !== schemaVersion) {
    throw new UnusableFileError(
      `expected flows of version ${String(schemaVersion)}, got ${String(version)}`,
    )
  }
}

/** Primary result codes of https://sqlite.org/rescode.html for content that is none of ours. */
const sqliteCorrupt = 11
const sqliteNotDatabase = 26

/** Whether a file has to be set aside, because of what is in it. */
export function isUnusable(thrown: unknown): thrown is Error {
  if (thrown instanceof UnusableFileError) return true
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return false
  const code = Number(thrown.errcode) & 0xff
  return code === sqliteCorrupt || code === sqliteNotDatabase
}

/** There is one such file at most: the newest, to be looked at. */
export function setAside(file: string): string {
  const to = `${file}.damaged`
  renameSync(file, to)
  for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
  return to
}
