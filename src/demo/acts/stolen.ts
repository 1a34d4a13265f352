import { formatHostPort } from '../../base/env.ts'
import type { Incident__Output } from '../../rpc/generated/blazon/v1/Incident.ts'
import { instances, nodeIdOf } from '../instances.ts'
import { curl } from '../programs/nginx.ts'
import { demand } from '../report.ts'
import { runProgram } from '../run-program.ts'
import { startThief } from '../thief.ts'
import { spiffeIdOf } from '../trust-domain.ts'
import { until } from '../waiting.ts'
import type { Act, World } from '../world.ts'
import { complaint, visit } from './visit.ts'

const victim = 'reports'

/**
 * A signed document proves what an instance is, and not who sends it. Somebody who could read that of
 * `reports` sends it from another machine, with another node key, while it is still fresh.
 */
export const stolen: Act = async (world, report) => {
  report.heading('Stolen: the document of reports is shown again, by another node key')
  const document = await readThroughAHole(world)
  const size = `${String(document.length)} characters of signed document`
  if (world.backstage.capture.kind === 'redirect') {
    await report.check('a program on reports is kept from its metadata service', () =>
      keptFromService(world),
    )
    report.say(`${size} that somebody got all the same, say before there was any capture`)
  } else report.say(`${size} read by a program on reports`)
  await using thief = await startThief(world, victim, document)

  await report.check('the thief is refused, and an incident names both node keys', async () => {
    const keys = [await nodeKeyOf(world), await thief.nodeKey()]
    const { kind, subject } = await incidentNaming(world, keys)
    return `${kind}, ${subject}`
  })
  await report.check('the thief has no certificate', () => thief.refused())
  await report.check(
    'reports is stopped as well: nobody can tell yet which of them it is',
    async () => {
      await until('reports to be cut off', { ...world.backstage, withinMs: 20_000 }, async () => {
        const result = await visit(world, victim, 'web')
        return result.code === 0 ? undefined : true
      })
      return complaint(await visit(world, victim, 'web'))
    },
  )
  await report.check('the administrator keeps the one that is the instance, and it is back', () =>
    resolve(world),
  )
  await thief.tryAgain()
  await report.check('the thief tries again, and is refused again', () => thief.refused())
}

/** How curl says that a connection was refused, or reset before an answer. */
const cut: readonly (number | undefined)[] = [7, 52, 56]

async function keptFromService({ backstage, ec2 }: World): Promise<string> {
  const metadata = ec2.metadata(victim)
  demand(metadata !== undefined, `${victim} has no metadata service`)
  const request = curl(backstage, metadata, '/latest/api/token')
  const result = await runProgram(request, backstage.on(victim))
  demand(cut.includes(result.code), `exit code ${String(result.code)}: ${complaint(result)}`)
  return complaint(result)
}

/** As a request forged on the server's side does, where it can send headers of its own. */
async function readThroughAHole({ ec2 }: World): Promise<string> {
  const metadata = ec2.metadata(victim)
  demand(metadata !== undefined, `${victim} has no metadata service`)
  const service = `http://${formatHostPort(metadata)}/latest`
  const token = await fetch(`${service}/api/token`, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
  })
  const answer = await fetch(`${service}/dynamic/instance-identity/rsa2048`, {
    headers: { 'x-aws-ec2-metadata-token': await token.text() },
  })
  demand(answer.ok, `the metadata service answered ${String(answer.status)}`)
  return answer.text()
}

async function nodeKeyOf({ admin }: World): Promise<string> {
  const { workloads } = await admin.listWorkloads({ match: spiffeIdOf(victim) })
  const key = workloads[0]?.nodeKeySha256
  demand(key !== undefined, `${victim} is not listed`)
  return key
}

async function incidentNaming(
  { admin, backstage }: World,
  keys: readonly string[],
): Promise<Incident__Output> {
  const subject = nodeIdOf(instanceOfVictim())
  return until('an incident', { ...backstage, withinMs: 30_000 }, async () => {
    const { incidents } = await admin.listIncidents({})
    return incidents.find(
      (one) =>
        one.subject === subject &&
        keys.every((key) => one.details.some(({ value }) => value === key)),
    )
  })
}

function instanceOfVictim(): NonNullable<(typeof instances)[typeof victim]> {
  const instance = instances[victim]
  if (instance === undefined) throw new Error(`BUG: ${victim} is on no instance`)
  return instance
}

async function resolve(world: World): Promise<string> {
  const { admin, backstage } = world
  const genuine = await nodeKeyOf(world)
  const { incidentId } = await incidentNaming(world, [genuine])
  const start = performance.now()
  await admin.resolveIncident({
    incidentId,
    resolution: 'demonstration: the document was read through a hole in a program, which is mended',
    keepNodeKeySha256: genuine,
  })
  await until('reports to get through', { ...backstage, withinMs: 60_000 }, async () => {
    const result = await visit(world, victim, 'web')
    return result.code === 0 ? true : undefined
  })
  return `${((performance.now() - start) / 1000).toFixed(1)} s after the command`
}
