import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostPort } from '../base/env.ts'
import type { Addresses, WorkloadName } from './cast.ts'
import { createDemonstrationSigner } from './demonstration-signer.ts'
import type { DemoDirectory } from './directory.ts'
import { instances, type Instance } from './instances.ts'
import { startMetadataService, type MetadataContent } from './metadata-service.ts'

/** EC2 as the demonstration has it: a metadata service for each instance, and who signs for AWS. */
export interface SimulatedEc2 extends AsyncDisposable {
  /** For the controller: the keys that the documents are signed with. */
  readonly keyFile: string
  /** The metadata service of the instance that a workload runs on; undefined without an instance. */
  metadata(workload: WorkloadName): HostPort | undefined
}

export async function startSimulatedEc2(
  files: DemoDirectory,
  addresses: Addresses,
): Promise<SimulatedEc2> {
  await using stack = new AsyncDisposableStack()
  const signer = await createDemonstrationSigner(new Date())
  const keyFile = join(await files.make('demonstration-key'), 'aws-iid-keys.json')
  await writeFile(keyFile, signer.keyFile, { mode: 0o600 })
  const services = new Map<WorkloadName, HostPort>()
  for (const [name, instance] of Object.entries(instances) as [WorkloadName, Instance][]) {
    const content = metadataOf(instance, name, signer.sign(instance))
    const listen = addresses.metadata(name)
    const service = stack.use(await startMetadataService({ listen, content: () => content }))
    services.set(name, service.address)
  }
  const owned = stack.move()
  return {
    keyFile,
    metadata: (workload) => services.get(workload),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function metadataOf(
  { privateIp, zone, instanceId }: Instance,
  name: WorkloadName,
  { document, rsa2048 }: { readonly document: string; readonly rsa2048: string },
): MetadataContent {
  const number = privateIp.split('.').at(-1) ?? ''
  return new Map([
    ['dynamic/instance-identity/document', document],
    ['dynamic/instance-identity/rsa2048', rsa2048],
    ['meta-data/ami-launch-index', '0'],
    [
      'meta-data/hostname',
      `ip-${privateIp.replaceAll('.', '-')}.${zone.slice(0, -1)}.compute.internal`,
    ],
    ['meta-data/instance-action', 'none'],
    ['meta-data/local-ipv4', privateIp],
    ['meta-data/mac', `02:00:00:00:00:${number.padStart(2, '0')}`],
    ['meta-data/reservation-id', instanceId.replace(/^i-/, 'r-')],
    ['meta-data/tags/instance', 'Name'],
    ['meta-data/tags/instance/Name', name],
  ])
}
