import {
  addressRules,
  knownConnections,
  networkUpkeep,
  opensConnection,
  refusals,
} from './common-rules.ts'
import { receivedDatagrams } from './datagram-rules.ts'
import type { ResolvedOptions } from './options.ts'
import { anyOf, filterPriority, natPriority, type Chain, type Rule } from './rule.ts'

const fromHere = 'iifname "lo"'

/** Sends every new connection from outside to the sidecar. */
export function ingressCapture(options: ResolvedOptions): Chain {
  const { egressPort, ingressPort } = options
  const untouched = (name: string, ...matches: readonly string[]): Rule => ({
    name,
    matches,
    outcome: { kind: 'return' },
  })
  return {
    name: 'ingress_capture',
    type: 'nat',
    hook: 'prerouting',
    priority: natPriority,
    policy: 'accept',
    rules: [
      untouched('within this machine', fromHere),
      // Not redirected, these are refused further on.
      untouched('the sidecar dialled directly', `tcp dport ${anyOf([egressPort, ingressPort])}`),
      ...addressRules(options.excludeCidrs, 'saddr', untouched('excluded networks')),
      ...excludedPorts(options, { outcome: { kind: 'return' } }),
      {
        name: 'capture',
        // What is only forwarded belongs to another network namespace, with rules of its own.
        matches: [opensConnection, 'fib daddr type local'],
        outcome: { kind: 'redirect', port: ingressPort },
      },
    ],
  }
}

/** Lets in what was captured, answers, and little else. */
export function ingressFilter(options: ResolvedOptions): Chain {
  return {
    name: 'ingress',
    type: 'filter',
    hook: 'input',
    priority: filterPriority,
    policy: 'drop',
    rules: [
      { name: 'within this machine', matches: [fromHere], outcome: { kind: 'accept' } },
      {
        name: 'captured',
        matches: [`tcp dport ${String(options.ingressPort)}`, 'ct status dnat', opensConnection],
        marks: true,
        outcome: { kind: 'accept' },
      },
      ...(options.datagrams ? receivedDatagrams : []),
      knownConnections,
      ...addressRules(options.excludeCidrs, 'saddr', {
        name: 'excluded networks',
        marks: true,
        outcome: { kind: 'accept' },
      }),
      ...excludedPorts(options, { marks: true, outcome: { kind: 'accept' } }),
      ...networkUpkeep,
      // In silence: a stranger is owed no answer.
      ...refusals('in', () => ({ kind: 'drop' })),
    ],
  }
}

function excludedPorts(
  { excludePorts }: ResolvedOptions,
  rule: Pick<Rule, 'marks' | 'outcome'>,
): Rule[] {
  if (excludePorts.length === 0) return []
  return [{ name: 'excluded ports', matches: [`tcp dport ${anyOf(excludePorts)}`], ...rule }]
}
