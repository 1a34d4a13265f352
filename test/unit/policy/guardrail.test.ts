import { expect } from 'chai'
import type { Attribute } from '../../../src/identity/attributes.ts'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import {
  compilePolicies,
  documentSchemaVersion,
  encodeSpec,
  explain,
  onRejectOf,
  parseDocuments,
  PolicyError,
  requiredSchema,
  unlistedProfile,
  type Question,
  type Verdict,
} from '../../../src/policy/index.ts'

function profileOf(attributes: Record<string, string>): TrustProfile {
  return createProfile(
    Object.entries(attributes).map(([name, value]): Attribute => {
      const [key = '', provenance = 'assigned'] = name.split('@')
      return { key, value, provenance: provenance as Attribute['provenance'] }
    }),
  ).profile
}

const at = (ms: number): string => new Date(ms).toISOString()
const east = profileOf({ 'label.app': 'web', 'aws.region@signed': 'eu-east' })
const west = profileOf({ 'label.app': 'db', 'aws.region@signed': 'eu-west' })
const nowhere = profileOf({ 'label.app': 'db' })
const question: Question = { from: east, to: west, port: 443, now: 1_000 }

type Specs = Record<string, object>
const documents = (kind: string, specs: Specs): object[] =>
  Object.entries(specs).map(([name, spec]) => ({ kind, name, spec }))

function setOf(policies: Specs, guardrails: Specs = {}, observes: Specs = {}) {
  const all = [
    ...documents('NetworkPolicy', policies),
    ...documents('Guardrail', guardrails),
    ...documents('Observe', observes),
  ]
  return compilePolicies(parseDocuments(JSON.stringify(all)))
}

const decide = (
  [policies, guardrails, observes]: readonly [Specs, Specs?, Specs?],
  asked: Partial<Question> = {},
): Verdict => setOf(policies, guardrails, observes).decide({ ...question, ...asked })

const allow = { from: {}, to: {}, action: 'allow', encryption: 'none' }
const deny = { from: {}, to: {}, action: 'deny' }
const otherRegion = "!same('aws.region')"

describe('Guardrail', () => {
  it('denies what policies allow, and says which one', () => {
    const verdict = decide([{ p: allow }, { g: { when: otherRegion, action: 'deny' } }])
    expect(verdict).to.include({ action: 'deny', reason: 'guardrail', policy: 'g' })
  })

  it('is about every pair where it does not say', () => {
    expect(decide([{ p: allow }, { g: { encryption: 'required' } }]).encryption).to.equal(
      'required',
    )
    expect(decide([{ p: allow }, { g: { action: 'deny' } }]).reason).to.equal('guardrail')
  })

  it('leaves alone what it does not match', () => {
    const guardrails = { g: { when: otherRegion, action: 'deny', maxStale: '60s' } }
    const verdict = decide([{ p: allow }, guardrails], { to: east })
    expect(verdict).to.deep.include({ action: 'allow', encryption: 'none', maxStale: undefined })
  })

  it('allows nothing by itself', () => {
    const verdict = decide([{}, { g: { from: {}, encryption: 'required' } }])
    expect(verdict).to.include({ action: 'deny', reason: 'no-policy-matched' })
  })

  it('makes encryption stricter, never weaker', () => {
    const guardrails = { g: { when: otherRegion, encryption: 'required' } }
    expect(decide([{ p: allow }, guardrails])).to.include({ policy: 'p', encryption: 'required' })
    expect(decide([{ p: allow }, guardrails], { to: east }).encryption).to.equal('none')
    const strict = { ...allow, encryption: 'required' }
    expect(decide([{ p: strict }, guardrails], { to: east }).encryption).to.equal('required')
  })

  it('alerts without a change of verdict, on denials too', () => {
    const guardrails = {
      b: { to: { 'label.app': 'db' }, action: 'alert' },
      a: { from: {}, action: 'alert' },
      c: { to: { 'label.app': 'x' }, action: 'alert' },
    }
    const allowed = decide([{ p: allow }, guardrails])
    expect(allowed).to.deep.include({ action: 'allow', encryption: 'none', alerts: ['a', 'b'] })
    expect(decide([{}, guardrails])).to.deep.include({ action: 'deny', alerts: ['a', 'b'] })
  })

  it('adds up: every effect of all that match, the shortest maxStale', () => {
    const guardrails = {
      a: { from: {}, maxStale: '10m' },
      b: { from: {}, maxStale: '2m', encryption: 'required' },
      c: { from: {}, action: 'alert', maxStale: '5m' },
    }
    expect(decide([{ p: allow }, guardrails])).to.deep.include({
      policy: 'p',
      encryption: 'required',
      alerts: ['c'],
      maxStale: 120_000,
    })
  })

  it('takes unknown for met', () => {
    const guardrails = { g: { when: otherRegion, action: 'deny' } }
    const verdict = decide([{ p: allow }, guardrails], { to: nowhere })
    expect(verdict).to.include({ action: 'deny', reason: 'condition-unknown', policy: 'g' })
    const encrypting = { g: { when: otherRegion, encryption: 'required' } }
    expect(decide([{ p: allow }, encrypting], { to: nowhere }).encryption).to.equal('required')
  })

  it('ends when it expires, and the verdict says so before', () => {
    const guardrails = { g: { from: {}, action: 'deny', expires: at(2_000) } }
    const set = setOf({ p: allow }, guardrails)
    for (const [now, action, deadline] of [
      [1_000, 'deny', 2_000],
      [2_000, 'allow', undefined],
      [1_999, 'deny', 2_000],
    ] as const) {
      expect(set.decide({ ...question, now }), String(now)).to.include({ action, deadline })
    }
  })

  it('gives its deadline to a verdict that it only makes stricter', () => {
    const guardrails = { g: { from: {}, encryption: 'required', expires: at(2_000) } }
    expect(decide([{ p: allow }, guardrails]).deadline).to.equal(2_000)
  })

  const refused: Record<string, readonly [spec: object, says: RegExp]> = {
    'no effect': [{ from: {} }, /expected an effect/],
    'an allow': [{ from: {}, action: 'allow' }, /expected deny \| alert/],
    'weaker encryption': [{ from: {}, encryption: 'none' }, /expected required/],
    'a maxStale below three heartbeats': [
      { maxStale: '29s' },
      /spec\.maxStale: expected a duration from 30s to 7d, such as 30s or 15m, got "29s"/,
    ],
    'a tag of any account': [
      { when: "any(from, 'aws.tag.x', 'y')", action: 'deny' },
      /needs "aws.account" by value in "from"/,
    ],
  }
  for (const [what, [spec, says]] of Object.entries(refused)) {
    it(`is refused with ${what}`, () => {
      expect(() => setOf({}, { g: spec }))
        .to.throw(PolicyError, says)
        .with.property('code', 'ERR_DOCUMENT')
    })
  }

  it('may ask for a tag where the account is named', () => {
    const spec = {
      from: { 'aws.account': '1' },
      when: "any(from, 'aws.tag.x', 'y')",
      action: 'deny',
    }
    expect(() => setOf({}, { g: spec })).not.to.throw()
  })
})

describe('NetworkPolicy with a condition', () => {
  const when = "same('aws.region')"

  it('allows only where the condition is true', () => {
    expect(decide([{ p: { ...allow, when } }], { to: east }).action).to.equal('allow')
    for (const to of [west, nowhere]) {
      const verdict = decide([{ p: { ...allow, when } }], { to })
      expect(verdict).to.include({ action: 'deny', reason: 'no-policy-matched' })
    }
  })

  it('denies where the condition is true or unknown', () => {
    const policies = { p: allow, z: { ...deny, when } }
    expect(decide([policies]).action).to.equal('allow')
    expect(decide([policies], { to: east }).reason).to.equal('denied-by-policy')
    expect(decide([policies], { to: nowhere })).to.include({
      action: 'deny',
      reason: 'condition-unknown',
      policy: 'z',
    })
  })

  it('tells profiles apart that only a condition can tell apart', () => {
    const set = setOf({ p: { ...allow, when } })
    const actions = [east, west, nowhere, east].map((to) => set.decide({ ...question, to }).action)
    expect(actions).to.deep.equal(['allow', 'deny', 'deny', 'allow'])
  })

  it('is decided again when time changes the answer, in both directions of time', () => {
    const set = setOf({ p: { ...allow, when: `now < timestamp('${at(2_000)}')` } })
    for (const [now, action, deadline] of [
      [1_000, 'allow', 2_000],
      [2_000, 'deny', 2_001],
      [2_001, 'deny', undefined],
      [1_999, 'allow', 2_000],
    ] as const) {
      expect(set.decide({ ...question, now }), String(now)).to.include({ action, deadline })
    }
  })

  it('carries the deadline of a deny that does not match yet', () => {
    const set = setOf({ p: allow, z: { ...deny, when: `now >= timestamp('${at(2_000)}')` } })
    expect(set.decide(question)).to.include({ action: 'allow', deadline: 2_000 })
    expect(set.decide({ ...question, now: 2_000 }).action).to.equal('deny')
  })
})

describe('Observe', () => {
  const scope = { 'label.app': ['web', 'db'] }
  const observe = { o: { scope, expires: at(2_000) } }

  it('lets through, encrypted, what no policy decides between two ends in scope', () => {
    expect(decide([{}, {}, observe])).to.include({
      action: 'allow',
      reason: 'allowed-by-observe',
      policy: 'o',
      encryption: 'required',
      deadline: 2_000,
    })
  })

  it('lets nothing through with one end out of scope', () => {
    const stranger = profileOf({ 'label.app': 'x' })
    for (const asked of [{ from: stranger }, { to: stranger }]) {
      expect(decide([{}, {}, observe], asked).action).to.equal('deny')
    }
  })

  it('needs one document with both ends, not two with one each', () => {
    const expires = at(2_000)
    const halves = {
      a: { scope: { 'label.app': 'web' }, expires },
      b: { scope: { 'label.app': 'db' }, expires },
    }
    expect(decide([{}, {}, halves]).action).to.equal('deny')
  })

  it('never overrides a deny, a guardrail, or an allow', () => {
    expect(decide([{ z: deny }, {}, observe])).to.include({ reason: 'denied-by-policy' })
    const guardrails = { g: { from: {}, action: 'deny' } }
    expect(decide([{}, guardrails, observe])).to.include({ reason: 'guardrail' })
    expect(decide([{ p: allow }, {}, observe])).to.include({ reason: 'allowed-by-policy' })
  })

  it('ends at its end, and has to have one', () => {
    expect(decide([{}, {}, observe], { now: 2_000 }).action).to.equal('deny')
    expect(() => setOf({}, {}, { o: { scope } })).to.throw(PolicyError, /"expires" is missing/)
  })

  it('admits peers that no document names only where it says so', () => {
    const ask = (external: boolean, to: TrustProfile, now = 1_000) =>
      setOf({}, {}, { o: { scope, external, expires: at(2_000) } }).decide({
        from: unlistedProfile,
        to,
        port: 443,
        now,
      })
    expect(ask(true, west)).to.include({
      action: 'allow',
      reason: 'allowed-by-observe',
      encryption: 'optional',
    })
    expect(ask(true, west, 2_000).action).to.equal('deny')
    expect(ask(true, profileOf({ 'label.app': 'x' })).action).to.equal('deny')
    expect(ask(false, west).action).to.equal('deny')
  })
})

describe('explain() of conditions, guardrails and observe', () => {
  const when = "same('aws.region')"
  const explained = (
    [policies, guardrails, observes]: readonly [Specs, Specs?, Specs?],
    asked: Partial<Question> = {},
  ) => explain(setOf(policies, guardrails, observes), { ...question, ...asked })

  it('says the value of a condition', () => {
    const { policies, nearestMiss } = explained([{ p: { ...allow, when } }])
    expect(policies[0]?.because).to.equal(`the condition "${when}" is false`)
    expect(nearestMiss).to.equal(
      `policy p would allow this if its condition were true; "${when}" is false`,
    )
  })

  const whyNot: readonly (readonly [when: string, to: TrustProfile, why: string])[] = [
    [when, nowhere, 'to has no aws.region'],
    [
      "any(to, 'image.name', 'x')",
      profileOf({ 'image.name@claimed': 'x' }),
      'to has image.name only as claimed',
    ],
    ["num(to, 'label.app') > 1", west, 'a value in it is not of the sort it asks for'],
  ]
  for (const [text, to, why] of whyNot) {
    it(`says why a condition is unknown: ${why}`, () => {
      const { nearestMiss } = explained([{ p: { ...allow, when: text } }], { to })
      expect(nearestMiss).to.equal(
        `policy p would allow this if its condition were true; "${text}" is unknown because ${why}`,
      )
    })
  }

  it('says that a guardrail denied because its condition is unknown', () => {
    const guardrails = { g: { when, action: 'deny' } }
    const { policies, nearestMiss } = explained([{ p: allow }, guardrails], { to: nowhere })
    expect(policies[0]).to.deep.include({ kind: 'Guardrail', name: 'g', matched: true })
    expect(policies[0]?.because).to.match(
      /unknown because to has no aws.region, which a guardrail takes as met$/,
    )
    expect(nearestMiss).to.equal(
      'policy p would allow this if guardrail g did not deny it; its condition is unknown because to has no aws.region',
    )
  })

  it('lists the deciding policy before guardrails that match as well', () => {
    const { policies } = explained([{ p: allow }, { g: { from: {}, encryption: 'required' } }])
    expect(policies.map(({ name, action }) => [name, action])).to.deep.equal([
      ['p', 'allow'],
      ['g', 'restrict'],
    ])
  })

  it('tells apart a guardrail and a policy of one name', () => {
    const { policies } = explained([{ x: deny }, { x: { from: {}, action: 'deny' } }])
    expect(policies[0]).to.include({ kind: 'Guardrail', name: 'x' })
  })

  it('names an Observe as nearest miss', () => {
    const observe = { o: { scope: { 'label.app': 'web' }, expires: at(2_000) } }
    expect(explained([{}, {}, observe]).nearestMiss).to.equal(
      'observe o would allow this if to had label.app=web; it has label.app=db',
    )
  })
})

describe('requiredSchema() and onRejectOf()', () => {
  const parsed = (kind: string, spec: object) => {
    const [document] = parseDocuments(JSON.stringify([{ kind, name: 'x', spec }]))
    if (document === undefined) throw new Error('expected a document')
    return document
  }
  const rule = { match: {}, names: ['*'] }
  const versions: readonly (readonly [kind: string, spec: object, version: number])[] = [
    ['NetworkPolicy', allow, 1],
    ['NetworkPolicy', { ...allow, when: 'port == 1' }, 2],
    ['NetworkPolicy', { ...allow, onReject: 'deny-new' }, 2],
    ['NetworkPolicy', { ...allow, onReject: 'keep' }, 1],
    ['EnrolmentRule', rule, 1],
    ['LabelAssignment', { select: {}, labels: { 'label.a': 'x' } }, 1],
    ['Guardrail', { from: {}, action: 'alert' }, 2],
    ['Observe', { scope: {}, expires: at(1_000) }, 2],
  ]
  for (const [kind, spec, version] of versions) {
    it(`asks for version ${String(version)} for ${kind} ${JSON.stringify(spec)}`, () => {
      expect(requiredSchema(parsed(kind, spec))).to.equal(version)
      expect(version).to.be.at.most(documentSchemaVersion)
    })
  }

  it('finds deny-new, also in what it does not understand otherwise', () => {
    const strict = parsed('NetworkPolicy', { ...allow, onReject: 'deny-new' })
    const sent = (text: string) => ({ specJson: Buffer.from(text) })
    expect(onRejectOf([{ specJson: encodeSpec(strict) }])).to.equal('deny-new')
    expect(onRejectOf([sent('{"later":1,"onReject":"deny-new"}')])).to.equal('deny-new')
    for (const text of ['{"onReject":"keep"}', '{}', '[]', 'null', '"deny-new"', 'no JSON']) {
      expect(onRejectOf([sent(text)]), text).to.equal('keep')
    }
  })
})
