import type { Attribute__Output } from '../../rpc/generated/blazon/v1/Attribute.ts'
import { labels, servers, workloadNames, type ServerName, type WorkloadName } from '../cast.ts'
import { demoAccount, instances, regionOf } from '../instances.ts'
import { presentedCertificate } from '../presented-certificate.ts'
import { demand } from '../report.ts'
import { spiffeIdOf } from '../trust-domain.ts'
import type { Act, World } from '../world.ts'

/** Who everybody is: as the controller knows it, and as a certificate shows it to a stranger. */
export const identities: Act = async (world, report) => {
  report.heading('Identities: certificates that carry attributes')
  await report.check('the controller knows every workload by its attested attributes', () =>
    listed(world),
  )
  await report.check('where each of them is, AWS has signed (here: the demonstration key)', () =>
    placed(world),
  )
  for (const { name } of servers) {
    await report.check(`${name} presents its identity and public attributes on the wire`, () =>
      presented(world, name),
    )
  }
}

/** Every workload, in the words of whoever vouches for what it is. */
async function listed(world: World): Promise<string> {
  const { workloads } = await world.admin.listWorkloads({})
  for (const name of workloadNames) {
    const workload = workloads.find((one) => one.spiffeId === spiffeIdOf(name))
    demand(workload !== undefined, `${spiffeIdOf(name)} is not listed`)
    for (const [key, value, provenance] of expectedOf(name)) {
      const found = workload.attributes.find((one) => one.key === key)
      demand(
        found?.value === value && found.provenance === provenance,
        `${name}: expected ${key}=${value} (${provenance}), got ${JSON.stringify(found)}`,
      )
    }
  }
  return `${String(workloads.length)} workloads`
}

type Expected = readonly [key: string, value: string, provenance: Attribute__Output['provenance']]

function expectedOf(name: WorkloadName): readonly Expected[] {
  const assigned = Object.entries(labels[name]).map(([key, value]): Expected => [
    `label.${key}`,
    value,
    'ASSIGNED',
  ])
  const claimed: Expected[] = name === 'orders-db' ? [['app.engine', 'postgresql', 'CLAIMED']] : []
  const instance = instances[name]
  if (instance === undefined) return [...assigned, ...claimed]
  return [
    ['aws.account', demoAccount, 'SIGNED'],
    ['aws.region', regionOf(instance), 'SIGNED'],
    ['aws.instance-id', instance.instanceId, 'SIGNED'],
    ['imds.tag.name', name, 'OBSERVED'],
    ...assigned,
    ...claimed,
  ]
}

/** Where each workload is, and that nobody is anywhere on the word of its own sidecar. */
async function placed({ admin }: World): Promise<string> {
  const { workloads } = await admin.listWorkloads({})
  const words = workloads.map(({ name, attributes }) => {
    const ofAws = attributes.filter(({ key }) => key.startsWith('aws.'))
    const unsigned = ofAws.find(({ provenance }) => provenance !== 'SIGNED')
    demand(unsigned === undefined, `${name}: ${JSON.stringify(unsigned)} is not signed`)
    const region = ofAws.find(({ key }) => key === 'aws.region')
    return region === undefined ? `${name} nowhere` : `${name} aws.region@signed=${region.value}`
  })
  return words.join(', ')
}

const publicKeys = new Set(['aws.account', 'aws.region', 'aws.zone'])
const isPublic = (key: string): boolean => key.startsWith('label.') || publicKeys.has(key)

/** What a scanner without any certificate is shown: where it is and its labels, and no more. */
async function presented(world: World, server: ServerName): Promise<string> {
  const certificate = await presentedCertificate(
    world.addresses.mesh(server),
    world.backstage.signal,
  )
  demand(
    certificate.uris.length === 1 && certificate.uris[0] === spiffeIdOf(server),
    `expected ${spiffeIdOf(server)}, got ${certificate.uris.join(', ')}`,
  )
  const entries = certificate.workload?.publicProfile.entries
  demand(entries !== undefined, 'expected an identity extension')
  for (const [key, value, provenance] of expectedOf(server)) {
    const entry = entries.get(key)
    if (!isPublic(key)) demand(entry === undefined, `${key} is shown to everybody`)
    else {
      demand(
        entry?.provenance === provenance.toLowerCase() && entry.values.join() === value,
        `expected ${key}=${value} (${provenance}), got ${JSON.stringify(entry)}`,
      )
    }
  }
  const beyond = [...entries.keys()].filter((key) => !isPublic(key))
  demand(beyond.length === 0, `expected public attributes only, got ${beyond.join(', ')}`)
  return [...entries]
    .map(([key, { provenance, values }]) => `${key}@${provenance}=${values.join('|')}`)
    .join(' ')
}
