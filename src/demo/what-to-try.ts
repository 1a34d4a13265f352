import type { HostPort } from '../base/env.ts'
import type { ClientName, ServerName } from './cast.ts'
import { databaseUser } from './programs/postgres.ts'
import { sshArguments, type SshLogin } from './programs/sshd.ts'
import { painter } from './report.ts'
import type { World } from './world.ts'

type Line = readonly [what: string, ...commands: string[]]

/** The commands that a reader can paste, for what runs now. */
export function whatToTry(world: World, colour: boolean): string {
  const paint = painter(colour)
  const isRedirect = world.backstage.capture.kind === 'redirect'
  const section = (title: string, lines: readonly Line[]): string =>
    [
      paint('bold', title),
      ...lines
        .flatMap(([what, ...commands]) => [`# ${what}`, ...commands])
        .map((line) => `  ${line.startsWith('#') ? paint('dim', line) : line}`),
    ].join('\n')
  return [
    `\n${paint('bold', `It keeps running. In another terminal${isRedirect ? ', as root' : ''}, in this directory:`)}`,
    `  export BLAZON_CONTEXT=${world.contextFile}`,
    ...(isRedirect ? [entering] : []),
    section('See', seeing),
    section('Talk, as api or operator (allowed)', talking(world)),
    section('Try, as compromised (denied)', trying(world)),
    section('Change', changing),
    `\nLogs: ${world.backstage.logs}`,
    `${simulated}\n${isRedirect ? redirectBounds : explicitBounds}`,
    `${paint('bold', 'Ctrl-C')} ends everything and removes every file.`,
  ].join('\n')
}

/** What only looks; the demonstration runs these itself, so that it promises nothing that fails. */
export const looking: readonly Line[] = [
  ['the controller, its issuers, and how many sidecars listen to it', 'npx blazon status'],
  ['who is there, with attributes and who vouches for them', 'npx blazon workloads'],
  ['the nodes they run on, and by what these proved themselves', 'npx blazon nodes'],
  ['connections, with the verdicts of both ends', 'npx blazon flows'],
  ['why, and what came nearest', 'npx blazon explain compromised orders-db --port 5432'],
  ['why, where a policy allows it', 'npx blazon explain reports orders-db --port 5432'],
  ['what somebody had to look at', 'npx blazon incidents --all'],
]

const seeing: readonly Line[] = [...looking, ['the same as they come', 'npx blazon flows --follow']]

function talking(world: World): Line[] {
  const { addresses, login } = world
  const at = (client: ClientName, server: ServerName): HostPort => addresses.local(client, server)
  return [
    ['PostgreSQL', as(world, 'api', psql(at('api', 'orders-db')))],
    ['Redis', as(world, 'api', redis(at('api', 'cache'), 'get greeting'))],
    ['nginx', as(world, 'api', curl(at('api', 'web')))],
    ['nginx, where api may not post', as(world, 'api', `${curl(at('api', 'web'))} --data a=b`)],
    ['OpenSSH', as(world, 'operator', ssh(login, at('operator', 'bastion'), 'uptime'))],
  ]
}

function trying(world: World): Line[] {
  const at = (server: ServerName): HostPort => world.addresses.local('compromised', server)
  const tried = (command: string): string => as(world, 'compromised', command)
  return [
    ['no policy matches', tried(psql(at('orders-db')))],
    ['no policy matches', tried(redis(at('cache'), 'get greeting'))],
    ['a policy allows its tier, another denies its standing', tried(curl(at('web')))],
  ]
}

/** On the machine of a workload and under its account, where it has a machine. */
function as({ backstage }: World, client: ClientName, command: string): string {
  const holder = backstage.machines.get(client)?.holder
  if (holder === undefined) return command
  const { uid, gid } = backstage.account.switchTo ?? { uid: 0, gid: 0 }
  return `nsenter -t ${String(holder.pid)} -n -S ${String(uid)} -G ${String(gid)} ${command}`
}

const changing: readonly Line[] = [
  [
    'let compromised into Redis, and out again',
    'npx blazon apply -f demo/try/trust-compromised.yaml',
    'npx blazon delete NetworkPolicy trust-compromised',
  ],
  [
    'cut what api has open (with a psql open, say), and let it back',
    'npx blazon apply -f demo/try/quarantine-api.yaml',
    'npx blazon delete NetworkPolicy quarantine-api',
  ],
  [
    'revoke the certificates of api, and reinstate it',
    'npx blazon revoke api --refuse-renewal',
    'npx blazon revoke api --reinstate',
  ],
]

/** The controller is in the demonstration's own network. */
const entering = `  nsenter -t ${String(process.pid)} -n bash`

const simulated = `This runs on one machine: its instances are simulated, and their documents signed by a key made for this run,
which stands in for AWS's with this controller and no other.`
const explicitBounds = `Capture is explicit: programs are pointed at their sidecar, and nothing keeps a program on this machine from going around it.`
const redirectBounds = `Capture is by redirection: programs are told nothing, and the kernel gives every connection to their sidecar. Each workload
has a network namespace of its own; root on this machine can enter and change it all.`

function psql({ host, port }: HostPort): string {
  return `psql -h ${host} -p ${String(port)} -U ${databaseUser} postgres`
}

function redis({ host, port }: HostPort, command: string): string {
  return `redis-cli -h ${host} -p ${String(port)} ${command}`
}

function curl({ host, port }: HostPort): string {
  return `curl http://${host}:${String(port)}/`
}

function ssh(login: SshLogin, server: HostPort, command: string): string {
  return `ssh ${sshArguments(login, server).join(' ')} ${command}`
}
