import { quote } from '../base/errors.ts'
import type { Clause } from './clause-words.ts'
import type { DecisionDocument } from './compiled-policy.ts'
import {
  askCondition,
  attributeView,
  conditionOf,
  type Condition,
  type Truth,
} from './condition.ts'
import type { KeyRead } from './condition-check.ts'
import type { Question } from './verdict.ts'

/** A document's condition with the answer to one question. */
interface Answered {
  readonly condition: Condition
  readonly truth: Truth
  /** Whether *unknown* counts as met: it always falls on the strict side. */
  readonly isStrict: boolean
}

function answer(document: DecisionDocument, question: Question): Answered | undefined {
  if (document.kind === 'Observe' || document.spec.when === undefined) return undefined
  const condition = conditionOf(document.spec.when)
  const { from, to, port, now } = question
  const truth = askCondition(condition, attributeView(from), attributeView(to), port, now)
  const isStrict = document.kind === 'Guardrail' || document.spec.action === 'deny'
  return { condition, truth, isStrict }
}

/** Whether a document's condition lets it match; undefined where it has none. */
export function meetsCondition(
  document: DecisionDocument,
  question: Question,
): boolean | undefined {
  const answered = answer(document, question)
  return answered === undefined ? undefined : (answered.truth ?? answered.isStrict)
}

/** The clause of `when`: its value, or why it is unknown and what that means here. */
export function conditionClause(document: DecisionDocument, question: Question): Clause[] {
  const answered = answer(document, question)
  if (answered === undefined) return []
  const { condition, truth, isStrict } = answered
  const text = quote(condition.text)
  const field = 'when'
  if (truth === true) {
    return [{ field, matched: true, words: `the condition ${text} is true`, misses: [] }]
  }
  const fact =
    truth === false
      ? `${text} is false`
      : `${text} is unknown because ${whyUnknown(condition, question)}`
  if (truth === undefined && isStrict) {
    const what = document.kind === 'Guardrail' ? 'guardrail' : 'deny'
    const words = `the condition ${fact}, which a ${what} takes as met`
    return [{ field, matched: true, words, misses: [] }]
  }
  const misses = [{ wish: 'its condition were true', fact }]
  return [{ field, matched: false, words: `the condition ${fact}`, misses }]
}

/** Why the condition of a document is unknown, in words; undefined where it is not. */
export function unknownCondition(
  document: DecisionDocument,
  question: Question,
): string | undefined {
  const answered = answer(document, question)
  if (answered === undefined || answered.truth !== undefined) return undefined
  return whyUnknown(answered.condition, question)
}

function whyUnknown({ reads }: Condition, question: Question): string {
  const views = { from: attributeView(question.from), to: attributeView(question.to) }
  const valuesOf = ({ side, key }: KeyRead): readonly string[] => views[side].get(key) ?? []
  const absent = reads.filter((read) => valuesOf(read).length === 0)
  if (absent.length > 0) return absent.map((read) => describeAbsent(read, question)).join(' and ')
  const several = reads.find((read) => valuesOf(read).length > 1)
  if (several !== undefined) return `${several.side} has several values of ${several.key}`
  return 'a value in it is not of the sort it asks for'
}

function describeAbsent({ side, key }: KeyRead, question: Question): string {
  const isClaimed = question[side].entries.has(key)
  return `${side} has ${isClaimed ? `${key} only as claimed` : `no ${key}`}`
}
