import { expect } from 'chai'
import { ControllerError } from '../../../src/controller/controller-error.ts'
import { admit, type Admission } from '../../../src/controller/enrolment/admission.ts'
import type { Attribute } from '../../../src/identity/index.ts'
import {
  parseDocuments,
  type DocumentForm,
  type EnrolmentRule,
  type LabelAssignment,
} from '../../../src/policy/index.ts'
import { expectError } from '../../support/expect-error.ts'

const assigned = (key: string, value: string): Attribute => ({ key, value, provenance: 'assigned' })
const observed = (key: string, value: string): Attribute => ({ key, value, provenance: 'observed' })

const rule = (name: string, spec: string): string =>
  `---\nkind: EnrolmentRule\nname: ${name}\nspec: ${spec}\n`

function decide(
  text: string,
  question: {
    name?: string
    node?: Attribute[]
    documentForm?: DocumentForm
    reported?: Attribute[]
    now?: number
  } = {},
): Admission {
  const documents = parseDocuments(text)
  return admit({
    name: question.name ?? 'web',
    nodeAttributes: question.node ?? [assigned('label.join', 'test')],
    documentForm: question.documentForm,
    reported: question.reported ?? [],
    rules: documents.filter((one): one is EnrolmentRule => one.kind === 'EnrolmentRule'),
    assignments: documents.filter((one): one is LabelAssignment => one.kind === 'LabelAssignment'),
    ttlMs: 3_600_000,
    minTtlMs: 60_000,
    now: question.now ?? 0,
  })
}

const everybody = rule('all', "{ match: { label.join: test }, names: ['*'] }")
const expires = '2027-01-31T00:00:00Z'
const expiry = Date.parse(expires)

describe('admit()', () => {
  it('admits nobody without a rule', () => {
    expectError(
      () => decide(rule('none', "{ match: { label.x: y }, names: ['*'] }")),
      ControllerError,
      'ERR_PERMISSION',
    )
  })

  it('admits nobody whose name no matching rule lists', () => {
    const web = rule('web', '{ match: { label.join: test }, names: [web] }')
    expect(decide(web).rules).to.deep.equal(['web'])
    expectError(() => decide(web, { name: 'db' }), ControllerError, 'ERR_PERMISSION')
  })

  it('does not let a node choose its rule by what it reports', () => {
    const role = rule('role', "{ match: { image.name: nginx }, names: ['*'] }").replace(
      'image.name',
      'image.name@observed',
    )
    expect(decide(role, { reported: [observed('image.name', 'nginx')] }).rules).to.deep.equal([
      'role',
    ])
    const labelled = rule('labelled', "{ match: { label.env: prod }, names: ['*'] }")
    const forged = [assigned('label.env', 'prod')]
    expectError(() => decide(labelled, { reported: forged }), ControllerError, 'ERR_PERMISSION')
  })

  it('lets stand what every rule lists, and reports the rest', () => {
    const reported = [
      observed('os.uid', '0'),
      observed('os.user', 'root'),
      observed('os.exe', '/x'),
    ]
    const text =
      rule('a', "{ match: {}, names: ['*'], claims: { os.*: '*' } }") +
      rule('b', "{ match: {}, names: ['*'], claims: { os.uid: '*', os.user: [www] } }")
    const { profile, dropped } = decide(text, { reported })
    expect([...profile.entries.keys()]).to.deep.equal(['label.join', 'os.uid'])
    expect(dropped.map(({ key }) => key)).to.deep.equal(['os.user', 'os.exe'])
  })

  it('lets nothing stand that is only said, where rules are silent', () => {
    const { profile, dropped } = decide(everybody, { reported: [observed('os.uid', '0')] })
    expect([...profile.entries.keys()]).to.deep.equal(['label.join'])
    expect(dropped).to.have.length(1)
  })

  it('takes no more than a sidecar may say', () => {
    const text = rule('all', "{ match: {}, names: ['*'], claims: { os.*: '*', app.*: '*' } }")
    const reported: Attribute[] = [
      assigned('label.app', 'payments'),
      { key: 'aws.account', value: '1', provenance: 'signed' },
      { key: 'os.uid', value: '0', provenance: 'signed' },
      { key: 'os.kernel', value: '6', provenance: 'claimed' },
      observed('app.name', 'web'),
    ]
    const { profile } = decide(text, { reported })
    const provenances = Object.fromEntries(
      [...profile.entries].map(([key, entry]) => [key, entry.provenance]),
    )
    expect(provenances).to.deep.equal({
      'app.name': 'claimed',
      'label.join': 'assigned',
      'os.kernel': 'claimed',
      'os.uid': 'observed',
    })
  })

  it('admits by a rule until it expires, and says which one that was', () => {
    const text = rule('first', `{ match: {}, names: ['*'], expires: ${expires} }`)
    expect(decide(text, { now: expiry - 1 }).rules).to.deep.equal(['first'])
    expect(() => decide(text, { now: expiry })).to.throw(
      ControllerError,
      'no enrolment rule matches this node; these did until they expired: first',
    )
    expect(decide(everybody + text, { now: expiry }).rules).to.deep.equal(['all'])
  })

  it('gives no labels of rules and assignments that have expired', () => {
    const text =
      everybody +
      rule('a', `{ match: {}, names: ['*'], assign: { label.a: 'yes' }, expires: ${expires} }`) +
      `---\nkind: LabelAssignment\nname: b\nspec: { select: {}, labels: { label.b: 'yes' }, expires: ${expires} }\n`
    const keysAt = (now: number): string[] => [...decide(text, { now }).profile.entries.keys()]
    expect(keysAt(expiry - 1)).to.deep.equal(['label.a', 'label.b', 'label.join'])
    expect(keysAt(expiry)).to.deep.equal(['label.join'])
  })

  it('takes the shortest life and the fewest keys', () => {
    const text =
      rule('a', "{ match: {}, names: ['*'], ttl: 30m, keysPerNode: 5 }") +
      rule('b', "{ match: {}, names: ['*'], ttl: 10m, keysPerNode: 3 }") +
      rule('c', "{ match: {}, names: ['*'], keysPerNode: 4 }")
    expect(decide(text)).to.deep.include({ ttlMs: 600_000, keysPerNode: 3 })
    expect(decide(rule('a', "{ match: {}, names: ['*'], ttl: 2h }")).ttlMs).to.equal(3_600_000)
    expect(decide(rule('a', "{ match: {}, names: ['*'], ttl: 30s }")).ttlMs).to.equal(60_000)
  })

  it('takes the shortest window for a first enrolment', () => {
    const text =
      rule('a', "{ match: {}, names: ['*'], firstEnrolmentWithin: 10m }") +
      rule('b', "{ match: {}, names: ['*'], firstEnrolmentWithin: 5m }") +
      rule('c', "{ match: {}, names: ['*'] }")
    expect(decide(text).firstEnrolmentWithinMs).to.equal(300_000)
    expect(decide(everybody).firstEnrolmentWithinMs).to.equal(900_000)
  })

  it('refuses where any of the rules requires what cannot be checked', () => {
    const text = everybody + rule('b', "{ match: {}, names: ['*'], require: [ec2] }")
    expectError(() => decide(text), ControllerError, 'ERR_PRECONDITION')
    const elsewhere = everybody + rule('b', '{ match: {}, names: [db], require: [ec2] }')
    expect(decide(elsewhere).rules).to.deep.equal(['all'])
  })

  it('takes a weak form of a document only where all rules do', () => {
    const weak = rule('weak', "{ match: {}, names: ['*'], forms: [pkcs7] }")
    expect(decide(weak, { documentForm: 'pkcs7' }).rules).to.deep.equal(['weak'])
    const refused: readonly (readonly [string, DocumentForm])[] = [
      [everybody, 'pkcs7'],
      [everybody + weak, 'pkcs7'],
      [weak, 'rsa2048'],
      [weak, 'signature'],
    ]
    for (const [text, documentForm] of refused) {
      expectError(() => decide(text, { documentForm }), ControllerError, 'ERR_PERMISSION')
    }
    expect(decide(everybody, { documentForm: 'rsa2048' }).rules).to.deep.equal(['all'])
  })

  it('refuses rules that assign different values, and takes those that agree', () => {
    const assign = (name: string, value: string): string =>
      rule(name, `{ match: {}, names: ['*'], assign: { label.app: ${value} } }`)
    expectError(
      () => decide(assign('a', 'x') + assign('b', 'y')),
      ControllerError,
      'ERR_PRECONDITION',
    )
    const { profile } = decide(assign('a', 'x') + assign('b', 'x'))
    expect(profile.entries.get('label.app')?.values).to.deep.equal(['x'])
  })

  it('gives labels the provenance of what they were given for', () => {
    const text = rule(
      'a',
      "{ match: { os.user@observed: www }, names: ['*'], assign: { label.app: web }, claims: { os.user: www } }",
    )
    const { profile } = decide(text, { reported: [observed('os.user', 'www')] })
    expect(profile.entries.get('label.app')?.provenance).to.equal('observed')
  })

  it('adds the labels of documents, in whatever order they stand', () => {
    const label = (name: string, select: string, key: string): string =>
      `---\nkind: LabelAssignment\nname: ${name}\nspec: { select: ${select}, labels: { ${key}: 'yes' } }\n`
    const parts = [
      label('a', '{ label.join: test }', 'label.a'),
      label('b', '{ label.a: "yes" }', 'label.b'),
    ]
    const digests = [parts, [...parts].reverse()].map((documents) => {
      const { profile } = decide(everybody + documents.join(''))
      expect(profile.entries.has('label.a')).to.equal(true)
      // Assignments do not feed each other.
      expect(profile.entries.has('label.b')).to.equal(false)
      return profile.digest
    })
    expect(digests[0]).to.equal(digests[1])
  })
})
