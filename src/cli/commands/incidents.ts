import type { Incident__Output } from '../../rpc/generated/blazon/v1/Incident.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime, shownTime } from '../moment.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { pairLines, type Cell } from '../table.ts'
import { countArgument, outputOption, withClient, type CommandSetup } from './command.ts'

const defaultLimit = 100
const mostIncidents = 1_000

/** `incidents` and `incidents resolve`: what somebody should look at, and what came of it. */
export function addIncidents({ program, host }: CommandSetup): void {
  const incidents = program
    .command('incidents')
    .summary('show what somebody should look at')
    .description('Show the incidents that are open, those last seen first.')
    .option('--all', 'show resolved ones, too')
    .option('--limit <number>', 'show at most so many', countArgument(mostIncidents), defaultLimit)
    .addOption(outputOption())
    .action(
      async (options: {
        readonly all?: boolean
        readonly limit: number
        readonly output: OutputForm
      }) => {
        const { all = false, limit } = options
        const response = await withClient(host, (client) => client.listIncidents({ all, limit }))
        const view = { incidents: response.incidents.map(viewOf) }
        writeResult(host, options.output, view, () => listLines(host, response.incidents))
      },
    )
  addResolve(incidents, host)
}

interface ResolveOptions {
  readonly because: string
  readonly keep: string
  readonly output: OutputForm
}

function addResolve(incidents: CommandSetup['program'], host: Host): void {
  incidents
    .command('resolve')
    .summary('close an incident')
    .description(
      'Close an incident. Of claimants that were stopped, --keep names the one that may go on; ' +
        'the others never may again, and without --keep none may.',
    )
    .argument('<id>', 'incident id')
    .requiredOption('--because <text>', 'what was found, for the record')
    .option('--keep <key-hash>', 'SHA-256 of the node key that is the real one', '')
    .addOption(outputOption())
    .action(async (incidentId: string, { because, keep, output }: ResolveOptions) => {
      const { incident } = await withClient(host, (client) =>
        client.resolveIncident({ incidentId, resolution: because, keepNodeKeySha256: keep }),
      )
      writeResult(host, output, incident === null ? {} : viewOf(incident), () => [
        `incident ${incidentId} is resolved`,
      ])
    })
}

function viewOf(incident: Incident__Output): object {
  return {
    incidentId: incident.incidentId,
    kind: incident.kind,
    subject: incident.subject,
    summary: incident.summary,
    details: incident.details.map(({ key, value }) => ({ key, value })),
    openedAt: isoTime(incident.openedAtMs),
    lastSeen: isoTime(incident.lastSeenMs),
    times: incident.times,
    resolvedAt: isoTime(incident.resolvedAtMs),
    resolvedBy: incident.resolvedBy === '' ? null : incident.resolvedBy,
    resolution: incident.resolution === '' ? null : incident.resolution,
  }
}

function listLines(host: Host, incidents: readonly Incident__Output[]): string[] {
  if (incidents.length === 0) return ['no incidents']
  return incidents.flatMap((incident, index) => [
    ...(index === 0 ? [] : ['']),
    ...linesOf(host, incident),
  ])
}

function linesOf(host: Host, incident: Incident__Output): string[] {
  const isOpen = incident.resolvedAtMs === 0
  const seen = relativeTime(incident.lastSeenMs, host.clock.now())
  const pairs: [string, Cell][] = [
    ['incident', { text: incident.incidentId, tone: 'strong' }],
    ['kind', { text: incident.kind, tone: isOpen ? 'bad' : 'dim' }],
    ['subject', incident.subject],
    ['what', incident.summary],
    ...incident.details.map(({ key, value }): [string, Cell] => [key, value]),
    ['opened', shownTime(incident.openedAtMs)],
    ['seen', incident.times === 1 ? seen : `${String(incident.times)} times, last ${seen}`],
  ]
  if (!isOpen) {
    pairs.push(
      ['resolved', `${shownTime(incident.resolvedAtMs)} by ${incident.resolvedBy}`],
      ['because', incident.resolution],
    )
  }
  return pairLines(pairs, host.stdout.colour)
}
