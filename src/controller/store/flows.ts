import type { FlowHalvesTable, FlowLinksTable } from './schema.ts'
import type { Tables } from './store.ts'

/** One end's count of one kind of connection in one bucket of 10 s. */
export interface FlowHalf {
  /** Made of everything but the counts. */
  readonly id: string
  readonly bucketStartMs: number
  readonly direction: 'egress' | 'ingress'
  readonly reporter: FlowParty
  /** What the reporter says of the other end; the id is empty where no peer was proven to it. */
  readonly peer: FlowParty
  readonly destinationAddress: string
  readonly destinationPort: number
  readonly verdict: 'allow' | 'deny'
  readonly reason: string
  readonly policy: string
  readonly encryption: FlowEncryption
  readonly opened: number
  readonly closed: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

export type FlowEncryption = 'unknown' | 'required' | 'optional' | 'none'

export interface FlowParty {
  readonly workloadId: string
  readonly spiffeId: string
}

/** Two halves that share a flow id: what each says of the other is no longer alleged. */
export interface FlowLink {
  readonly egressId: string
  readonly ingressId: string
}

/** How far one sidecar process has reported. */
export interface FlowReporter {
  readonly workloadId: string
  readonly runId: string
  readonly sequence: number
  readonly reportedAtMs: number
}

export interface FlowLoss {
  readonly workloadId: string
  readonly bucketStartMs: number
  readonly lost: number
}

/** What one batch adds: counts are added to what is there, sequences replace it. */
export interface FlowBatch {
  readonly halves: readonly FlowHalf[]
  readonly links: readonly FlowLink[]
  readonly reporters: readonly FlowReporter[]
  readonly losses: readonly FlowLoss[]
}

export async function addFlows(tables: Tables, batch: FlowBatch): Promise<void> {
  for (const half of batch.halves) await addHalf(tables, half)
  for (const link of batch.links) await addLink(tables, link)
  for (const reporter of batch.reporters) await putReporter(tables, reporter)
  for (const loss of batch.losses) await addLoss(tables, loss)
}

async function addHalf(tables: Tables, half: FlowHalf): Promise<void> {
  await tables
    .insertInto('flow_halves')
    .values(toRow(half))
    .onConflict((conflict) =>
      conflict.column('half_id').doUpdateSet((eb) => ({
        opened: eb('flow_halves.opened', '+', half.opened),
        closed: eb('flow_halves.closed', '+', half.closed),
        bytes_sent: eb('flow_halves.bytes_sent', '+', half.bytesSent),
        bytes_received: eb('flow_halves.bytes_received', '+', half.bytesReceived),
      })),
    )
    .execute()
}

async function addLink(tables: Tables, link: FlowLink): Promise<void> {
  await tables
    .insertInto('flow_links')
    .values({ egress_half_id: link.egressId, ingress_half_id: link.ingressId })
    .onConflict((conflict) => conflict.columns(['egress_half_id', 'ingress_half_id']).doNothing())
    .execute()
}

async function putReporter(tables: Tables, reporter: FlowReporter): Promise<void> {
  const changed = { sequence: reporter.sequence, reported_at_ms: reporter.reportedAtMs }
  await tables
    .insertInto('flow_reporters')
    .values({ workload_id: reporter.workloadId, run_id: reporter.runId, ...changed })
    .onConflict((conflict) => conflict.columns(['workload_id', 'run_id']).doUpdateSet(changed))
    .execute()
}

async function addLoss(tables: Tables, loss: FlowLoss): Promise<void> {
  await tables
    .insertInto('flow_losses')
    .values({
      workload_id: loss.workloadId,
      bucket_start_ms: loss.bucketStartMs,
      lost: loss.lost,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['workload_id', 'bucket_start_ms'])
        .doUpdateSet((eb) => ({ lost: eb('flow_losses.lost', '+', loss.lost) })),
    )
    .execute()
}

/** The newest halves within a range, and every link and half that belongs to them. */
export async function readFlows(
  tables: Tables,
  range: {
    readonly sinceMs: number
    readonly untilMs: number
    readonly workloadIds: readonly string[] | undefined
    readonly limit: number
  },
): Promise<{ halves: FlowHalf[]; links: FlowLink[] }> {
  let query = tables
    .selectFrom('flow_halves')
    .selectAll()
    .where('bucket_start_ms', '>=', range.sinceMs)
    .where('bucket_start_ms', '<', range.untilMs)
  const ids = range.workloadIds
  if (ids !== undefined) {
    query = query.where((eb) => eb.or([eb('reporter_id', 'in', ids), eb('peer_id', 'in', ids)]))
  }
  const found = await query.orderBy('bucket_start_ms', 'desc').limit(range.limit).execute()
  return withPartners(tables, found)
}

/** How many keys one statement names: SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const keysPerStatement = 5_000

async function withPartners(
  tables: Tables,
  found: readonly FlowHalvesTable[],
): Promise<{ halves: FlowHalf[]; links: FlowLink[] }> {
  const halves = new Map(found.map((half) => [half.half_id, half]))
  const links = new Map<string, FlowLinksTable>()
  for (const ids of chunks([...halves.keys()])) {
    const rows = await tables
      .selectFrom('flow_links')
      .selectAll()
      .where((eb) => eb.or([eb('egress_half_id', 'in', ids), eb('ingress_half_id', 'in', ids)]))
      .execute()
    for (const row of rows) links.set(row.egress_half_id + row.ingress_half_id, row)
  }
  const partners = [...links.values()]
    .flatMap((link) => [link.egress_half_id, link.ingress_half_id])
    .filter((id) => !halves.has(id))
  for (const ids of chunks(partners)) {
    const rows = await tables
      .selectFrom('flow_halves')
      .selectAll()
      .where('half_id', 'in', ids)
      .execute()
    for (const row of rows) halves.set(row.half_id, row)
  }
  return {
    halves: Array.from(halves.values(), fromRow),
    links: Array.from(links.values(), (link) => ({
      egressId: link.egress_half_id,
      ingressId: link.ingress_half_id,
    })),
  }
}

function* chunks(keys: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keys.length; at += keysPerStatement)
    yield keys.slice(at, at + keysPerStatement)
}

export async function lostFlows(tables: Tables, sinceMs: number, untilMs: number): Promise<number> {
  const row = await tables
    .selectFrom('flow_losses')
    .select((eb) => eb.fn.sum<number | null>('lost').as('lost'))
    .where('bucket_start_ms', '>=', sinceMs)
    .where('bucket_start_ms', '<', untilMs)
    .executeTakeFirst()
  return row?.lost ?? 0
}

export async function loadReporters(tables: Tables): Promise<FlowReporter[]> {
  const rows = await tables
    .selectFrom('flow_reporters')
    .selectAll()
    .orderBy('reported_at_ms')
    .execute()
  return rows.map((row) => ({
    workloadId: row.workload_id,
    runId: row.run_id,
    sequence: row.sequence,
    reportedAtMs: row.reported_at_ms,
  }))
}

/** Forgets flows that are older than they are kept. */
export async function pruneFlows(tables: Tables, before: number): Promise<void> {
  await tables
    .deleteFrom('flow_links')
    .where('egress_half_id', 'in', (eb) =>
      eb.selectFrom('flow_halves').select('half_id').where('bucket_start_ms', '<', before),
    )
    .execute()
  await tables.deleteFrom('flow_halves').where('bucket_start_ms', '<', before).execute()
  await tables.deleteFrom('flow_losses').where('bucket_start_ms', '<', before).execute()
  await tables.deleteFrom('flow_reporters').where('reported_at_ms', '<', before).execute()
}

function toRow(half: FlowHalf): FlowHalvesTable {
  return {
    half_id: half.id,
    bucket_start_ms: half.bucketStartMs,
    direction: half.direction,
    reporter_id: half.reporter.workloadId,
    reporter_spiffe_id: half.reporter.spiffeId,
    peer_id: half.peer.workloadId,
    peer_spiffe_id: half.peer.spiffeId,
    destination_address: half.destinationAddress,
    destination_port: half.destinationPort,
    verdict: half.verdict,
    reason: half.reason,
    policy: half.policy,
    encryption: half.encryption,
    opened: half.opened,
    closed: half.closed,
    bytes_sent: half.bytesSent,
    bytes_received: half.bytesReceived,
  }
}

function fromRow(row: FlowHalvesTable): FlowHalf {
  return {
    id: row.half_id,
    bucketStartMs: row.bucket_start_ms,
    direction: row.direction,
    reporter: { workloadId: row.reporter_id, spiffeId: row.reporter_spiffe_id },
    peer: { workloadId: row.peer_id, spiffeId: row.peer_spiffe_id },
    destinationAddress: row.destination_address,
    destinationPort: row.destination_port,
    verdict: row.verdict,
    reason: row.reason,
    policy: row.policy,
    encryption: row.encryption,
    opened: row.opened,
    closed: row.closed,
    bytesSent: row.bytes_sent,
    bytesReceived: row.bytes_received,
  }
}
