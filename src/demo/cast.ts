import type { HostPort } from '../base/env.ts'
import type { AddressBlock } from './ports.ts'

/** A workload that serves one real program. */
export interface ServerRole {
  readonly name: ServerName
  readonly program: string
  /** Where the mesh reaches it; the sample policies name it. */
  readonly port: number
  /** Where a client's own sidecar offers it. */
  readonly localPort: number
}

export type ServerName = 'orders-db' | 'cache' | 'web' | 'bastion'
export type ClientName = 'api' | 'reports' | 'operator' | 'compromised'
export type WorkloadName = ServerName | ClientName

export const servers: readonly ServerRole[] = [
  { name: 'orders-db', program: 'PostgreSQL', port: 5432, localPort: 15_432 },
  { name: 'cache', program: 'Redis', port: 6379, localPort: 16_379 },
  { name: 'web', program: 'nginx', port: 8080, localPort: 18_080 },
  { name: 'bastion', program: 'OpenSSH', port: 2222, localPort: 12_222 },
]

/** A workload from which programs reach out, and what its sidecar offers them. */
export interface ClientRole {
  readonly name: ClientName
  readonly reaches: readonly ServerName[]
  /** Whether a recorder stands between its sidecar and those of the servers. */
  readonly recorded: boolean
}

export const clients: readonly ClientRole[] = [
  { name: 'api', reaches: ['orders-db', 'cache', 'web'], recorded: true },
  { name: 'reports', reaches: ['orders-db', 'web'], recorded: true },
  { name: 'operator', reaches: ['bastion'], recorded: true },
  { name: 'compromised', reaches: ['orders-db', 'cache', 'web', 'bastion'], recorded: false },
]

/**
 * What each workload is: by the enrolment rule for its instance or, for `operator`, by its join
 * token. `compromised` poses as one of the application's own.
 */
export const labels: Readonly<Record<WorkloadName, Readonly<Record<string, string>>>> = {
  'orders-db': { app: 'orders-db', tier: 'data' },
  cache: { app: 'cache', tier: 'data' },
  web: { app: 'web', tier: 'front' },
  bastion: { app: 'bastion', tier: 'operations' },
  api: { app: 'api', tier: 'application' },
  reports: { app: 'reports', tier: 'analytics' },
  operator: { app: 'operator', tier: 'operations' },
  compromised: { app: 'compromised', tier: 'application', standing: 'suspect' },
}

const order: readonly WorkloadName[] = [...servers, ...clients].map(({ name }) => name)
export const workloadNames: readonly WorkloadName[] = order

const thiefMachine = order.length + 1
export const metadataPort = 1_338
export const statusPort = 15_020
export const controllerPort = 7_443

/** The addresses of one run. */
export interface Addresses {
  readonly controller: HostPort
  readonly controllerStatus: HostPort
  /** Where the sidecar of a server takes tunnels. */
  mesh(server: ServerName): HostPort
  /** Where the recorder takes tunnels that it passes on to `mesh`. */
  wire(server: ServerName): HostPort
  /** What the programs of a client connect to when they want a server. */
  local(client: ClientName, server: ServerName): HostPort
  readonly status: (workload: WorkloadName) => HostPort
  /** Where the metadata service of the instance of a workload is simulated. */
  readonly metadata: (workload: WorkloadName) => HostPort
  /** The machine of somebody who has stolen a document. */
  readonly thief: { readonly metadata: HostPort; readonly status: HostPort }
  /** Where the program of a server listens, where only its own machine reaches it; port 0 = any. */
  program(server: ServerName): HostPort
  /** Where its sidecar takes the program to be: a recorder is there, which passes on to `program`. */
  inside(server: ServerName): HostPort
}

/** With explicit capture: every workload is a "machine" of its own on loopback. */
export function layOut(block: Pick<AddressBlock, 'address'>): Addresses {
  const host = (name: WorkloadName, address: number): string =>
    block.address(order.indexOf(name) + 1, address)
  return {
    controller: { host: block.address(0, 1), port: controllerPort },
    controllerStatus: { host: block.address(0, 1), port: 7445 },
    mesh: (server) => ({ host: host(server, 1), port: roleOf(server).port }),
    wire: (server) => ({ host: host(server, 2), port: roleOf(server).port }),
    local: (client, server) => ({ host: host(client, 1), port: roleOf(server).localPort }),
    status: (workload) => ({ host: host(workload, 1), port: statusPort }),
    metadata: (workload) => ({ host: host(workload, 4), port: metadataPort }),
    thief: {
      metadata: { host: block.address(thiefMachine, 4), port: metadataPort },
      status: { host: block.address(thiefMachine, 1), port: statusPort },
    },
    program: (server) => ({ host: host(server, 3), port: 0 }),
    inside: (server) => ({ host: host(server, 3), port: 0 }),
  }
}

/** Every pair that has to be free before anything starts. */
export function fixedPairs(block: Pick<AddressBlock, 'address'>): HostPort[] {
  const addresses = layOut(block)
  return [
    addresses.controller,
    addresses.controllerStatus,
    ...servers.flatMap(({ name }) => [addresses.mesh(name), addresses.wire(name)]),
    ...clients.flatMap(({ name, reaches }) =>
      reaches.map((server) => addresses.local(name, server)),
    ),
    ...order.map(addresses.status),
    ...order.map(addresses.metadata),
    ...Object.values(addresses.thief),
  ]
}

export function roleOf(name: ServerName): ServerRole {
  const role = servers.find((server) => server.name === name)
  if (role === undefined) throw new Error(`BUG: no server ${name}`)
  return role
}
