import { Environment, type ASTNode, type ParseResult } from '@marcbachmann/cel-js'

/** The attributes of one end as a condition sees them: key to values, without what is only claimed. */
export type AttributeView = ReadonlyMap<string, readonly string[]>

/** What an expression is evaluated over. */
export interface ConditionContext {
  readonly from: AttributeView
  readonly to: AttributeView
  readonly port: bigint
  readonly now: Date
}

/** Bounds of one expression; all are checked before it is ever evaluated. */
export const conditionLimits = {
  /** Characters. */
  length: 2_048,
  /** Operators, names and literals. */
  nodes: 256,
  /** Levels of nesting. */
  depth: 24,
  /** Entries of a list literal. */
  listEntries: 64,
  /** `exists` and `all`; never one inside another. */
  loops: 8,
} as const

/** The helpers over attributes, with how they are called. */
export const conditionHelpers = {
  one: "one(from, 'key')",
  any: "any(from, 'key', 'value')",
  same: "same('key')",
  num: "num(from, 'key')",
} as const

/**
 * Thrown instead of an answer: CEL carries errors through `&&`, `||` and `!` exactly as *unknown* has
 * to travel. It is one object, because an error with a stack costs thirty evaluations.
 */
const unknown = new Error('unknown')

const attributes = 'map<string, list<string>>'

const environment = new Environment({
  limits: {
    maxAstNodes: conditionLimits.nodes,
    maxDepth: conditionLimits.depth,
    maxListElements: conditionLimits.listEntries,
    maxMapEntries: 1,
    maxCallArguments: 4,
  },
})
  .registerVariable('from', attributes)
  .registerVariable('to', attributes)
  .registerVariable('port', 'int')
  .registerVariable('now', 'google.protobuf.Timestamp')
  .registerFunction(`one(${attributes}, string): string`, one)
  .registerFunction(`any(${attributes}, string, string): bool`, any)
  .registerFunction(`num(${attributes}, string): double`, num)
  .registerFunction('same(ast): dyn', sameMacro)
  .registerOperator('double == int', (a: number, b: bigint) => a === Number(b))

/** Parses an expression; throws the library's `ParseError`. */
export function parseExpression(text: string): ParseResult {
  return environment.parse(text)
}

function one(view: AttributeView, key: string): string {
  const [value, ...others] = view.get(key) ?? []
  if (value === undefined || others.length > 0) throw unknown
  return value
}

function any(view: AttributeView, key: string, value: string): boolean {
  const values = view.get(key)
  if (values === undefined) throw unknown
  return values.includes(value)
}

const decimal = /^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$/

function num(view: AttributeView, key: string): number {
  const value = one(view, key)
  if (!decimal.test(value)) throw unknown
  return Number(value)
}

function same(from: AttributeView, to: AttributeView, key: string): boolean {
  const [ours, theirs] = [from.get(key), to.get(key)]
  if (ours === undefined || theirs === undefined) throw unknown
  // Both are sorted and unique.
  return ours.length === theirs.length && ours.every((value, at) => value === theirs[at])
}

/** What the library hands to a macro; its types leave macros open. */
interface MacroCall {
  readonly args: readonly ASTNode[]
}

interface Names {
  getValue(name: string): unknown
}

/** `same(k)` names no side, so it is a macro: only those reach the variables by themselves. */
function sameMacro({ args }: MacroCall): object {
  const literal = args[0]?.args
  // Anything else is refused before it is evaluated.
  const key = typeof literal === 'string' ? literal : ''
  return {
    typeCheck: (checker: { getType(name: string): unknown }) => checker.getType('bool'),
    evaluate: (_evaluator: unknown, _macro: unknown, names: Names) =>
      same(names.getValue('from') as AttributeView, names.getValue('to') as AttributeView, key),
    async: false,
  }
}
