import { expect } from 'chai'
import { createProfile } from '../../../src/identity/profile.ts'
import {
  labelProvenance,
  matchedProvenance,
  matchesSelector,
  parseDocuments,
  PolicyError,
  ruleAllowsClaim,
  ruleAllowsName,
  ruleTakesForm,
  type EnrolmentRuleSpec,
  type LabelAssignmentSpec,
} from '../../../src/policy/index.ts'

function ruleOf(spec: object): EnrolmentRuleSpec {
  const [document] = parseDocuments(JSON.stringify({ kind: 'EnrolmentRule', name: 'r', spec }))
  if (document?.kind !== 'EnrolmentRule') throw new Error('expected a rule')
  return document.spec
}

const assigned = { key: 'label.app', value: 'web', provenance: 'assigned' } as const
const observed = { key: 'image.name', value: 'web', provenance: 'observed' } as const

describe('EnrolmentRule', () => {
  it('reads every field', () => {
    const spec = ruleOf({
      match: { 'label.app': 'web' },
      names: ['web', 'web-*'],
      ttl: '30m',
      assign: { 'label.tier': 'front' },
      claims: { 'os.*': '*', 'image.name': ['registry/web:*'] },
      keysPerNode: 3,
      require: ['sts-proof', 'ec2'],
      forms: ['rsa2048', 'pkcs7'],
      firstEnrolmentWithin: '5m',
      expires: '2027-01-31T00:00:00Z',
    })
    expect(spec.ttl).to.equal(1_800_000)
    expect(spec.keysPerNode).to.equal(3)
    expect(spec.require).to.deep.equal(['ec2', 'sts-proof'])
    expect(spec.forms).to.deep.equal(['pkcs7', 'rsa2048'])
    expect(spec.firstEnrolmentWithin).to.equal(300_000)
    expect(spec.expires).to.equal(Date.UTC(2027, 0, 31))
    expect([...(spec.assign ?? [])]).to.deep.equal([['label.tier', ['front']]])
  })

  it('matches on assigned or stronger keys unless it says otherwise', () => {
    const profile = createProfile([assigned, observed]).profile
    const matches = (match: object): boolean =>
      matchesSelector(ruleOf({ match, names: ['*'] }).match, profile)
    expect(matches({ 'label.app': 'web' })).to.equal(true)
    expect(matches({ 'image.name@observed': 'web' })).to.equal(true)
    const weak = createProfile([{ ...assigned, provenance: 'observed' }]).profile
    const { match } = ruleOf({ match: { 'label.app': 'web' }, names: ['*'] })
    expect(matchesSelector(match, weak)).to.equal(false)
  })

  it('allows the names of its patterns', () => {
    const rule = ruleOf({ match: {}, names: ['web', 'api-*'] })
    for (const [name, allowed] of Object.entries({
      web: true,
      webs: false,
      'api-1': true,
      api: false,
    })) {
      expect(ruleAllowsName(rule, name), name).to.equal(allowed)
    }
  })

  it('lets stand only what its claims name, by key and value', () => {
    const rule = ruleOf({
      match: {},
      names: ['*'],
      claims: { 'os.*': '*', 'app.version': ['1.*', '2'] },
    })
    expect(ruleAllowsClaim(rule, 'os.user', 'root')).to.equal(true)
    expect(ruleAllowsClaim(rule, 'app.version', '1.7')).to.equal(true)
    expect(ruleAllowsClaim(rule, 'app.version', '3')).to.equal(false)
    expect(ruleAllowsClaim(rule, 'app.versions', '2')).to.equal(false)
    expect(ruleAllowsClaim(ruleOf({ match: {}, names: ['*'] }), 'os.user', 'root')).to.equal(false)
  })

  it('takes weak forms of a document only where it lists them', () => {
    const silent = ruleOf({ match: {}, names: ['*'] })
    expect(ruleTakesForm(silent, 'rsa2048')).to.equal(true)
    expect(ruleTakesForm(silent, 'pkcs7')).to.equal(false)
    const weak = ruleOf({ match: {}, names: ['*'], forms: ['pkcs7'] })
    expect(ruleTakesForm(weak, 'pkcs7')).to.equal(true)
    expect(ruleTakesForm(weak, 'signature')).to.equal(false)
    expect(ruleTakesForm(weak, 'rsa2048')).to.equal(false)
  })

  const refused: Record<string, object> = {
    'no names': { match: {} },
    'a name in capitals': { match: {}, names: ['Web'] },
    'an observed key without @observed': { match: { 'image.name': 'a' }, names: ['*'] },
    'a ttl of a second': { match: {}, names: ['*'], ttl: '1s' },
    'a ttl of two days': { match: {}, names: ['*'], ttl: '48h' },
    'a label of another family': { match: {}, names: ['*'], assign: { 'aws.account': '1' } },
    'claims on what a sidecar may not set': {
      match: {},
      names: ['*'],
      claims: { 'aws.account': '*' },
    },
    'claims on labels': { match: {}, names: ['*'], claims: { 'label.*': '*' } },
    'no keys per node': { match: {}, names: ['*'], keysPerNode: 0 },
    'half a key per node': { match: {}, names: ['*'], keysPerNode: 1.5 },
    'a requirement that nobody can meet': { match: {}, names: ['*'], require: ['luck'] },
    'no requirements, listed': { match: {}, names: ['*'], require: [] },
    'a form that AWS does not sign': { match: {}, names: ['*'], forms: ['sha1'] },
    'a first enrolment after the window': { match: {}, names: ['*'], firstEnrolmentWithin: '16m' },
  }
  for (const [what, spec] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(() => ruleOf(spec))
        .to.throw(PolicyError)
        .with.property('code', 'ERR_DOCUMENT')
    })
  }
})

describe('LabelAssignment', () => {
  const select = (selector: object): LabelAssignmentSpec => {
    const spec = { select: selector, labels: { 'label.tier': 'front' } }
    const [document] = parseDocuments(JSON.stringify({ kind: 'LabelAssignment', name: 'l', spec }))
    if (document?.kind !== 'LabelAssignment') throw new Error('expected a label assignment')
    return document.spec
  }
  const profile = createProfile([assigned, observed]).profile
  const cases = [
    [{}, 'assigned'],
    [{ 'label.app': 'web' }, 'assigned'],
    [{ 'image.name': 'web' }, 'observed'],
    [{ 'label.app': 'web', 'image.name': 'web' }, 'observed'],
    [[{ 'image.name': 'web' }, { 'label.app': 'web' }], 'assigned'],
    [{ 'os.user': '!*' }, 'observed'],
    [{ 'aws.account': '!*' }, 'assigned'],
    [{ 'app.x@claimed': '!*' }, 'claimed'],
    [{ 'label.app': 'db' }, undefined],
  ] as const
  for (const [selector, expected] of cases) {
    it(`gives labels that are ${expected ?? 'not there'} for ${JSON.stringify(selector)}`, () => {
      const matched = matchedProvenance(select(selector).select, profile)
      expect(matched && labelProvenance(matched)).to.equal(expected)
    })
  }
})
