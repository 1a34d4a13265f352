import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { ControllerMetrics } from './metrics.ts'
import { loadIncidents, putIncident, type StoredIncident } from './store/incidents.ts'
import { isDiskTrouble } from './store/store-error.ts'
import type { Store, Tables } from './store/store.ts'

/** What a person should look at: docs/operations.md says what each means and what to do. */
export const incidentKinds = [
  'two-claimants',
  'document-replayed',
  'old-document',
  'node-key-reused',
  'superseded-serial',
  'policy-rejected',
  'policy-unacknowledged',
] as const
export type IncidentKind = (typeof incidentKinds)[number]

/** The detail that names a claimant, of whom a resolution may keep one. */
export const claimantKey = 'node-key'

/** Something that has come about, once. */
export interface Occurrence extends Pick<StoredIncident, 'subject' | 'summary' | 'details'> {
  readonly kind: IncidentKind
}

/**
 * The incidents. There is one open incident of a kind for a subject: what comes about again is
 * counted there, so that nobody can bury one incident under others. Its calls must not run side by side.
 */
export interface Incidents {
  /** Records an occurrence as part of a transaction; it is known once what this returns is called. */
  open(tables: Tables, occurrence: Occurrence): Promise<() => void>
  /** Records an occurrence by itself. A disk that refuses is logged: there is something else to refuse, too. */
  report(occurrence: Occurrence): Promise<void>
  /** Closes an open incident as part of a transaction. */
  resolve(
    tables: Tables,
    incident: StoredIncident,
    by: { readonly author: string; readonly resolution: string },
  ): Promise<() => StoredIncident>
  /** An incident that is open. */
  find(incidentId: string): StoredIncident | undefined
  /** Writes the counts that have grown since. */
  flush(): Promise<void>
}

/** Details of one incident; what comes after them is only counted. */
const mostDetails = 32
const mostOpen = 100_000

export async function openIncidents(deps: {
  readonly store: Store
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
}): Promise<Incidents> {
  const { store, clock, metrics, log } = deps
  const open = new Map<string, StoredIncident>()
  const grown = new Set<string>()
  const keyOf = ({ kind, subject }: { kind: string; subject: string }): string =>
    `${kind} ${subject}`
  for (const one of await loadIncidents(store.tables, { all: false, limit: mostOpen })) {
    open.set(keyOf(one), one)
  }

  const next = (occurrence: Occurrence): StoredIncident => {
    const now = clock.now()
    const known = open.get(keyOf(occurrence))
    if (known === undefined) {
      return {
        incidentId: randomBytes(6).toString('hex'),
        ...occurrence,
        openedAtMs: now,
        lastSeenMs: now,
        times: 1,
        resolvedAtMs: 0,
        resolvedBy: '',
        resolution: '',
      }
    }
    const details = mergeDetails(known.details, occurrence.details)
    return { ...known, details, lastSeenMs: now, times: known.times + 1 }
  }
  const keep = (incident: StoredIncident): void => {
    metrics.incidents.inc({ kind: incident.kind })
    open.set(keyOf(incident), incident)
    if (incident.times > 1) return
    const { incidentId, kind, subject, details } = incident
    log.error({ incident: incidentId, kind, subject, details }, 'incident')
  }

  return {
    open: async (tables, occurrence) => {
      const incident = next(occurrence)
      await putIncident(tables, incident)
      return () => {
        keep(incident)
      }
    },
    report: async (occurrence) => {
      const incident = next(occurrence)
      if (incident.times > 1) {
        keep(incident)
        grown.add(keyOf(incident))
        return
      }
      try {
        await store.change((tables) => putIncident(tables, incident))
      } catch (error: unknown) {
        if (!isDiskTrouble(error)) throw error
        log.error(
          { reason: messageOf(error) },
          'incident not stored: it is written when the disk lets it',
        )
        grown.add(keyOf(incident))
      }
      keep(incident)
    },
    resolve: async (tables, incident, { author, resolution }) => {
      const latest = open.get(keyOf(incident)) ?? incident
      const resolved = {
        ...latest,
        resolvedAtMs: clock.now(),
        resolvedBy: author,
        resolution,
      }
      await putIncident(tables, resolved)
      return () => {
        open.delete(keyOf(incident))
        grown.delete(keyOf(incident))
        log.info(
          { incident: incident.incidentId, kind: incident.kind, author },
          'incident resolved',
        )
        return resolved
      }
    },
    find: (incidentId) => [...open.values()].find((one) => one.incidentId === incidentId),
    flush: async () => {
      if (grown.size === 0) return
      const keys = [...grown]
      await store.change(async (tables) => {
        for (const key of keys) {
          const incident = open.get(key)
          if (incident !== undefined) await putIncident(tables, incident)
        }
      })
      for (const key of keys) grown.delete(key)
    },
  }
}

function mergeDetails(
  known: StoredIncident['details'],
  more: StoredIncident['details'],
): StoredIncident['details'] {
  const fresh = more.filter(
    ({ key, value }) => !known.some((one) => one.key === key && one.value === value),
  )
  return [...known, ...fresh].slice(0, mostDetails)
}
