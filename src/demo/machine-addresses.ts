import type { HostPort } from '../base/env.ts'
import {
  clients,
  controllerPort,
  metadataPort,
  roleOf,
  statusPort,
  workloadNames,
  type Addresses,
  type WorkloadName,
} from './cast.ts'
import { instances } from './instances.ts'

/** The one network that all machines of the demonstration are on. */
export const prefixLength = '8'

/** Where everything is that has no machine of its own, and ranges of further addresses for it. */
export const hubAddress = '10.0.0.254'
export const hubNetworks = ['10.128.0.0/9', '169.254.0.0/16'] as const
/** Somebody who has nothing to do with the mesh. */
export const outsideAddress: HostPort = { host: '10.129.0.1', port: 8_080 }
/** Metadata services are at link-local addresses, and sidecars take them nowhere else. */
export const linkLocal: string = hubNetworks[1]

/** An instance has the address that its signed document says; `operator` sits in an office. */
export function addressOf(name: WorkloadName): string {
  return instances[name]?.privateIp ?? `10.3.0.${String(numberOf(name))}`
}

const thiefNumber = workloadNames.length + 1

function numberOf(name: WorkloadName): number {
  return workloadNames.indexOf(name) + 1
}

/** With redirection: programs connect to the addresses of machines, and listen on ports that are usual. */
export function layOutMachines(): Addresses {
  const at = (host: string, port: number): HostPort => ({ host, port })
  const metadataAt = (number: number): HostPort => at(`169.254.1.${String(number)}`, metadataPort)
  const mesh: Addresses['mesh'] = (server) => at(addressOf(server), roleOf(server).port)
  const wire: Addresses['wire'] = (server) =>
    at(`10.128.0.${String(numberOf(server))}`, roleOf(server).port)
  return {
    controller: at(hubAddress, controllerPort),
    controllerStatus: at(hubAddress, 7_445),
    mesh,
    wire,
    local: (client, server) => (isRecorded(client) ? wire(server) : mesh(server)),
    status: (workload) => at(addressOf(workload), statusPort),
    metadata: (workload) => metadataAt(numberOf(workload)),
    thief: { metadata: metadataAt(thiefNumber), status: at(hubAddress, statusPort) },
    program: (server) => at('127.0.0.1', roleOf(server).port),
    inside: mesh,
  }
}

function isRecorded(client: WorkloadName): boolean {
  return clients.some(({ name, recorded }) => name === client && recorded)
}
