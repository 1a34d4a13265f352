import { ParseError } from '@marcbachmann/cel-js'
import { quote } from '../base/errors.ts'
import { isAtLeast } from '../identity/attributes.ts'
import type { TrustProfile } from '../identity/profile.ts'
import { checkExpression, type ConditionProblem, type Dependencies } from './condition-check.ts'
import {
  conditionLimits,
  parseExpression,
  type AttributeView,
  type ConditionContext,
} from './condition-language.ts'
import { portNumber, type Port } from './port.ts'
import { defaultNeed } from './selector.ts'

/** A `when` that passed all checks, ready to be asked. */
export interface Condition extends Dependencies {
  readonly text: string
  /** The library's answer; it throws for *unknown*. */
  readonly run: (context: ConditionContext) => unknown
}

/** Three-valued: undefined is *unknown* (POLICY, "Three-valued conditions"). */
export type Truth = boolean | undefined

/** Whether the answer can change with time alone. */
export function readsNow({ instants, asksClock }: Dependencies): boolean {
  return asksClock || instants.length > 0
}

const minuteMs = 60_000

/** The first moment after `now` at which the answer may be another; `Infinity` if there is none. */
export function conditionDeadline({ instants, asksClock }: Dependencies, now: number): number {
  const instant = instants.find((moment) => moment > now) ?? Infinity
  return asksClock ? Math.min(instant, (Math.floor(now / minuteMs) + 1) * minuteMs) : instant
}

/** What conditions see of a profile: what selectors see that name no provenance. */
export function attributeView({ entries }: TrustProfile): AttributeView {
  const view = new Map<string, readonly string[]>()
  for (const [key, { provenance, values }] of entries) {
    if (isAtLeast(provenance, defaultNeed)) view.set(key, values)
  }
  return view
}

/** Asks a condition. An error of any sort, or an answer that is not a truth value, is *unknown*. */
export function askCondition(
  { run }: Condition,
  from: AttributeView,
  to: AttributeView,
  port: Port,
  now: number,
): Truth {
  try {
    const answer = run({ from, to, port: BigInt(portNumber(port)), now: new Date(now) })
    return typeof answer === 'boolean' ? answer : undefined
  } catch {
    // Absent keys arrive here, and what cannot be foreseen: none of them is an answer.
    return undefined
  }
}

const remembered = new Map<string, Condition>()
const mostRemembered = 4_096

/** The condition of a text that was accepted before; throws where it would not be. */
export function conditionOf(text: string): Condition {
  const known = remembered.get(text)
  if (known !== undefined) return known
  const compiled = compileCondition(text)
  if (!('condition' in compiled)) {
    throw new Error(`BUG: a condition was accepted that does not compile: ${quote(text)}`)
  }
  if (remembered.size >= mostRemembered) remembered.clear()
  remembered.set(text, compiled.condition)
  return compiled.condition
}

/** Compiles an expression, or says everything that is wrong with it. */
export function compileCondition(
  text: string,
): { readonly condition: Condition } | { readonly problems: readonly ConditionProblem[] } {
  const most = conditionLimits.length
  if (text.length > most) {
    return { problems: [{ at: 0, message: `longer than ${String(most)} characters` }] }
  }
  try {
    const parsed = parseExpression(text)
    const { problems, dependencies } = checkExpression(parsed.ast)
    if (problems.length > 0) return { problems }
    const wrong = wrongType(parsed.check())
    if (wrong !== undefined) return { problems: [wrong] }
    return {
      condition: { text, ...dependencies, run: (context): unknown => parsed({ ...context }) },
    }
  } catch (error: unknown) {
    if (!(error instanceof ParseError)) throw error
    return { problems: [problemOf(error)] }
  }
}

function wrongType({
  valid,
  type,
  error,
}: ReturnType<ReturnType<typeof parseExpression>['check']>): ConditionProblem | undefined {
  if (!valid) return error === undefined ? { at: 0, message: 'not valid' } : problemOf(error)
  if (type === 'bool') return undefined
  return {
    at: 0,
    message: `expected a condition that is true or false, got one that is ${String(type)}`,
  }
}

/** The library's complaint in our form: one line, lower case, printable, not endless. */
function problemOf(error: {
  readonly summary: string
  readonly range?: { readonly start: number }
}): ConditionProblem {
  const line = error.summary.split('\n', 1)[0] ?? ''
  const shown = (line.charAt(0).toLowerCase() + line.slice(1, 200)).replace(/[\p{C}]/gu, '?')
  return { at: error.range?.start ?? 0, message: `not valid CEL: ${shown}` }
}
