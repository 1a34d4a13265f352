import { parseEnd, type End } from '../attribute-set.ts'
import { integer, type Parse } from '../../base/env.ts'
import { parsePort, type Port } from '../../policy/port.ts'
import type { Host } from '../host.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { printable } from '../printable.ts'
import { paint, tableLines, type Cell } from '../table.ts'
import { toWireAttributes } from '../../identity/wire.ts'
import type { ExplainEnd } from '../../rpc/generated/blazon/v1/ExplainEnd.ts'
import type { ExplainResponse__Output } from '../../rpc/generated/blazon/v1/ExplainResponse.ts'
import { argument, outputOption, withClient, type CommandSetup } from './command.ts'

interface ExplainOptions {
  readonly port: number
  readonly exitCode?: boolean
  readonly output: OutputForm
}

interface ExplainView {
  readonly verdict: string
  readonly reason: string
  readonly policy: string | null
  readonly encryption: string
  readonly policies: readonly {
    readonly name: string
    readonly action: string
    readonly matched: boolean
    readonly because: string
  }[]
  readonly nearestMiss: string | null
}

/** `explain`: why a connection is, or would be, allowed or denied. */
export function addExplain({ program, host, finish }: CommandSetup): void {
  const endText = 'workload name, id or SPIFFE ID, external:NAME, or key=value,... to try out'
  program
    .command('explain')
    .summary('say why a connection is allowed or denied')
    .description(
      'Say why a connection is, or would be, allowed or denied. external:NAME is an external service, ' +
        'at one end. In key=value,... a key may ask for ' +
        'another provenance (key@observed=value), and a comma inside a value is written \\,.',
    )
    .argument('<from>', endText, argument(parseEnd))
    .argument('<to>', endText, argument(parseEnd))
    .requiredOption('--port <number>', 'destination port: 443, udp/53 or icmp', argument(anyPort))
    .option('--exit-code', 'exit with 1 when the verdict is deny')
    .addOption(outputOption())
    .action(async (from: End, to: End, options: ExplainOptions) => {
      const request = { from: wireEnd(from), to: wireEnd(to), port: options.port }
      const view = viewOf(await withClient(host, (client) => client.explain(request)))
      writeResult(host, options.output, view, () => linesOf(host, view))
      if (options.exitCode === true && view.verdict !== 'allow') finish(1)
    })
}

const anyPort: Parse<Port> = (text) => parsePort(text) ?? integer(1, 65_535)(text)

function wireEnd(end: End): ExplainEnd {
  switch (end.kind) {
    case 'workload':
      return { workload: end.workload }
    case 'external':
      return { external: end.external }
    case 'attributes':
      return { attributes: { attributes: toWireAttributes(end.attributes) } }
    default:
      return end satisfies never
  }
}

function viewOf(response: ExplainResponse__Output): ExplainView {
  return {
    verdict: response.verdict.toLowerCase(),
    reason: response.reason,
    policy: response.policy === '' ? null : response.policy,
    encryption: response.encryption.toLowerCase(),
    policies: response.policies.map(({ name, action, matched, because }) => ({
      name,
      action,
      matched,
      because,
    })),
    nearestMiss: response.nearestMiss === '' ? null : response.nearestMiss,
  }
}

function linesOf(host: Host, view: ExplainView): string[] {
  const { colour } = host.stdout
  const allowed = view.verdict === 'allow'
  const verdict = paint(printable(view.verdict), allowed ? 'good' : 'bad', colour)
  const by = view.policy === null ? '' : ` (${printable(view.policy)})`
  const lines = [`${verdict}: ${printable(view.reason)}${by}`]
  if (allowed) lines.push(`encryption: ${printable(view.encryption)}`)
  if (view.policies.length > 0) lines.push('', ...policyLines(view, colour))
  if (view.nearestMiss !== null) lines.push('', `nearest miss: ${printable(view.nearestMiss)}`)
  return lines
}

function policyLines(view: ExplainView, colour: boolean): string[] {
  const columns = [
    { title: 'POLICY' },
    { title: 'ACTION' },
    { title: 'MATCHED' },
    { title: 'BECAUSE' },
  ]
  const rows = view.policies.map(({ name, action, matched, because }): Cell[] => [
    name,
    { text: action, tone: action === 'deny' ? 'bad' : 'good' },
    matched ? 'yes' : { text: 'no', tone: 'dim' },
    because,
  ])
  return tableLines(columns, rows, colour)
}
