import { countedSeconds, datagramSets } from './datagram-rules.ts'
import { datagramLimits } from '../base/datagram-table.ts'
import { egressCapture, egressFilter } from './egress-rules.ts'
import { ingressCapture, ingressFilter } from './ingress-rules.ts'
import type { ResolvedOptions } from './options.ts'
import {
  connectionMark,
  filterPriority,
  tableName,
  type Chain,
  type Rule,
  type RuleSet,
  type ValueSet,
} from './rule.ts'

/** The rules for one workload's network namespace: everything that they do not name is refused. */
export function buildRuleSet(options: ResolvedOptions): RuleSet {
  const chains = [
    egressCapture(options),
    egressFilter(options),
    ingressCapture(options),
    ingressFilter(options),
  ]
  const counters = chains
    .flatMap(({ rules }) => rules)
    .map(({ counter }) => counter)
    .filter((counter) => counter !== undefined)
  const sets = options.datagrams ? datagramSets : []
  return { sets, counters: [...new Set(counters)], chains }
}

const refusing = (name: string, hook: Chain['hook']): Chain => ({
  ...{ name, hook, type: 'filter', priority: filterPriority, policy: 'drop' },
  rules: [],
})

/** The rules that are left where others cannot be relied on: nothing goes out or in, loopback included. */
export const refuseEverything: RuleSet = {
  sets: [],
  counters: [],
  chains: [refusing('egress', 'output'), refusing('ingress', 'input')],
}

/**
 * The input of `nft -f -`: one transaction that puts this table in the place of an earlier one, so
 * that there is no moment without rules.
 */
export function ruleSetText({ sets, counters, chains }: RuleSet): string {
  return [
    removalText,
    `table inet ${tableName} {`,
    ...counters.map((counter) => `  counter ${counter} { }`),
    ...sets.map(setText),
    ...chains.flatMap(chainLines),
    '}',
    '',
  ].join('\n')
}

/** Deletes the table whether it is there or not: adding it first is how nft is told not to mind. */
export const removalText: string = [
  `table inet ${tableName}`,
  `delete table inet ${tableName}`,
  '',
].join('\n')

function setText({ name, type, kind }: ValueSet): string {
  const counted = `flags dynamic,timeout; timeout ${String(countedSeconds)}s; size ${String(datagramLimits.counted)};`
  return `  set ${name} { type ${type}; ${kind === 'filled' ? 'flags interval,timeout;' : counted} }`
}

function chainLines({ name, type, hook, priority, policy, rules }: Chain): string[] {
  return [
    `  chain ${name} {`,
    `    type ${type} hook ${hook} priority ${String(priority)}; policy ${policy};`,
    ...rules.map((rule) => `    ${ruleText(rule)}`),
    '  }',
  ]
}

function ruleText(rule: Rule): string {
  return [
    ...rule.matches,
    ...(rule.marks === true ? [`ct mark set ${String(connectionMark)}`] : []),
    ...(rule.counter === undefined ? [] : [`counter name ${rule.counter}`]),
    outcomeText(rule),
    `comment "${rule.name}"`,
  ].join(' ')
}

function outcomeText({ outcome }: Rule): string {
  switch (outcome.kind) {
    case 'redirect':
      return `redirect to :${String(outcome.port)}`
    case 'reset':
      return 'reject with tcp reset'
    case 'prohibit':
      return 'reject with icmpx type admin-prohibited'
    case 'count':
      return `update @${outcome.set} { ${outcome.key} counter }`
    case 'accept':
    case 'drop':
    case 'return':
      return outcome.kind
  }
}
