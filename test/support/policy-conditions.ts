import fc from 'fast-check'
import type { TrustProfile } from '../../src/identity/profile.ts'
import type { Question } from '../../src/policy/index.ts'

/** True, false or unknown, in the words of the reference. */
export type Answer = 'yes' | 'no' | 'unknown'

/** A condition with what it means, written down beside it: nothing of CEL is asked. */
export interface ModelCondition {
  readonly text: string
  readonly answer: (question: Question) => Answer
}

const keys = ['label.app', 'label.env', 'image.name', 'os.user']
const sides = ['from', 'to'] as const
const truth = (value: boolean): Answer => (value ? 'yes' : 'no')

/** What a profile shows of a key: nothing of what is only claimed. */
function shown(profile: TrustProfile, key: string): readonly string[] {
  const entry = profile.entries.get(key)
  return entry === undefined || entry.provenance === 'claimed' ? [] : entry.values
}

const side = fc.constantFrom(...sides)
const key = fc.constantFrom(...keys)
const value = fc.constantFrom('a', 'b', 'c')

const present = fc.tuple(side, key).map(([end, name]): ModelCondition => ({
  text: `'${name}' in ${end}`,
  answer: (question) => truth(shown(question[end], name).length > 0),
}))

const any = fc.tuple(side, key, value).map(([end, name, wanted]): ModelCondition => ({
  text: `any(${end}, '${name}', '${wanted}')`,
  answer: (question) => {
    const values = shown(question[end], name)
    return values.length === 0 ? 'unknown' : truth(values.includes(wanted))
  },
}))

const member = fc.tuple(side, key, value).map(([end, name, wanted]): ModelCondition => ({
  text: `'${wanted}' in ${end}['${name}']`,
  answer: (question) => {
    const values = shown(question[end], name)
    return values.length === 0 ? 'unknown' : truth(values.includes(wanted))
  },
}))

const one = fc.tuple(side, key, value).map(([end, name, wanted]): ModelCondition => ({
  text: `one(${end}, '${name}') == '${wanted}'`,
  answer: (question) => {
    const values = shown(question[end], name)
    return values.length === 1 ? truth(values[0] === wanted) : 'unknown'
  },
}))

const same = key.map((name): ModelCondition => ({
  text: `same('${name}')`,
  answer: ({ from, to }) => {
    const [ours, theirs] = [shown(from, name), shown(to, name)]
    if (ours.length === 0 || theirs.length === 0) return 'unknown'
    return truth([...ours].sort().join() === [...theirs].sort().join())
  },
}))

const port = fc.constantFrom(80, 443).map((wanted): ModelCondition => ({
  text: `port == ${String(wanted)}`,
  answer: (question) => truth(question.port % 65_536 === wanted),
}))

const time = fc
  .tuple(fc.constantFrom('<', '>='), fc.integer({ min: 0, max: 4 }))
  .map(([operator, step]): ModelCondition => ({
    text: `now ${operator} timestamp('${new Date(step * 1_000).toISOString()}')`,
    answer: ({ now }) => truth(operator === '<' ? now < step * 1_000 : now >= step * 1_000),
  }))

const atom = fc.oneof(present, any, member, one, same, port, time)

const not = (inner: ModelCondition): ModelCondition => ({
  text: `!(${inner.text})`,
  answer: (question) => {
    const answer = inner.answer(question)
    return answer === 'unknown' ? answer : truth(answer === 'no')
  },
})

/** Kleene's: one side that settles it is enough. */
const joined = (
  operator: '&&' | '||',
  settles: Answer,
  [left, right]: readonly [ModelCondition, ModelCondition],
): ModelCondition => ({
  text: `(${left.text}) ${operator} (${right.text})`,
  answer: (question) => {
    const answers = [left.answer(question), right.answer(question)]
    if (answers.includes(settles)) return settles
    if (answers.includes('unknown')) return 'unknown'
    return settles === 'no' ? 'yes' : 'no'
  },
})

const pair = fc.tuple(atom, atom)

export const conditions: fc.Arbitrary<ModelCondition> = fc.oneof(
  { weight: 3, arbitrary: atom },
  atom.map(not),
  pair.map((both) => joined('&&', 'no', both)),
  pair.map((both) => joined('||', 'yes', both)),
  pair.map((both) => not(joined('&&', 'no', both))),
)

const meanings = new Map<string, ModelCondition>()

/** The text of a random condition; `meaningOf` knows what it means. */
export const conditionTexts: fc.Arbitrary<string> = conditions.map((condition) => {
  meanings.set(condition.text, condition)
  return condition.text
})

export function meaningOf(text: string): ModelCondition {
  const meaning = meanings.get(text)
  if (meaning === undefined) throw new Error(`not a condition of these properties: ${text}`)
  return meaning
}
