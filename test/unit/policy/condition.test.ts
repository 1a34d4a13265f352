import { expect } from 'chai'
import type { Attribute } from '../../../src/identity/attributes.ts'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import {
  askCondition,
  attributeView,
  compileCondition,
  conditionDeadline,
  type Condition,
} from '../../../src/policy/condition.ts'
import { parseDocuments, PolicyError } from '../../../src/policy/index.ts'

/** `key=value`, `assigned` unless it says `key@provenance=value`. */
function profileOf(...facts: string[]): TrustProfile {
  return createProfile(
    facts.map((fact): Attribute => {
      const [name = '', value = ''] = fact.split('=')
      const [key = '', provenance = 'assigned'] = name.split('@')
      return { key, value, provenance: provenance as Attribute['provenance'] }
    }),
  ).profile
}

const from = attributeView(
  profileOf(
    'aws.account@signed=1',
    'label.app=web-1',
    'label.team=a',
    'label.team=b',
    'vuln.critical@signed=3',
    'vuln.high@signed=many',
    'image.name@claimed=x',
  ),
)
const to = attributeView(
  profileOf('aws.account@signed=1', 'label.app=db', 'label.team=b', 'label.team=a'),
)

function conditionOf(text: string): Condition {
  const compiled = compileCondition(text)
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
  return compiled.condition
}

const at = Date.parse('2027-03-07T13:05:30Z')
const ask = (text: string, port = 443, now = at): unknown =>
  askCondition(conditionOf(text), from, to, port, now)

describe('askCondition()', () => {
  const answers: readonly (readonly [text: string, answer: boolean | undefined])[] = [
    ["one(from, 'label.app') == 'web-1'", true],
    ["one(from, 'label.app') != one(to, 'label.app')", true],
    ["one(from, 'label.team') == 'a'", undefined],
    ["one(from, 'label.env') == 'a'", undefined],
    ["any(from, 'label.team', 'b')", true],
    ["any(from, 'label.team', 'c')", false],
    ["any(from, 'label.env', 'c')", undefined],
    ["any(to, 'label.app', one(from, 'label.app'))", false],
    ["same('aws.account')", true],
    ["same('label.team')", true],
    ["same('label.app')", false],
    ["same('vuln.critical')", undefined],
    ["num(from, 'vuln.critical') > 0", true],
    ["num(from, 'vuln.critical') > 2.5", true],
    ["num(from, 'vuln.critical') == 3", true],
    ["num(from, 'vuln.critical') != 3", false],
    ["num(from, 'vuln.high') > 0", undefined],
    ["num(to, 'vuln.critical') > 0", undefined],
    ["'label.app' in from", true],
    ["'label.env' in from", false],
    ["'a' in from['label.team']", true],
    ["'a' in from['label.env']", undefined],
    ["from['label.team'].exists(v, v == 'b')", true],
    ["from['label.team'].all(v, v == 'b')", false],
    ["from['label.env'].all(v, v == 'b')", undefined],
    ["size(from['label.team']) == 2", true],
    ["one(from, 'label.app').startsWith('web-')", true],
    ["one(from, 'label.app').endsWith(one(to, 'label.app'))", false],
    ['port in [80, 443]', true],
    ['port >= 1024', false],
    // Three-valued, as Kleene has it.
    ["any(from, 'label.env', 'c') && false", false],
    ["false && any(from, 'label.env', 'c')", false],
    ["any(from, 'label.env', 'c') && true", undefined],
    ["any(from, 'label.env', 'c') || true", true],
    ["true || any(from, 'label.env', 'c')", true],
    ["any(from, 'label.env', 'c') || false", undefined],
    ["!any(from, 'label.env', 'c')", undefined],
    ["any(from, 'label.env', 'c') == false", undefined],
    ["any(from, 'label.env', 'c') ? true : true", undefined],
    // What is only claimed is not there.
    ["'image.name' in from", false],
    ["any(from, 'image.name', 'x')", undefined],
    // What CEL cannot do is no answer either.
    ['1 / (port - port) == 1', undefined],
    ["now >= timestamp('2027-03-07T13:05:30Z')", true],
    ["now < timestamp('2027-03-07T13:05:30Z')", false],
    ['now.getHours() == 13 && now.getMinutes() == 5', true],
    ['now.getDayOfWeek() == 0 && now.getDate() == 7 && now.getMonth() == 2', true],
  ]
  for (const [text, answer] of answers) {
    it(`answers ${answer === undefined ? 'unknown' : String(answer)} to ${text}`, () => {
      expect(ask(text)).to.equal(answer)
    })
  }
})

describe('conditionDeadline()', () => {
  const minute = Date.parse('2027-03-07T13:06:00Z')
  const deadlines: readonly (readonly [text: string, deadline: number])[] = [
    ['port == 1', Infinity],
    ["now < timestamp('2027-03-07T13:05:30Z')", at + 1],
    ["now < timestamp('2027-03-07T14:05:30Z')", at + 3_600_000],
    ["now < timestamp('2020-01-01T00:00:00Z')", Infinity],
    ['now.getHours() < 5', minute],
    ["now.getHours() < 5 && now < timestamp('2027-03-07T13:05:31Z')", at + 1_000],
  ]
  for (const [text, deadline] of deadlines) {
    it(`knows when the answer may change: ${text}`, () => {
      expect(conditionDeadline(conditionOf(text), at)).to.equal(deadline)
    })
  }
})

describe('compileCondition()', () => {
  const nested = (open: string, close: string, levels: number): string =>
    `${open.repeat(levels)}port == 1${close.repeat(levels)}`
  const refused: Record<string, readonly [text: string, at: number, says: RegExp]> = {
    'a list comparison': ["from['label.a'] != to['label.a']", 0, /lists are not compared/],
    'a list literal comparison': ["true && ['x'] == from['label.a']", 8, /lists are not compared/],
    'a list behind a ternary': [
      "(true ? from['label.a'] : to['label.a']) == 'x'",
      8,
      /a list stands where one value/,
    ],
    'a list in a list': ["'x' in [from['label.a']]", 8, /a list stands where/],
    'a concatenated list': ["'x' in from['label.a'] + to['label.a']", 7, /lists? /],
    'an unknown key': ["any(from, 'lable.a', 'x')", 10, /did you mean "label.a"/],
    'an unknown key of a map': ["'aws.acount' in to", 0, /did you mean "aws.account"/],
    'a key that is only ever claimed': ["same('app.version')", 5, /never see what is claimed/],
    'a key that is computed': ["any(from, 'label.' + 'a', 'x')", 10, /literal text/],
    'a malformed key': ["same('App')", 5, /dotted lower-case/],
    'an unknown name': ['frmo == 1', 0, /nothing is called "frmo"; did you mean "from"/],
    'an unknown function': ["some(from, 'label.a')", 0, /no function is called "some"; did you/],
    'an unknown method': ["one(from, 'label.a').begins('x')", 0, /no method is called "begins"/],
    'a regular expression': [
      "one(from, 'label.a').matches('(a+)+$')",
      0,
      /no method is called "matches"/,
    ],
    'a helper without its end': ["one('label.a') == 'x'", 0, /expected one\(from, 'key'\)/],
    'a helper of both ends': ["same(from, 'label.a')", 0, /expected same\('key'\)/],
    'a field': ["from.label.a == 'x'", 0, /write one\(from, 'label.app'\)/],
    'an end alone': ['from == to', 0, /from is used with a key/],
    'an end inside a call': ['size(from) > 1', 5, /from is used with a key/],
    'dyn, which hides what is compared': ["dyn(from['label.a']) == dyn('x')", 0, /"dyn"/],
    'a loop in a loop': [
      "from['label.a'].all(v, to['label.a'].exists(w, w == v))",
      23,
      /cannot stand in another loop/,
    ],
    'too many loops': [
      Array.from({ length: 9 }, () => "from['label.a'].exists(v, true)").join(' || '),
      280,
      /more than 8 loops/,
    ],
    'a loop that hides a name': ["from['label.a'].exists(from, true)", 23, /another meaning/],
    'a bound variable': ["cel.bind(x, 'a', x == 'a')", 0, /./],
    'a map literal': ["{'a': 1} == {'a': 1}", 0, /not part of conditions/],
    null: ['port == null', 8, /expected a text, a number/],
    'arithmetic with the time': ['now - now > port', 0, /now is compared with/],
    'a computed time': ["now > timestamp('20' + '27')", 0, /now is compared with/],
    'a time without a zone': ["now > timestamp('2027-01-31')", 16, /expected a time/],
    'a time zone, which differs by machine': ["now.getHours('Europe/Berlin') > 1", 0, /in UTC/],
    'an answer that is no truth value': ['port', 0, /true or false, got one that is int/],
    'types that do not fit': ["port == 'x'", 0, /not valid CEL: no such overload/],
    'broken syntax': ['port ==', 7, /not valid CEL/],
    'an open string': ["any(from, 'label.a", 10, /not valid CEL/],
    nothing: ['', 0, /not valid CEL/],
    'too much text': [`port == 1${' '.repeat(2_048)}`, 0, /longer than 2048 characters/],
    'too many parts': [
      Array.from({ length: 150 }, () => 'true').join('||'),
      -1,
      /not valid CEL: .*(?:nodes|AST)/i,
    ],
    'deep nesting': [nested('(', ')', 900), -1, /not valid CEL: .*depth/i],
    'deep negation': [`${'!'.repeat(1_900)}true`, -1, /not valid CEL: .*(?:depth|nodes)/i],
  }
  for (const [what, [text, position, says]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      const compiled = compileCondition(text)
      const [first] = 'problems' in compiled ? compiled.problems : []
      expect(first?.message, text).to.match(says)
      if (position >= 0) expect(first?.at).to.equal(position)
    })
  }
})

describe('the place of a problem in a condition', () => {
  const placeOf = (when: string): string => {
    const text = `kind: NetworkPolicy\nname: p\nspec:\n  from: {}\n  to: {}\n  action: allow\n${when}\n`
    try {
      parseDocuments(text)
    } catch (error: unknown) {
      if (!(error instanceof PolicyError)) throw error
      expect(error.code).to.equal('ERR_DOCUMENT')
      const [first] = error.problems
      return `${String(first?.line)}:${String(first?.column)}`
    }
    return 'accepted'
  }
  const places: readonly (readonly [when: string, place: string])[] = [
    ['  when: port == 1 && foo', '7:22'],
    ['  when: "port == 1 && foo"', '7:23'],
    ["  when: 'port == 1 && foo'", '7:23'],
    ['  when: |\n    port == 1 &&\n      foo', '9:7'],
    ['  when: >-\n    port == 1\n    && foo', '7:9'],
    ['  when: "port == 1 \\u0026& foo"', '7:9'],
    ['  when: 12', '7:9'],
    ['  when:', '7:8'],
    ['  when: "  "', '7:9'],
    ["  when: any(from, 'aws.tag.x', 'y')", '7:9'],
  ]
  for (const [when, place] of places) {
    it(`is ${place} in ${JSON.stringify(when)}`, () => {
      expect(placeOf(when)).to.equal(place)
    })
  }
})
