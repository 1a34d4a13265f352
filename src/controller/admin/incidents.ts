import { quote } from '../../base/errors.ts'
import type { Incident } from '../../rpc/generated/blazon/v1/Incident.ts'
import type { ListIncidentsRequest__Output } from '../../rpc/generated/blazon/v1/ListIncidentsRequest.ts'
import type { ListIncidentsResponse } from '../../rpc/generated/blazon/v1/ListIncidentsResponse.ts'
import type { ResolveIncidentRequest__Output } from '../../rpc/generated/blazon/v1/ResolveIncidentRequest.ts'
import type { ResolveIncidentResponse } from '../../rpc/generated/blazon/v1/ResolveIncidentResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { claimantKey } from '../incidents.ts'
import { findIncident, loadIncidents, type StoredIncident } from '../store/incidents.ts'
import type { Tables } from '../store/store.ts'
import { putWorkload } from '../store/workloads.ts'
import type { AdminDeps } from './deps.ts'

const defaultLimit = 100
const mostIncidents = 1_000
const longestResolution = 1_024

/** Incidents, those last seen first; the resolved ones too where they are asked for. */
export async function listIncidents(
  { store, incidents }: AdminDeps,
  caller: Caller,
  { all, limit }: ListIncidentsRequest__Output,
): Promise<ListIncidentsResponse> {
  needAdministrator(caller, 'viewer')
  if (limit > mostIncidents) {
    throw refuse(`expected a limit of at most ${String(mostIncidents)}, got ${String(limit)}`)
  }
  const found = await loadIncidents(store.tables, {
    all,
    limit: limit === 0 ? defaultLimit : limit,
  })
  // What has been counted since the last write is in memory alone.
  return { incidents: found.map((one) => toWire(incidents.find(one.incidentId) ?? one)) }
}

/** Closes an incident; of two claimants one may be kept, the others are barred. */
export async function resolveIncident(
  deps: AdminDeps,
  caller: Caller,
  request: ResolveIncidentRequest__Output,
): Promise<ResolveIncidentResponse> {
  const { name: author } = needAdministrator(caller, 'admin')
  const { incidentId, resolution, keepNodeKeySha256: kept } = request
  if (resolution === '' || resolution.length > longestResolution) {
    throw refuse(`expected a resolution of 1 to ${String(longestResolution)} characters`)
  }
  return deps.changes.run(async () => {
    const incident = await openIncident(deps, incidentId)
    const claimants = claimantsOf(incident)
    if (kept !== '' && !claimants.includes(kept)) throw notAClaimant(incident, claimants, kept)
    const applies = await deps.deferred.change(async (tables) => [
      ...(await settle(deps, tables, incident, kept, author)),
      await deps.incidents.resolve(tables, incident, { author, resolution }),
    ])
    const results = applies.map((apply) => apply())
    const resolved = results.at(-1)
    if (resolved === undefined) throw new Error('BUG: a resolution without a result')
    return { incident: toWire(resolved) }
  })
}

async function openIncident(
  { incidents, store }: AdminDeps,
  incidentId: string,
): Promise<StoredIncident> {
  const open = incidents.find(incidentId)
  if (open !== undefined) return open
  const closed = await findIncident(store.tables, incidentId)
  if (closed === undefined) {
    throw new ControllerError('ERR_NOT_FOUND', `there is no incident ${quote(incidentId)}`)
  }
  throw new ControllerError(
    'ERR_PRECONDITION',
    `incident ${incidentId} was resolved by ${closed.resolvedBy} already`,
  )
}

/** Who was stopped for this incident; nobody was for most kinds. */
function claimantsOf({ kind, details }: StoredIncident): string[] {
  if (kind !== 'two-claimants' && kind !== 'superseded-serial') return []
  return details.filter(({ key }) => key === claimantKey).map(({ value }) => value)
}

function notAClaimant(
  { incidentId, kind }: StoredIncident,
  claimants: readonly string[],
  kept: string,
): ControllerError {
  return refuse(
    claimants.length === 0
      ? `nobody was stopped for incident ${incidentId} (${kind}), so there is nobody to keep`
      : `expected one of the claimants ${claimants.join(', ')} to keep, got ${quote(kept)}`,
  )
}

type Apply = () => StoredIncident | undefined

/** Lets the kept claimant go on; the others never do again. */
async function settle(
  deps: AdminDeps,
  tables: Tables,
  incident: StoredIncident,
  kept: string,
  author: string,
): Promise<Apply[]> {
  if (incident.kind === 'superseded-serial') {
    return settleWorkload(deps, tables, incident, kept, author)
  }
  const applies: Apply[] = []
  for (const key of claimantsOf(incident)) {
    const node = deps.registry.node(key)
    if (node === undefined) continue
    const isKept = key === kept
    const reason = isKept ? '' : `incident ${incident.incidentId}, resolved by ${author}`
    const apply = await deps.nodeStandings.set(tables, node, isKept ? 'good' : 'barred', reason)
    applies.push(() => {
      apply()
      return undefined
    })
  }
  return applies
}

/** Both holders of a superseded certificate have one node key: it is kept, or the workload is out. */
async function settleWorkload(
  { registry }: AdminDeps,
  tables: Tables,
  { subject, incidentId }: StoredIncident,
  kept: string,
  author: string,
): Promise<Apply[]> {
  const entry = registry.workload(subject)
  if (entry?.stored.standing !== 'frozen') return []
  const changed =
    kept === ''
      ? {
          ...entry.stored,
          standing: 'revoked' as const,
          standingReason: `incident ${incidentId}, resolved by ${author}`,
        }
      : { ...entry.stored, standing: 'good' as const, standingReason: '' }
  await putWorkload(tables, changed)
  return [
    () => {
      registry.putWorkload(changed)
      return undefined
    },
  ]
}

function toWire(incident: StoredIncident): Incident {
  const { details, ...rest } = incident
  return { ...rest, details: details.map(({ key, value }) => ({ key, value })) }
}

function refuse(message: string): ControllerError {
  return new ControllerError('ERR_ARGUMENT', message)
}
