import { setTimeout as delay } from 'node:timers/promises'
import { prepareBackstage } from './backstage.ts'
import type { WorkloadName } from './cast.ts'
import { openPsql } from './programs/psql-session.ts'
import { raiseWorld, type RaiseOptions } from './raise.ts'
import { demand, type Report } from './report.ts'
import { spiffeIdOf } from './trust-domain.ts'
import { tapOf, type World } from './world.ts'

/** What happened while one psql session was held open. */
export interface Renewals {
  readonly queries: number
  /** Certificates that each end went through, the first one included. */
  readonly serials: Readonly<Record<'api' | 'orders-db', number>>
  /** TLS connections that the sidecars made to each other in all that time. */
  readonly tunnels: number
}

const svidLife = '30s'
const pauseMs = 500

/** SVIDs of 30 s, so that many are used up within a test. */
export const shortLived: RaiseOptions = {
  controllerEnvironment: { BLAZON_MIN_SVID_TTL: svidLife },
  edit: (text) => text.replaceAll(/^(\s+ttl:) .*$/gm, `$1 ${svidLife}`),
}

/**
 * Holds one psql session open for `forMs` under SVIDs of 30 s life, and asks it something twice a
 * second. Throws when an answer fails to come or comes over another connection than the first.
 */
export async function holdSession(
  options: { readonly forMs: number; readonly report: Report },
  signal: AbortSignal,
): Promise<Renewals> {
  await using backstage = await prepareBackstage(signal)
  await using world = await raiseWorld(backstage, options.report, shortLived)
  const at = world.addresses.local('api', 'orders-db')
  await using session = await openPsql(backstage.on('api'), at, 'psql-held')
  const backend = await session.query('select pg_backend_pid()')
  const serials = { api: new Set<string>(), 'orders-db': new Set<string>() }
  let queries = 0
  const end = performance.now() + options.forMs
  while (performance.now() < end) {
    const answer = await session.query('select pg_backend_pid()')
    demand(answer === backend, `expected the backend ${backend}, got ${answer}`)
    queries += 1
    for (const name of ['api', 'orders-db'] as const) serials[name].add(await serialOf(world, name))
    await delay(pauseMs, undefined, { signal })
  }
  const { connections } = await tapOf(world.wire, 'orders-db').recorded()
  return {
    queries,
    serials: { api: serials.api.size, 'orders-db': serials['orders-db'].size },
    tunnels: connections,
  }
}

async function serialOf({ admin }: World, name: WorkloadName): Promise<string> {
  const { workloads } = await admin.listWorkloads({ match: spiffeIdOf(name) })
  const serial = workloads[0]?.serial
  demand(serial !== undefined, `${name} is not listed`)
  return serial
}
