import { InvalidArgumentError, Option } from 'commander'
import { quote } from '../../base/errors.ts'
import type { Node__Output } from '../../rpc/generated/blazon/v1/Node.ts'
import { attributeView } from '../attribute-view.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime, shownTime } from '../moment.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { pairLines, tableLines, type Cell } from '../table.ts'
import { durationArgument, outputOption, withClient, type CommandSetup } from './command.ts'

/** `nodes` and `nodes grant`: which node keys there are, and how one is vouched for. */
export function addNodes({ program, host }: CommandSetup): void {
  const nodes = program
    .command('nodes')
    .summary('show nodes and their keys')
    .description('Show the nodes of the mesh; with a match, each with what it proved.')
    .argument('[match]', 'node id, instance id or node key')
    .addOption(outputOption())
    .action(async (match: string | undefined, options: { readonly output: OutputForm }) => {
      const request = { match: match ?? '' }
      const response = await withClient(host, (client) => client.listNodes(request))
      if (match !== undefined && response.nodes.length === 0) {
        throw new CliError('ERR_NOT_FOUND', `there is no node ${match}`, {
          hints: ['`blazon nodes` lists them'],
        })
      }
      writeResult(host, options.output, { nodes: response.nodes.map(viewOf) }, () =>
        match === undefined
          ? listLines(host, response.nodes)
          : response.nodes.flatMap((node, index) => [
              ...(index === 0 ? [] : ['']),
              ...detailOf(host, node),
            ]),
      )
    })
  addGrant(nodes, host)
}

interface Instance {
  readonly account: string
  readonly region: string
  readonly instanceId: string
}

interface GrantOptions {
  readonly because: string
  readonly ttl: number
  readonly output: OutputForm
}

function addGrant(nodes: CommandSetup['program'], host: Host): void {
  nodes
    .command('grant')
    .summary('let an instance enrol with a new node key, once')
    .description(
      'Vouch for an instance whose first enrolment is overdue, or that has lost its node key: the ' +
        'next node key that shows its document is bound, and one that it replaces is revoked.',
    )
    .argument('<account/region/instance>', 'the instance', instanceArgument)
    .requiredOption('--because <text>', 'why, for the record')
    .addOption(
      new Option('--ttl <duration>', 'how long it may take')
        .argParser(durationArgument)
        .default(3_600_000, '1h'),
    )
    .addOption(outputOption())
    .action(async (instance: Instance, { because, ttl, output }: GrantOptions) => {
      if (ttl < 1_000) throw new CliError('ERR_USAGE', 'expected a --ttl of 1s or more')
      const ttlSeconds = Math.floor(ttl / 1_000)
      const { expiresAtMs } = await withClient(host, (client) =>
        client.grantEnrolment({ ...instance, ttlSeconds, reason: because }),
      )
      const view = { ...instance, expiresAt: isoTime(expiresAtMs) }
      writeResult(host, output, view, () => [
        `${instance.instanceId} may enrol with a new node key until ${shownTime(expiresAtMs)}`,
      ])
    })
}

function instanceArgument(text: string): Instance {
  const [account = '', region = '', instanceId = '', ...rest] = text.split('/')
  if (account !== '' && region !== '' && instanceId !== '' && rest.length === 0) {
    return { account, region, instanceId }
  }
  throw new InvalidArgumentError(
    `expected ACCOUNT/REGION/INSTANCE such as 123456789012/eu-west-1/i-0123456789abcdef0, got ${quote(text)}`,
  )
}

function viewOf(node: Node__Output): object {
  return {
    nodeId: node.nodeId,
    method: node.method,
    nodeKeySha256: node.nodeKeySha256,
    firstSeen: isoTime(node.firstSeenMs),
    lastSeen: isoTime(node.lastSeenMs),
    pendingTime: isoTime(node.pendingTimeMs),
    frozen: node.frozen,
    workloadIds: node.workloadIds,
    attributes: node.attributes.map(attributeView),
  }
}

function stateOf({ frozen }: Node__Output): Cell {
  return frozen ? { text: 'stopped', tone: 'bad' } : { text: 'good', tone: 'good' }
}

function listLines(host: Host, nodes: readonly Node__Output[]): string[] {
  if (nodes.length === 0) return ['no nodes']
  const columns = [
    { title: 'NODE' },
    { title: 'STATE' },
    { title: 'WORKLOADS', align: 'right' as const },
    { title: 'LAST SEEN' },
    { title: 'NODE KEY' },
  ]
  const now = host.clock.now()
  const rows = nodes.map((node): Cell[] => [
    { text: node.nodeId, tone: 'strong' },
    stateOf(node),
    String(node.workloadIds.length),
    relativeTime(node.lastSeenMs, now),
    { text: node.nodeKeySha256, tone: 'dim' },
  ])
  return tableLines(columns, rows, host.stdout.colour)
}

function detailOf(host: Host, node: Node__Output): string[] {
  const { colour } = host.stdout
  const pairs: [string, Cell][] = [
    ['node', { text: node.nodeId, tone: 'strong' }],
    ['state', stateOf(node)],
    ['method', node.method],
    ['node key', node.nodeKeySha256],
    ['first seen', shownTime(node.firstSeenMs)],
    ['last seen', shownTime(node.lastSeenMs)],
    ...(node.pendingTimeMs === 0
      ? []
      : [['started', shownTime(node.pendingTimeMs)] as [string, Cell]]),
    ['workloads', node.workloadIds.join(', ')],
  ]
  const columns = [{ title: 'ATTRIBUTE' }, { title: 'VALUE' }, { title: 'PROVENANCE' }]
  const rows = node.attributes
    .map(attributeView)
    .map(({ key, value, provenance }): Cell[] => [key, value, { text: provenance, tone: 'dim' }])
  return [...pairLines(pairs, colour), '', ...tableLines(columns, rows, colour)]
}
