import { formatHostPort } from '../../base/env.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime, shownTime } from '../moment.ts'
import { note, writeResult, type OutputForm } from '../output.ts'
import { printable } from '../printable.ts'
import { spiffePath } from '../spiffe-path.ts'
import { pairLines, tableLines, type Cell } from '../table.ts'
import { attributeView, type AttributeView } from '../attribute-view.ts'
import type { Workload__Output } from '../../rpc/generated/blazon/v1/Workload.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'

interface WorkloadView {
  readonly workloadId: string
  readonly name: string
  readonly spiffeId: string
  readonly generation: number
  readonly serial: string
  readonly notAfter: string | null
  readonly revoked: boolean
  readonly watching: boolean
  readonly policyVersion: number
  readonly rejected: string | null
  readonly nodeKeySha256: string
  readonly attributes: readonly AttributeView[]
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
  readonly sidecarVersion: string
}

/** `workloads` and `revoke`: who is in the mesh, and how one of them is put out. */
export function addWorkloads({ program, host }: CommandSetup): void {
  program
    .command('workloads')
    .summary('show workloads and their attributes')
    .description('Show the workloads of the mesh; with a match, each with all its attributes.')
    .argument('[match]', 'workload name, id or SPIFFE ID')
    .addOption(outputOption())
    .action(async (match: string | undefined, options: { readonly output: OutputForm }) => {
      const request = { match: match ?? '' }
      const response = await withClient(host, (client) => client.listWorkloads(request))
      if (match !== undefined && response.workloads.length === 0) {
        throw new CliError('ERR_NOT_FOUND', `there is no workload ${match}`, {
          hints: ['`blazon workloads` lists them'],
        })
      }
      const workloads = response.workloads.map(viewOf)
      writeResult(host, options.output, { workloads }, () =>
        match === undefined ? listLines(host, workloads) : detailLines(host, workloads),
      )
    })
  addRevoke(program, host)
}

interface RevokeOptions {
  readonly reason: string
  readonly refuseRenewal?: boolean
  readonly reinstate?: boolean
  readonly output: OutputForm
}

function addRevoke(program: CommandSetup['program'], host: Host): void {
  program
    .command('revoke')
    .summary('make every certificate of a workload worthless, at once')
    .description(
      'Make every certificate that a workload has worthless: its streams are cut at once. It may ' +
        'enrol again, unless --refuse-renewal keeps it out until --reinstate.',
    )
    .argument('<workload>', 'workload name, id or SPIFFE ID')
    .option('--reason <text>', 'why, for the record', '')
    .option('--refuse-renewal', 'refuse it new certificates, too')
    .option('--reinstate', 'take back an earlier --refuse-renewal')
    .addOption(outputOption())
    .action(async (workload: string, options: RevokeOptions) => {
      const { reason, refuseRenewal = false, reinstate = false } = options
      if (refuseRenewal && reinstate) {
        throw new CliError('ERR_USAGE', 'expected only one of --refuse-renewal and --reinstate')
      }
      const result = await withClient(host, (client) =>
        client.revokeWorkload({ workload, reason, refuseRenewal, reinstate }),
      )
      if (!refuseRenewal && !reinstate) {
        note(host, 'note: it may renew; --refuse-renewal keeps it out')
      }
      const { workloadId, lowestGoodGeneration, notified } = result
      writeResult(
        host,
        options.output,
        { workloadId, lowestGoodGeneration, notified, refuseRenewal, reinstated: reinstate },
        () => [
          reinstate
            ? `${printable(workload)} may have certificates again`
            : `revoked ${printable(workload)} below generation ${String(lowestGoodGeneration)}, ${String(notified)} sidecars told`,
        ],
      )
    })
}

function viewOf(workload: Workload__Output): WorkloadView {
  return {
    workloadId: workload.workloadId,
    name: workload.name,
    spiffeId: workload.spiffeId,
    generation: workload.generation,
    serial: workload.serial,
    notAfter: isoTime(workload.notAfterMs),
    revoked: workload.revoked,
    watching: workload.watching,
    policyVersion: workload.policyVersion,
    rejected: workload.rejected === '' ? null : workload.rejected,
    nodeKeySha256: workload.nodeKeySha256,
    attributes: workload.attributes.map(attributeView),
    listeners: workload.listeners.map(({ address, port }) => ({ address, port })),
    sidecarVersion: workload.sidecarVersion,
  }
}

function stateOf(workload: WorkloadView, now: number): Cell {
  if (workload.revoked) return { text: 'revoked', tone: 'bad' }
  if (workload.notAfter === null || Date.parse(workload.notAfter) <= now) {
    return { text: 'expired', tone: 'warn' }
  }
  if (workload.rejected !== null) return { text: 'policy rejected', tone: 'bad' }
  return workload.watching ? { text: 'connected', tone: 'good' } : { text: 'away', tone: 'warn' }
}

function listLines(host: Host, workloads: readonly WorkloadView[]): string[] {
  if (workloads.length === 0) return ['no workloads']
  const columns = [
    { title: 'NAME' },
    { title: 'STATE' },
    { title: 'SPIFFE ID' },
    { title: 'CERTIFICATE ENDS' },
    { title: 'POLICY', align: 'right' as const },
    { title: 'WORKLOAD ID' },
  ]
  const now = host.clock.now()
  const rows = workloads.map((workload): Cell[] => [
    { text: workload.name, tone: 'strong' },
    stateOf(workload, now),
    spiffePath(workload.spiffeId),
    workload.notAfter === null ? '-' : relativeTime(Date.parse(workload.notAfter), now),
    String(workload.policyVersion),
    { text: workload.workloadId, tone: 'dim' },
  ])
  return tableLines(columns, rows, host.stdout.colour)
}

function detailLines(host: Host, workloads: readonly WorkloadView[]): string[] {
  return workloads.flatMap((workload, index) => [
    ...(index === 0 ? [] : ['']),
    ...detailOf(host, workload),
  ])
}

function detailOf(host: Host, workload: WorkloadView): string[] {
  const { colour } = host.stdout
  const now = host.clock.now()
  const ends = workload.notAfter === null ? 0 : Date.parse(workload.notAfter)
  const pairs: [string, Cell][] = [
    ['name', { text: workload.name, tone: 'strong' }],
    ['state', stateOf(workload, now)],
    ['spiffe id', workload.spiffeId],
    ['workload id', workload.workloadId],
    ['generation', String(workload.generation)],
    ['certificate', `${workload.serial}, ends ${shownTime(ends)} (${relativeTime(ends, now)})`],
    ['node key', workload.nodeKeySha256],
    ['policy', `version ${String(workload.policyVersion)} acknowledged`],
    ...(workload.rejected === null
      ? []
      : [['rejected', { text: workload.rejected, tone: 'bad' }] as [string, Cell]]),
    [
      'listens on',
      workload.listeners
        .map(({ address, port }) => formatHostPort({ host: address, port }))
        .join(', '),
    ],
    ['sidecar', workload.sidecarVersion],
  ]
  const columns = [{ title: 'ATTRIBUTE' }, { title: 'VALUE' }, { title: 'PROVENANCE' }]
  const rows = workload.attributes.map(({ key, value, provenance }): Cell[] => [
    key,
    value,
    { text: provenance, tone: provenance === 'claimed' ? 'warn' : 'dim' },
  ])
  return [...pairLines(pairs, colour), '', ...tableLines(columns, rows, colour)]
}
