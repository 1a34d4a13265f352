import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { createAdminClient, type AdminClient } from '../cli/client.ts'
import { writeContextFile } from '../cli/context-file.ts'
import { claim } from '../cli/credential.ts'
import { requireCertificates } from '../cli/pem.ts'
import type { Backstage } from './backstage.ts'
import { fixedPairs, layOut, servers, type Addresses, type ServerName } from './cast.ts'
import { startController, type ControllerProcess } from './controller-process.ts'
import { layOutMachines } from './machine-addresses.ts'
import { freePort, reserveBlock } from './ports.ts'
import { startNginx } from './programs/nginx.ts'
import { startPostgres } from './programs/postgres.ts'
import { startRedis } from './programs/redis.ts'
import { startSshd, type SshLogin } from './programs/sshd.ts'
import { demoAccount, instances, regionOf, regions } from './instances.ts'
import type { ProgramContext } from './programs/program-context.ts'
import { createTap, type Tap } from './recorder.ts'
import { startTap } from './remote-recorder.ts'
import type { Report } from './report.ts'
import { startSidecars } from './sidecars.ts'
import { startSimulatedEc2 } from './simulated-ec2.ts'
import type { RunningProcess } from './supervisor.ts'
import { together } from './waiting.ts'
import type { World } from './world.ts'

/** A world that stands; disposal ends what it holds itself, the processes belong to the backstage. */
export interface RaisedWorld extends World, AsyncDisposable {
  readonly sidecars: readonly RunningProcess[]
}

/** What differs between the demonstration and a test that is built on it. */
export interface RaiseOptions {
  readonly controllerEnvironment?: Readonly<Record<string, string>>
  /** Changes the text of a policy file before it is applied. */
  readonly edit?: (text: string) => string
}

/** Starts the programs, the controller and the sidecars, and gives the mesh its policies. */
export async function raiseWorld(
  backstage: Backstage,
  report: Report,
  options: RaiseOptions = {},
): Promise<RaisedWorld> {
  await using stack = new AsyncDisposableStack()
  const marker = `marker-${randomBytes(12).toString('hex')}`
  const { capture } = backstage
  const addresses =
    capture.kind === 'redirect'
      ? layOutMachines()
      : layOut(stack.use(await reserveBlock(fixedPairs)))

  report.heading('Starting')
  report.say(`capture: ${capture.kind}, because ${capture.why}`)
  const ec2 = stack.use(await startSimulatedEc2(backstage.files, addresses))
  report.say(`${String(Object.keys(instances).length)} ${simulation}`)
  const [programs, controller] = await together(
    startPrograms(backstage, addresses, marker, stack),
    startController(backstage, addresses, {
      BLAZON_AWS_IID_KEYS: ec2.keyFile,
      ...options.controllerEnvironment,
    }),
  )
  report.say(`${servers.map(({ program }) => program).join(', ')}, as ${backstage.account.name}`)
  report.say(`controller at ${formatHostPort(addresses.controller)}`)

  const { admin, contextFile } = await becomeAdministrator(backstage, addresses, controller)
  stack.use(admin)
  report.say('first administrator claimed with the one-time secret')
  await admin.putAccount({ accountId: demoAccount, name: 'demonstration' })
  report.say(`AWS account ${demoAccount} entered by the administrator; no other is let in`)
  await applyPolicies(admin, report, options.edit ?? ((text) => text))

  const wire = await tapTheWire(addresses, stack)
  const { bundleFile } = controller
  const inside = programs.taps
  const sidecars = await startSidecars({ backstage, addresses, inside, ec2, admin, bundleFile })
  report.say(`${String(sidecars.length)} sidecars enrolled: ${howTheyEnrolled()}`)

  const owned = stack.move()
  return {
    ...{ backstage, addresses, controller, admin, contextFile, ec2 },
    ...{ wire, inside, marker, sidecars },
    login: programs.login,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const simulation = `simulated instances in ${regions.join(' and ')}, each with a metadata service (IMDSv2)
   whose documents a demonstration key signs: not AWS's, and trusted by this controller alone`

function howTheyEnrolled(): string {
  const placed = Object.values(instances)
  const counts = regions.map((region) => {
    const there = placed.filter((one) => regionOf(one) === region)
    return `${String(there.length)} in ${region}`
  })
  return `${counts.join(' and ')} by their signed documents, 1 with a join token`
}

interface StartedPrograms {
  readonly taps: ReadonlyMap<ServerName, Tap>
  readonly login: SshLogin
}

/** Starts the real programs, each with a recorder before it. */
async function startPrograms(
  backstage: Backstage,
  addresses: Addresses,
  marker: string,
  stack: AsyncDisposableStack,
): Promise<StartedPrograms> {
  const taps = new Map<ServerName, Tap>()
  const place = async <T>(
    server: ServerName,
    start: (context: ProgramContext, listen: HostPort) => Promise<T>,
  ): Promise<T> => {
    const context = backstage.on(server)
    const { host, port } = addresses.program(server)
    const listen = { host, port: port === 0 ? await freePort(host) : port }
    const started = await start(context, listen)
    const between = { listen: addresses.inside(server), to: listen }
    const tap = backstage.machines.has(server)
      ? await startTap(context, server, between)
      : await createTap(between)
    taps.set(server, stack.use(tap))
    return started
  }
  const clientDirectory = await backstage.directory('ssh-client')
  const page = `a page from nginx, ${marker}`
  const [{ login }] = await together(
    place('bastion', (context, listen) => startSshd(context, listen, clientDirectory)),
    place('orders-db', startPostgres),
    place('cache', startRedis),
    place('web', (context, listen) => startNginx(context, listen, page)),
  )
  return { taps, login }
}

async function tapTheWire(
  addresses: Addresses,
  stack: AsyncDisposableStack,
): Promise<ReadonlyMap<ServerName, Tap>> {
  const taps = new Map<ServerName, Tap>()
  for (const { name } of servers) {
    const tap = await createTap({ listen: addresses.wire(name), to: addresses.mesh(name) })
    taps.set(name, stack.use(tap))
  }
  return taps
}

async function becomeAdministrator(
  { files, signal }: Backstage,
  addresses: Addresses,
  { bundleFile, secretFile }: ControllerProcess,
): Promise<{ readonly admin: AdminClient; readonly contextFile: string }> {
  const roots = requireCertificates(await readFile(bundleFile, 'utf8'), bundleFile)
  const context = await claim({
    address: addresses.controller,
    trust: { kind: 'roots', roots },
    secret: (await readFile(secretFile, 'utf8')).trim(),
    name: 'demonstration',
    now: Date.now,
    signal,
  })
  const contextFile = join(await files.make('administrator'), 'context.json')
  await writeContextFile(contextFile, context)
  const { bundle } = context
  const admin = createAdminClient({
    address: addresses.controller,
    bundle,
    credential: context,
    signal,
  })
  return { admin, contextFile }
}

const policyDirectory = fileURLToPath(new URL('../../demo/policies/', import.meta.url))

async function applyPolicies(
  admin: AdminClient,
  report: Report,
  edit: (text: string) => string,
): Promise<void> {
  for (const name of (await readdir(policyDirectory)).sort()) {
    const text = edit(endTomorrow(await readFile(join(policyDirectory, name), 'utf8')))
    const { documents } = await admin.apply({ text, source: name })
    report.say(`demo/policies/${name} applied: ${documents.map((one) => one.name).join(', ')}`)
  }
}

/** The sample files say a day that has not passed for long; what is open for a while here ends tomorrow. */
function endTomorrow(text: string): string {
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
  return text.replaceAll(/^(\s+expires:) .*$/gm, `$1 ${tomorrow}`)
}
