import { labels, servers, workloadNames, type ServerName } from '../cast.ts'
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
  for (const { name } of servers) {
    await report.check(`${name} presents its identity and public attributes on the wire`, () =>
      presented(world, name),
    )
  }
}

async function listed(world: World): Promise<string> {
  const { workloads } = await world.admin.listWorkloads({})
  for (const name of workloadNames) {
    const workload = workloads.find((one) => one.spiffeId === spiffeIdOf(name))
    demand(workload !== undefined, `${spiffeIdOf(name)} is not listed`)
    for (const [key, value] of Object.entries(labels[name])) {
      const found = workload.attributes.find((one) => one.key === `label.${key}`)
      demand(
        found?.value === value && found.provenance === 'ASSIGNED',
        `${name}: expected label.${key}=${value} (assigned), got ${JSON.stringify(found)}`,
      )
    }
  }
  const claimed = workloads
    .find((one) => one.name === 'orders-db')
    ?.attributes.find((one) => one.key === 'app.engine')
  demand(claimed?.provenance === 'CLAIMED', 'expected app.engine of orders-db, as claimed')
  return `${String(workloads.length)} workloads`
}

/** What a scanner without any certificate is shown: the labels, and nothing that is only claimed. */
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
  for (const [key, value] of Object.entries(labels[server])) {
    const entry = entries.get(`label.${key}`)
    demand(
      entry?.provenance === 'assigned' && entry.values.join() === value,
      `expected label.${key}=${value} (assigned), got ${JSON.stringify(entry)}`,
    )
  }
  const beyond = [...entries.keys()].filter((key) => !key.startsWith('label.'))
  demand(beyond.length === 0, `expected public attributes only, got ${beyond.join(', ')}`)
  return [...entries].map(([key, { values }]) => `${key}=${values.join('|')}`).join(' ')
}
