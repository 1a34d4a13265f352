import { expect } from 'chai'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import {
  compilePolicies,
  decodeDocument,
  encodeSpec,
  explain,
  parseDocuments,
  PolicyError,
  profileOfService,
  requiredSchema,
  type HttpRequest,
  type Passage,
  type PolicyDocument,
  type Verdict,
} from '../../../src/policy/index.ts'

const app = (name: string): TrustProfile =>
  createProfile([{ key: 'label.app', value: name, provenance: 'assigned' }]).profile

const ends = { from: { 'label.app': 'web' }, to: { 'label.app': 'db' }, ports: ['tcp/80'] }
const allow = { ...ends, action: 'allow' }
const question = { from: app('web'), to: app('db'), port: 80, now: 0 }
const get: HttpRequest = { method: 'GET', host: 'db', path: ['a'], headers: new Map() }

const written = (kind: string, name: string, spec: object): object => ({ kind, name, spec })
const policy = (name: string, spec: object): object => written('NetworkPolicy', name, spec)
const guardrail = (name: string, spec: object): object => written('Guardrail', name, spec)
const balancer = written('ExternalService', 'lb', { cidrs: ['192.0.2.1'], l7: true })

function parseOne(document: object): PolicyDocument {
  const [parsed] = parseDocuments(JSON.stringify([document]))
  if (parsed === undefined) throw new Error('expected a document')
  return parsed
}

const decide = (passage: Passage, documents: readonly object[], asked = question): Verdict =>
  compilePolicies(parseDocuments(JSON.stringify(documents))).decideRequest(asked, get, passage)

function problemsOf(document: object): string {
  try {
    parseOne(document)
  } catch (error: unknown) {
    if (error instanceof PolicyError) return error.problems.map(({ message }) => message).join('\n')
    throw error
  }
  return ''
}

describe('a relayed request', () => {
  const trusting = policy('p', { ...allow, relay: 'trusted' })
  const denied = { action: 'deny', reason: 'relay-untrusted' }

  it('meets encryption: required only where the policy trusts balancers', () => {
    expect(decide('relayed', [policy('p', allow)])).to.include({ ...denied, policy: 'p' })
    expect(decide('relayed', [trusting])).to.include({ action: 'allow', policy: 'p' })
    expect(decide('direct', [policy('p', allow)]).action).to.equal('allow')
  })

  for (const encryption of ['optional', 'none']) {
    it(`needs no trust where encryption is ${encryption}`, () => {
      expect(decide('relayed', [policy('p', { ...allow, encryption })]).action).to.equal('allow')
    })
  }

  it('goes by the strictest of the policies that match', () => {
    const clear = policy('a', { ...allow, encryption: 'none' })
    expect(decide('relayed', [clear, trusting])).to.include({ action: 'allow', policy: 'p' })
    const strict = policy('z', allow)
    expect(decide('relayed', [clear, trusting, strict])).to.include({ ...denied, policy: 'z' })
  })

  it('is bound by a guardrail that does not trust balancers, whatever policies say', () => {
    const strict = guardrail('g', { encryption: 'required' })
    expect(decide('relayed', [trusting, strict])).to.include({ ...denied, policy: 'g' })
    expect(decide('direct', [trusting, strict]).action).to.equal('allow')
    const content = guardrail('f', { encryption: 'required', relay: 'trusted' })
    expect(decide('relayed', [trusting, content]).action).to.equal('allow')
    expect(decide('relayed', [trusting, content, strict])).to.include({ ...denied, policy: 'g' })
    expect(decide('relayed', [policy('p', allow), content])).to.include({ ...denied, policy: 'p' })
  })

  it('is bound by a guardrail whose condition is unknown', () => {
    const when = "one(from, 'label.env') == 'x'"
    const unknown = guardrail('g', { when, encryption: 'required' })
    expect(decide('relayed', [trusting, unknown])).to.include({ ...denied, policy: 'g' })
  })

  it('is denied as any other where nothing allows it, or something denies it', () => {
    const strict = guardrail('g', { encryption: 'required' })
    expect(decide('relayed', [strict]).reason).to.equal('no-policy-matched')
    const no = policy('no', { ...ends, action: 'deny' })
    expect(decide('relayed', [trusting, no])).to.include({ reason: 'denied-by-policy' })
  })

  it('is not let in by an Observe, which encrypts', () => {
    const spec = { scope: {}, expires: new Date(1_000).toISOString() }
    const observe = written('Observe', 'o', spec)
    expect(decide('direct', [observe]).reason).to.equal('allowed-by-observe')
    expect(decide('relayed', [observe])).to.include({ ...denied, policy: 'o' })
  })
})

describe('a request without a token, from a balancer', () => {
  const service = parseOne(balancer)
  if (service.kind !== 'ExternalService') throw new Error('expected a service')
  const asked = { ...question, from: profileOfService(service) }
  const from = { external: { name: 'lb' } }
  const open = { ...allow, from, encryption: 'optional' }

  it('is let in by http rules that it meets, and by nothing else', () => {
    const missing = { action: 'deny', reason: 'token-missing' }
    expect(decide('direct', [policy('p', open)], asked).action).to.equal('allow')
    expect(decide('tokenless', [policy('p', open)], asked)).to.include(missing)
    const health = policy('h', { ...open, http: [{ paths: ['/a'] }] })
    expect(decide('tokenless', [policy('p', open), health], asked)).to.include({
      action: 'allow',
      policy: 'h',
    })
    const other = policy('h', { ...open, http: [{ paths: ['/b'] }] })
    expect(decide('tokenless', [policy('p', open), other], asked)).to.include(missing)
  })

  it('is not let in by an Observe of the outside', () => {
    const spec = { scope: {}, expires: new Date(1_000).toISOString(), external: true }
    const observe = written('Observe', 'o', spec)
    expect(decide('direct', [observe], asked).action).to.equal('allow')
    expect(decide('tokenless', [observe], asked).reason).to.equal('token-missing')
  })

  it('is denied by what denies, with or without http rules', () => {
    const health = policy('h', { ...open, http: [{ paths: ['/a'] }] })
    const no = policy('no', { ...ends, from, action: 'deny' })
    expect(decide('tokenless', [health, no], asked).reason).to.equal('denied-by-policy')
  })
})

describe('relay and l7', () => {
  it('are written back as they were read, and need a sidecar that knows them', () => {
    const documents = [
      policy('p', { ...allow, relay: 'trusted' }),
      guardrail('g', { encryption: 'required', relay: 'trusted' }),
      balancer,
    ]
    for (const each of documents) {
      const document = parseOne(each)
      const sent = { ...document, specJson: encodeSpec(document) }
      expect(decodeDocument(sent)).to.deep.equal(document)
      expect(requiredSchema(document)).to.equal(5)
    }
    const plain = written('ExternalService', 'x', { cidrs: ['192.0.2.1'], l7: false })
    expect(requiredSchema(parseOne(plain))).to.equal(3)
  })

  const refused: Record<string, readonly [document: object, says: string]> = {
    'a deny': [policy('p', { ...ends, action: 'deny', relay: 'trusted' }), 'for an allow with'],
    'less than encryption': [
      policy('p', { ...allow, encryption: 'none', relay: 'trusted' }),
      '"encryption: required"',
    ],
    'an external peer': [
      policy('p', { ...allow, from: { external: {} }, encryption: 'optional', relay: 'trusted' }),
      '"from" and "to" have to select those',
    ],
    'another word than trusted': [policy('p', { ...allow, relay: 'yes' }), 'expected trusted'],
    'a guardrail that asks for no encryption': [
      guardrail('g', { action: 'alert', relay: 'trusted' }),
      'as good as "encryption: required"',
    ],
    'the metadata service': [
      written('ExternalService', 'aws-imds', { cidrs: ['169.254.169.254'], l7: true }),
      'is nothing but',
    ],
  }
  for (const [name, [document, says]] of Object.entries(refused)) {
    it(`are refused with ${name}`, () => {
      expect(problemsOf(document)).to.include(says)
    })
  }

  it('are explained, without keeping a connection from matching', () => {
    const set = compilePolicies([parseOne(policy('p', { ...allow, relay: 'trusted' }))])
    const { verdict, policies } = explain(set, question)
    expect(verdict.action).to.equal('allow')
    expect(policies[0]?.because).to.include('a request that a balancer passes on')
    const miss = explain(set, { ...question, port: 81 })
    expect(miss.nearestMiss).to.equal(
      'policy p would allow this if the port were tcp/80; it is tcp/81',
    )
  })
})
