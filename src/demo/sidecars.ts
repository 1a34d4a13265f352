import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatHostPort, type HostPort } from '../base/env.ts'
import type { AdminClient } from '../cli/client.ts'
import type { Backstage } from './backstage.ts'
import { startBlazon } from './blazon-process.ts'
import {
  clients,
  labels,
  servers,
  workloadNames,
  type Addresses,
  type WorkloadName,
} from './cast.ts'
import type { RunningProcess } from './supervisor.ts'
import { trustDomain } from './trust-domain.ts'
import { together } from './waiting.ts'
import { tapOf, type World } from './world.ts'

/** What a sidecar is told beyond its name. */
interface SidecarOptions extends Pick<World, 'addresses' | 'inside'> {
  readonly backstage: Backstage
  readonly admin: AdminClient
  readonly bundleFile: string
}

/** Gives every workload a join token and starts its sidecar; resolves when all of them are ready. */
export async function startSidecars(options: SidecarOptions): Promise<RunningProcess[]> {
  return together(...workloadNames.map((name) => startSidecar(options, name)))
}

async function startSidecar(options: SidecarOptions, name: WorkloadName): Promise<RunningProcess> {
  const { backstage, addresses, admin } = options
  const directory = await backstage.files.make(name)
  const { token } = await admin.createJoinToken({
    uses: 1,
    ttlSeconds: 86_400, // a workload that was revoked enrols with it again
    labels: Object.entries(labels[name]).map(([key, value]) => ({ key, value })),
    description: `demonstration: ${name}`,
  })
  const tokenFile = join(directory, 'join-token')
  await writeFile(tokenFile, token, { mode: 0o600 })
  return startBlazon(backstage, {
    name: `sidecar-${name}`,
    role: 'sidecar',
    status: addresses.status(name),
    environment: {
      BLAZON_TRUST_DOMAIN: trustDomain,
      BLAZON_CONTROLLER: formatHostPort(addresses.controller),
      BLAZON_BUNDLE: options.bundleFile,
      BLAZON_JOIN_TOKEN_FILE: tokenFile,
      BLAZON_WORKLOAD: name,
      BLAZON_STATE_DIR: join(directory, 'state'),
      BLAZON_METRICS_LISTEN: formatHostPort(addresses.status(name)),
      BLAZON_DRAIN: '1s',
      ...listeners(options, name),
    },
  })
}

function listeners(
  { addresses, inside }: Pick<World, 'addresses' | 'inside'>,
  name: WorkloadName,
): Record<string, string> {
  const server = servers.find((one) => one.name === name)
  if (server !== undefined) {
    const pair = [addresses.mesh(server.name), tapOf(inside, server.name).address]
    return {
      BLAZON_INGRESS: pairText(pair),
      ...(name === 'orders-db' ? { BLAZON_ATTRIBUTES: 'app.engine=postgresql' } : {}),
    }
  }
  return { BLAZON_EGRESS: egressOf(addresses, name).map(pairText).join(',') }
}

/** Local listener and destination; for recorded clients that is the recorder, as a NAT would be. */
function egressOf(addresses: Addresses, name: WorkloadName): HostPort[][] {
  const client = clients.find((one) => one.name === name)
  if (client === undefined) throw new Error(`BUG: ${name} is neither server nor client`)
  return client.reaches.map((server) => [
    addresses.local(client.name, server),
    client.recorded ? addresses.wire(server) : addresses.mesh(server),
  ])
}

function pairText(pair: readonly HostPort[]): string {
  return pair.map(formatHostPort).join('=')
}
