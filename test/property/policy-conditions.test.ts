import { expect } from 'chai'
import fc from 'fast-check'
import {
  askCondition,
  attributeView,
  compileCondition,
  conditionDeadline,
  type Condition,
} from '../../src/policy/condition.ts'
import { profiles } from '../support/policy-arbitraries.ts'
import { conditions } from '../support/policy-conditions.ts'
import { propertyRuns } from '../support/property-runs.ts'

const words = [
  ...[
    'from',
    'to',
    'port',
    'now',
    'v',
    'true',
    'null',
    '1',
    '1.5',
    '0x',
    "'a'",
    '"',
    "'label.app'",
  ],
  ...['one(', 'any(', 'same(', 'num(', 'size(', 'timestamp(', 'dyn(', 'has(', 'cel.bind('],
  ...['.exists(v, ', '.all(v, ', '.map(v, ', '.filter(', '.matches(', '.size()', '.getHours()'],
  ...["from['label.app']", "to['label.app']", "any(from, 'label.app', 'a')", 'port == 1'],
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    '.',
    '?',
    ':',
    '!',
    '-',
    '+',
    '*',
    '/',
    '%',
    '@',
    '\\',
    '\0',
  ],
  ...[
    ' == ',
    ' != ',
    ' < ',
    ' in ',
    ' && ',
    ' || ',
    ' ',
    '\n',
    '//',
    'b',
    'r',
    '"""',
    '😀',
    '\uD800',
  ],
]
const soup = fc.array(fc.constantFrom(...words), { maxLength: 24 }).map((parts) => parts.join(''))

function accepted(text: string): Condition | undefined {
  const compiled = compileCondition(text)
  if ('condition' in compiled) return compiled.condition
  expect(compiled.problems).to.not.be.empty
  for (const { at, message } of compiled.problems) {
    expect(at).to.be.within(0, text.length)
    expect(message).to.match(/^.{1,400}$/su)
  }
  return undefined
}

describe('compileCondition() on anything', function () {
  this.timeout(30_000)

  it('says what is wrong, or gives a condition that answers whatever it is asked', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string()), profiles, profiles, (text, from, to) => {
        const condition = accepted(text)
        if (condition === undefined) return
        const answer = askCondition(condition, attributeView(from), attributeView(to), 1, 0)
        expect(answer).to.be.oneOf([true, false, undefined])
      }),
      propertyRuns(500),
    )
  })

  it('finds something wrong with most damaged conditions, and throws at none', () => {
    fc.assert(
      fc.property(conditions, fc.nat(), fc.constantFrom('', ...words), ({ text }, at, word) => {
        const cut = at % (text.length + 1)
        accepted(text.slice(0, cut) + word + text.slice(cut + 1))
      }),
      propertyRuns(300),
    )
  })
})

describe('conditions over time', function () {
  this.timeout(30_000)

  const moments = fc.integer({ min: 0, max: 4_000_000_000 })
  const clock = fc.constantFrom('getHours', 'getMinutes', 'getDate', 'getDayOfWeek', 'getMonth')
  const times = fc.oneof(
    fc.tuple(clock, fc.nat({ max: 59 })).map(([ask, than]) => `now.${ask}() < ${String(than)}`),
    fc
      .tuple(fc.constantFrom('<', '<=', '==', '!=', '>=', '>'), moments)
      .map(([operator, ms]) => `now ${operator} timestamp('${new Date(ms).toISOString()}')`),
  )
  const none = new Map<string, readonly string[]>()

  it('answer alike until their deadline', () => {
    const both = fc.tuple(times, times).map(([a, b]) => `(${a}) != (${b})`)
    fc.assert(
      fc.property(fc.oneof(times, both), moments, fc.nat({ max: 90_000 }), (text, now, later) => {
        const condition = accepted(text)
        if (condition === undefined) throw new Error(`refused: ${text}`)
        const deadline = conditionDeadline(condition, now)
        expect(deadline).to.be.greaterThan(now)
        const answer = askCondition(condition, none, none, 1, now)
        expect(answer).to.be.a('boolean')
        for (const then of [now + later, deadline - 1]) {
          if (then >= deadline || !Number.isFinite(then)) continue
          expect(askCondition(condition, none, none, 1, then)).to.equal(answer)
        }
      }),
      propertyRuns(300),
    )
  })
})
