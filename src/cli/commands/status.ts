import type { Host } from '../host.ts'
import { isoTime, relativeTime, shownDuration } from '../moment.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { pairLines, tableLines, type Cell } from '../table.ts'
import type { StatusResponse__Output } from '../../rpc/generated/blazon/v1/StatusResponse.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'

/** Beyond this, certificates and flow times begin to mislead. */
const skewWarningMs = 60_000

/** `status`: the controller at a glance. */
export function addStatus({ program, host }: CommandSetup): void {
  program
    .command('status')
    .summary('show the state of the controller')
    .description('Show the state of the controller.')
    .addOption(outputOption())
    .action(async (options: { readonly output: OutputForm }) => {
      const status = await withClient(host, (client) => client.status())
      writeResult(host, options.output, viewOf(status), () => linesOf(host, status))
    })
}

function viewOf(status: StatusResponse__Output): object {
  return {
    version: status.version,
    trustDomain: status.trustDomain,
    startedAt: isoTime(status.startedAtMs),
    controllerTime: isoTime(status.controllerTimeMs),
    policyVersion: status.policyVersion,
    documents: status.documents,
    workloads: status.workloads,
    watching: status.watching,
    issuers: status.issuers.map(({ keySha256, state, notAfterMs }) => ({
      keySha256,
      state: state.toLowerCase(),
      notAfter: isoTime(notAfterMs),
    })),
  }
}

function linesOf(host: Host, status: StatusResponse__Output): string[] {
  const { colour } = host.stdout
  const now = host.clock.now()
  const skewMs = Math.abs(status.controllerTimeMs - now)
  const pairs: [string, Cell][] = [
    ['trust domain', { text: status.trustDomain, tone: 'strong' }],
    ['version', status.version],
    ['running for', shownDuration(status.controllerTimeMs - status.startedAtMs)],
    ['policy version', String(status.policyVersion)],
    ['documents', String(status.documents)],
    ['workloads', `${String(status.workloads)}, ${String(status.watching)} connected`],
  ]
  if (skewMs > skewWarningMs) {
    pairs.push(['clock', { text: `differs from ours by ${shownDuration(skewMs)}`, tone: 'warn' }])
  }
  const columns = [{ title: 'ISSUER' }, { title: 'STATE' }, { title: 'ENDS' }]
  const rows = status.issuers.map(({ keySha256, state, notAfterMs }): Cell[] => [
    keySha256,
    { text: state.toLowerCase(), tone: state === 'TAINTED' ? 'bad' : 'good' },
    relativeTime(notAfterMs, status.controllerTimeMs),
  ])
  return [...pairLines(pairs, colour), '', ...tableLines(columns, rows, colour)]
}
