import { expect } from 'chai'
import type { Attribute } from '../../../src/identity/attributes.ts'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import {
  compilePolicies,
  parseDocuments,
  PolicyError,
  type Question,
} from '../../../src/policy/index.ts'

/** `key=value` or `key@provenance=value`; `assigned` unless it says. */
function profileOf(...facts: string[]): TrustProfile {
  return createProfile(
    facts.map((fact): Attribute => {
      const [name = '', value = ''] = fact.split('=')
      const [key = '', provenance = 'assigned'] = name.split('@')
      return { key, value, provenance: provenance as Attribute['provenance'] }
    }),
  ).profile
}

const policy = (name: string, spec: object): object => ({ kind: 'NetworkPolicy', name, spec })
const setOf = (...policies: object[]): ReturnType<typeof compilePolicies> =>
  compilePolicies(parseDocuments(JSON.stringify(policies)))

const web = profileOf('label.app=web')
const db = profileOf('label.app=db')
const question: Question = { from: web, to: db, port: 5432, now: 1_000 }
const allow = { from: { 'label.app': 'web' }, to: { 'label.app': 'db' }, action: 'allow' }
const deny = { from: {}, to: { 'label.app': 'db' }, action: 'deny' }
const at = (ms: number): string => new Date(ms).toISOString()

describe('PolicySet.decide()', () => {
  it('denies what no policy allows', () => {
    expect(setOf().decide(question)).to.deep.equal({
      action: 'deny',
      reason: 'no-policy-matched',
      policy: undefined,
      encryption: 'required',
      deadline: undefined,
      observed: [],
      alerts: [],
      maxStale: undefined,
    })
  })

  it('allows by the matching policy, one way only', () => {
    const set = setOf(policy('p', allow))
    expect(set.decide(question)).to.include({
      action: 'allow',
      reason: 'allowed-by-policy',
      policy: 'p',
    })
    expect(set.decide({ ...question, from: db, to: web }).action).to.equal('deny')
  })

  it('denies by any deny, whatever allows', () => {
    const set = setOf(policy('a', allow), policy('z', deny))
    expect(set.decide(question)).to.include({
      action: 'deny',
      reason: 'denied-by-policy',
      policy: 'z',
    })
  })

  it('takes the strictest encryption of those that allow: required, optional, none', () => {
    const encrypted = (...words: string[]): string =>
      setOf(...words.map((encryption) => policy(encryption, { ...allow, encryption }))).decide(
        question,
      ).encryption
    expect(encrypted('none')).to.equal('none')
    expect(encrypted('none', 'optional')).to.equal('optional')
    expect(encrypted('none', 'optional', 'required')).to.equal('required')
  })

  it('asks for the port', () => {
    const set = setOf(policy('p', { ...allow, ports: ['tcp/5432'] }))
    expect(set.decide(question).action).to.equal('allow')
    expect(set.decide({ ...question, port: 5433 }).action).to.equal('deny')
  })

  it('denies a port that is none, and does not mistake it for another question', () => {
    const set = setOf(policy('p', allow))
    set.decide(question)
    for (const port of [0, -1, 65_536 + 5432, 2 ** 32 + 5432, 5432.5, NaN]) {
      expect(set.decide({ ...question, port }).action, String(port)).to.equal('deny')
    }
  })

  it('follows `expires` in both directions of time, and says when to ask again', () => {
    const set = setOf(policy('p', { ...allow, expires: at(2_000) }))
    for (const [now, action, deadline] of [
      [1_000, 'allow', 2_000],
      [1_999, 'allow', 2_000],
      [2_000, 'deny', undefined],
      [1_999, 'allow', 2_000],
      [3_000, 'deny', undefined],
    ] as const) {
      expect(set.decide({ ...question, now }), String(now)).to.include({ action, deadline })
    }
  })

  it('keeps a deny that expires from denying afterwards', () => {
    const set = setOf(policy('a', allow), policy('z', { ...deny, expires: at(2_000) }))
    expect(set.decide(question)).to.include({ action: 'deny', deadline: 2_000 })
    expect(set.decide({ ...question, now: 2_000 })).to.include({ action: 'allow', policy: 'a' })
  })

  it('only reports policies in mode observe', () => {
    const set = setOf(
      policy('a', allow),
      policy('b', { ...deny, mode: 'observe', expires: at(2_000) }),
      policy('c', { ...deny, mode: 'observe' }),
    )
    const verdict = set.decide(question)
    expect(verdict).to.deep.include({ action: 'allow', observed: ['b', 'c'], deadline: 2_000 })
    expect(set.decide({ ...question, now: 2_000 }).observed).to.deep.equal(['c'])
  })

  it('does not accept what is only claimed, unless the selector says so', () => {
    const claimed = profileOf('image.name@claimed=web')
    const byImage = (key: string): string =>
      setOf(policy('p', { ...allow, from: { [key]: 'web' } })).decide({
        ...question,
        from: claimed,
      }).action
    expect(byImage('image.name')).to.equal('deny')
    expect(byImage('image.name@claimed')).to.equal('allow')
  })

  const selections: readonly (readonly [selector: object, facts: string[], matches: boolean])[] = [
    [{ 'label.app': 'a', 'label.env': 'x' }, ['label.app=a'], false],
    [{ 'label.app': 'a', 'label.env': 'x' }, ['label.app=a', 'label.env=x'], true],
    [{ 'label.app': ['a', 'b'] }, ['label.app=b'], true],
    [[{ 'label.app': 'a' }, { 'label.env': 'x' }], ['label.env=x'], true],
    [{ 'label.app': 'a' }, ['label.app=b', 'label.app=a'], true],
    [{ 'label.app': '*' }, ['label.app=b'], true],
    [{ 'label.app': '*' }, [], false],
    [{ 'label.app': '!a' }, ['label.app=b'], true],
    [{ 'label.app': '!a' }, ['label.app=a', 'label.app=b'], false],
    [{ 'label.app': '!a' }, [], false],
    [{ 'label.app': '!*' }, [], true],
    [{ 'label.app': '!*' }, ['label.app=a'], false],
    [{ 'label.app': ['!*', 'a'] }, [], true],
    [{ 'label.app': ['!*', 'a'] }, ['label.app=b'], false],
    [{ 'label.app@assigned': 'a' }, ['label.app@observed=a'], false],
    [{ 'label.app@assigned': '!*' }, ['label.app@observed=a'], true],
    [{ 'label.app@assigned': '!b' }, ['label.app@observed=a'], false],
    [{}, [], true],
  ]
  for (const [selector, facts, matches] of selections) {
    it(`${matches ? 'matches' : 'does not match'} ${JSON.stringify(selector)} for [${facts.join()}]`, () => {
      const set = setOf(policy('p', { ...allow, from: selector, to: {} }))
      const { action } = set.decide({ ...question, from: profileOf(...facts) })
      expect(action).to.equal(matches ? 'allow' : 'deny')
    })
  }
})

describe('PolicySet.relevantFor()', () => {
  it('names the policies that can match at either end', () => {
    const other = { from: { 'label.app': 'x' }, to: { 'label.app': 'y' }, action: 'allow' }
    const set = setOf(policy('a', allow), policy('b', other), policy('c', deny))
    const names = (profile: TrustProfile): string[] =>
      set.relevantFor(profile).map(({ name }) => name)
    expect(names(web)).to.deep.equal(['c', 'a'])
    expect(names(db)).to.deep.equal(['c', 'a'])
    expect(names(profileOf('label.app=y'))).to.deep.equal(['c', 'b'])
  })
})

describe('compilePolicies()', () => {
  it('refuses two policies of one name', () => {
    const documents = parseDocuments(JSON.stringify([policy('p', allow)]))
    expect(() => compilePolicies([...documents, ...documents]))
      .to.throw(PolicyError)
      .with.property('code', 'ERR_POLICY_SET')
  })

  it('leaves aside documents that decide nothing', () => {
    const rule = { kind: 'EnrolmentRule', name: 'r', spec: { match: {}, names: ['*'] } }
    expect(setOf(rule, policy('p', allow)).policies).to.have.length(1)
  })
})

describe('compilePolicies()', () => {
  it('compiles a document once for all sets that it is in', () => {
    const [kept, gone] = [policy('kept', allow), policy('gone', deny)]
    const documents = parseDocuments(JSON.stringify([kept, gone]))
    const before = compilePolicies(documents).policies
    const after = compilePolicies(documents.slice(0, 1)).policies
    expect(after).to.have.length(1)
    expect(before.find(({ document }) => document.name === 'kept')).to.equal(after[0])
  })
})
