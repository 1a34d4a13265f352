import { chown, writeFile } from 'node:fs/promises'
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
interface SidecarOptions extends Pick<World, 'addresses' | 'inside' | 'ec2'> {
  readonly backstage: Backstage
  readonly admin: AdminClient
  readonly bundleFile: string
}

/** Starts the sidecar of every workload; resolves when all of them have enrolled and are ready. */
export async function startSidecars(options: SidecarOptions): Promise<RunningProcess[]> {
  return together(...workloadNames.map((name) => startSidecar(options, name)))
}

async function startSidecar(options: SidecarOptions, name: WorkloadName): Promise<RunningProcess> {
  const { backstage, addresses } = options
  const { sidecarAccount: account } = backstage
  const directory = await backstage.directory(name, account)
  return startBlazon(backstage, {
    name: `sidecar-${name}`,
    role: 'sidecar',
    status: addresses.status(name),
    machine: backstage.on(name).machine,
    account,
    environment: {
      BLAZON_TRUST_DOMAIN: trustDomain,
      BLAZON_CONTROLLER: formatHostPort(addresses.controller),
      BLAZON_BUNDLE: options.bundleFile,
      ...(await evidence(options, name, directory)),
      BLAZON_WORKLOAD: name,
      BLAZON_STATE_DIR: join(directory, 'state'),
      BLAZON_METRICS_LISTEN: formatHostPort(addresses.status(name)),
      BLAZON_DRAIN: '1s',
      ...(name === 'orders-db' ? { BLAZON_ATTRIBUTES: 'app.engine=postgresql' } : {}),
      ...capture(options, name),
    },
  })
}

/** The metadata service where there is an instance, a join token where there is none. */
async function evidence(
  { admin, ec2, backstage }: SidecarOptions,
  name: WorkloadName,
  directory: string,
): Promise<Record<string, string>> {
  const metadata = ec2.metadata(name)
  if (metadata !== undefined) {
    return {
      BLAZON_EVIDENCE: 'aws-iid',
      BLAZON_IMDS_ENDPOINT: `http://${formatHostPort(metadata)}`,
    }
  }
  const { token } = await admin.createJoinToken({
    uses: 1,
    ttlSeconds: 86_400, // a workload that was revoked enrols with it again
    labels: Object.entries(labels[name]).map(([key, value]) => ({ key, value })),
    description: `demonstration: ${name}`,
  })
  const file = join(directory, 'join-token')
  await writeFile(file, token, { mode: 0o600 })
  const { switchTo } = backstage.sidecarAccount
  if (switchTo !== undefined) await chown(file, switchTo.uid, switchTo.gid)
  return { BLAZON_JOIN_TOKEN_FILE: file }
}

/** Where connections come from: with redirection from the kernel, which knows where they were going. */
function capture(options: SidecarOptions, name: WorkloadName): Record<string, string> {
  const { capture: form, account } = options.backstage
  if (form.kind === 'explicit') return listeners(options, name)
  return {
    BLAZON_CAPTURE: 'redirect',
    BLAZON_WORKLOAD_UID: String(account.switchTo?.uid ?? 0),
  }
}

function listeners(
  { addresses, inside }: Pick<World, 'addresses' | 'inside'>,
  name: WorkloadName,
): Record<string, string> {
  const server = servers.find((one) => one.name === name)
  if (server !== undefined) {
    const pair = [addresses.mesh(server.name), tapOf(inside, server.name).address]
    return { BLAZON_INGRESS: pairText(pair) }
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
