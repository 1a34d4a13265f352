import { readJson } from './json.ts'
import type { IncidentsTable } from './trust-tables.ts'
import type { Tables } from './store.ts'

/** Something that a person should look at. */
export interface StoredIncident {
  readonly incidentId: string
  readonly kind: string
  /** The node, workload or policy version that it is about: there is one open incident of a kind for it. */
  readonly subject: string
  readonly summary: string
  readonly details: readonly IncidentDetail[]
  readonly openedAtMs: number
  readonly lastSeenMs: number
  /** How often it has come about since it was opened. */
  readonly times: number
  /** 0 while it is open. */
  readonly resolvedAtMs: number
  readonly resolvedBy: string
  readonly resolution: string
}

export interface IncidentDetail {
  readonly key: string
  readonly value: string
}

/** The open ones, newest first, or all of them. */
export async function loadIncidents(
  tables: Tables,
  options: { readonly all: boolean; readonly limit: number },
): Promise<StoredIncident[]> {
  const query = tables
    .selectFrom('incidents')
    .selectAll()
    .orderBy('last_seen_ms', 'desc')
    .orderBy('incident_id')
    .limit(options.limit)
  const rows = await (options.all ? query : query.where('resolved_at_ms', '=', 0)).execute()
  return rows.map(fromRow)
}

export async function findIncident(
  tables: Tables,
  incidentId: string,
): Promise<StoredIncident | undefined> {
  const row = await tables
    .selectFrom('incidents')
    .selectAll()
    .where('incident_id', '=', incidentId)
    .executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

export async function putIncident(tables: Tables, incident: StoredIncident): Promise<void> {
  const changed = {
    summary: incident.summary,
    details: JSON.stringify(incident.details),
    last_seen_ms: incident.lastSeenMs,
    times: incident.times,
    resolved_at_ms: incident.resolvedAtMs,
    resolved_by: incident.resolvedBy,
    resolution: incident.resolution,
  }
  await tables
    .insertInto('incidents')
    .values({
      incident_id: incident.incidentId,
      kind: incident.kind,
      subject: incident.subject,
      opened_at_ms: incident.openedAtMs,
      ...changed,
    })
    .onConflict((conflict) => conflict.column('incident_id').doUpdateSet(changed))
    .execute()
}

function fromRow(row: IncidentsTable): StoredIncident {
  return {
    incidentId: row.incident_id,
    kind: row.kind,
    subject: row.subject,
    summary: row.summary,
    details: readJson(row.details) as readonly IncidentDetail[],
    openedAtMs: row.opened_at_ms,
    lastSeenMs: row.last_seen_ms,
    times: row.times,
    resolvedAtMs: row.resolved_at_ms,
    resolvedBy: row.resolved_by,
    resolution: row.resolution,
  }
}
