import { isDeepStrictEqual } from 'node:util'
import { quote } from '../base/errors.ts'
import { connectionMark, tableName, type Chain, type Rule, type RuleSet } from './rule.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What the kernel's own list (`nft -j list table`) lacks of these rules, has beyond them, or has in
 * another order; empty where the list says what was meant.
 */
export function differences(wanted: RuleSet, listing: unknown): string[] {
  const objects = objectsOf(listing)
  const table = objects.find((one) => isJson(one['table']))?.['table']
  if (!isJson(table)) return [`no table ${tableName}`]
  // A dormant table is listed like any other, and does nothing.
  const dormant = table['flags'] === undefined ? [] : [`table ${tableName}: has flags`]
  const chains = partsOf(objects, 'chain')
  const rules = partsOf(objects, 'rule')
  const unknown = chains
    .map(({ name }) => String(name))
    .filter((name) => !wanted.chains.some((chain) => chain.name === name))
    .map((name) => `chain ${quote(name)}: not one of ours`)
  return [
    ...dormant,
    ...unknown,
    ...wanted.chains.flatMap((chain) => chainDifferences(chain, chains, rules)),
  ]
}

function chainDifferences(
  wanted: Chain,
  chains: readonly Json[],
  rules: readonly Json[],
): string[] {
  const { name, type, hook, priority, policy } = wanted
  const listed = chains.find((chain) => chain['name'] === name)
  if (listed === undefined) return [`chain ${name}: missing`]
  const isPlaced =
    listed['type'] === type &&
    listed['hook'] === hook &&
    listed['prio'] === priority &&
    listed['policy'] === policy
  const inChain = rules.filter((rule) => rule['chain'] === name)
  const surplus = inChain.length - wanted.rules.length
  return [
    ...(isPlaced ? [] : [`chain ${name}: not at ${hook}, priority ${String(priority)}, ${policy}`]),
    ...(surplus > 0 ? [`chain ${name}: ${String(surplus)} rules more than expected`] : []),
    ...wanted.rules
      .filter((rule, index) => !isRule(rule, inChain[index]))
      .map((rule) => `chain ${name}: rule ${quote(rule.name)} is missing or altered`),
  ]
}

/**
 * Every version of nft words expressions its own way, so matches are counted; what decides (marks,
 * counter, outcome) is compared.
 */
function isRule(wanted: Rule, listed: Json | undefined): boolean {
  const statements = listed?.['expr']
  if (listed?.['comment'] !== wanted.name || !Array.isArray(statements)) return false
  const matches = statements.filter((one) => isJson(one) && isJson(one['match'])).length
  const others = statements.slice(matches).map(withoutKey)
  return matches === wanted.matches.length && isDeepStrictEqual(others, statementsOf(wanted))
}

/** A statement that counts values; the value itself is an expression as those of matches are. */
function withoutKey(statement: unknown): unknown {
  const counting = isJson(statement) ? statement['set'] : undefined
  return isJson(counting) ? { set: { op: counting['op'], set: counting['set'] } } : statement
}

function statementsOf({ marks, counter, outcome }: Rule): Json[] {
  return [
    ...(marks === true
      ? [{ mangle: { key: { ct: { key: 'mark' } }, value: connectionMark } }]
      : []),
    ...(counter === undefined ? [] : [{ counter }]),
    outcomeStatement(outcome),
  ]
}

function outcomeStatement(outcome: Rule['outcome']): Json {
  switch (outcome.kind) {
    case 'redirect':
      return { redirect: { port: outcome.port } }
    case 'reset':
      return { reject: { type: 'tcp reset' } }
    case 'prohibit':
      return { reject: { type: 'icmpx', expr: 'admin-prohibited' } }
    case 'count':
      return { set: { op: 'update', set: `@${outcome.set}` } }
    case 'accept':
    case 'drop':
    case 'return':
      return { [outcome.kind]: null }
  }
}

function objectsOf(listing: unknown): Json[] {
  const objects = isJson(listing) ? listing['nftables'] : undefined
  return Array.isArray(objects) ? objects.filter(isJson) : []
}

function partsOf(objects: readonly Json[], kind: 'chain' | 'rule'): Json[] {
  return objects.map((one) => one[kind]).filter(isJson)
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
