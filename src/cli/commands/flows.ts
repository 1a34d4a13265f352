import { Option } from 'commander'
import { CliError } from '../failure.ts'
import { flowColumns, flowRow, flowView } from '../flow-view.ts'
import type { AdminClient } from '../client.ts'
import type { Host } from '../host.ts'
import { shownDuration } from '../moment.ts'
import { encodeNext, joinLines, note, writeResult, type OutputForm } from '../output.ts'
import { tableLines } from '../table.ts'
import {
  countArgument,
  durationArgument,
  outputOption,
  withClient,
  type CommandSetup,
} from './command.ts'

interface FlowOptions {
  readonly since?: number
  readonly workload?: string
  readonly verdict?: 'allow' | 'deny'
  readonly limit?: number
  readonly follow?: boolean
  readonly output: OutputForm
}

const defaultSinceMs = 3_600_000
const defaultLimit = 1_000
const mostFlows = 10_000

/** `flows`: what was allowed and denied, with both ends' verdicts. */
export function addFlows({ program, host }: CommandSetup): void {
  program
    .command('flows')
    .summary('show connections and their verdicts')
    .description(
      'Show connections, with the verdict of each end. With --follow, new ones as they are reported, until interrupted; ' +
        '-o json then writes one object a line.',
    )
    .option('--since <duration>', 'how far to look back (default: 1h)', durationArgument)
    .option(
      '--workload <workload>',
      'only where either end is this workload: name, id or SPIFFE ID',
    )
    .addOption(new Option('--verdict <verdict>', 'only these').choices(['allow', 'deny']))
    .option(
      '--limit <number>',
      `most flows to show (default: ${String(defaultLimit)})`,
      countArgument(mostFlows),
    )
    .option('--follow', 'show new flows as they come')
    .addOption(outputOption())
    .action(async (options: FlowOptions) => {
      if (options.follow === true && (options.since ?? options.limit) !== undefined) {
        throw new CliError(
          'ERR_USAGE',
          '--follow shows new flows only: expected no --since and no --limit',
        )
      }
      await withClient(host, (client) =>
        options.follow === true ? follow(host, client, options) : list(host, client, options),
      )
    })
}

async function list(host: Host, client: AdminClient, options: FlowOptions): Promise<void> {
  const sinceMs = options.since ?? defaultSinceMs
  const limit = options.limit ?? defaultLimit
  const { flows, lost } = await client.listFlows({
    ...filterOf(options),
    sinceMs: host.clock.now() - sinceMs,
    limit,
  })
  const views = flows.map(flowView)
  if (lost > 0) note(host, `warning: sidecars had to drop ${String(lost)} records of this time`)
  if (flows.length === limit)
    note(host, `note: the first ${String(limit)} flows; --limit shows more`)
  writeResult(host, options.output, { flows: views, lost }, () =>
    views.length === 0
      ? [`no flows in the last ${shownDuration(sinceMs)}`]
      : tableLines(tight, views.map(flowRow), host.stdout.colour),
  )
}

/** Where all rows are known, the columns are as wide as they need. */
const tight = flowColumns.map(({ title, align }) =>
  align === undefined ? { title } : { title, align },
)

async function follow(host: Host, client: AdminClient, options: FlowOptions): Promise<void> {
  const { output } = options
  const { colour } = host.stdout
  if (output === 'table') host.stdout.write(joinLines(tableLines(flowColumns, [], colour)))
  for await (const flow of client.followFlows(filterOf(options), host.signal)) {
    const view = flowView(flow)
    host.stdout.write(
      output === 'table'
        ? joinLines(tableLines(flowColumns, [flowRow(view)], colour).slice(1))
        : encodeNext(view, output),
    )
  }
  // Only the user ends a --follow; the controller ends it at the credential's expiry or when it stops.
  if (!host.signal.aborted) {
    throw new CliError('ERR_UNREACHABLE', 'the controller ended the stream', {
      hints: ['run the same command again'],
    })
  }
}

function filterOf(options: FlowOptions): {
  workload: string
  verdict: 'ALLOW' | 'DENY' | 'VERDICT_UNSPECIFIED'
} {
  const verdicts = { allow: 'ALLOW', deny: 'DENY' } as const
  return {
    workload: options.workload ?? '',
    verdict: options.verdict === undefined ? 'VERDICT_UNSPECIFIED' : verdicts[options.verdict],
  }
}
