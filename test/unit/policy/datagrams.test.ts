import { expect } from 'chai'
import { createProfile } from '../../../src/identity/profile.ts'
import {
  compilePolicies,
  decodeDocument,
  encodeSpec,
  explain,
  formatPort,
  icmpPort,
  isDecisive,
  parseDocuments,
  parsePort,
  PolicyError,
  profileOfService,
  requiredSchema,
  unlistedProfile,
  type ExternalService,
  type PolicySet,
  type Verdict,
} from '../../../src/policy/index.ts'

const udp53 = 65_536 + 53
const web = createProfile([{ key: 'label.app', value: 'web', provenance: 'assigned' }]).profile
const [service] = parseDocuments(
  '{ kind: ExternalService, name: dns, spec: { cidrs: [192.0.2.0/24] } }',
) as ExternalService[]
if (service === undefined) throw new Error('expected a service')
const dns = profileOfService(service)

const allow = {
  from: { 'label.app': 'web' },
  to: { external: { name: 'dns' } },
  action: 'allow',
  encryption: 'optional',
}

function setOf(...specs: readonly object[]): PolicySet {
  const documents = specs.map((spec, at) => ({
    kind: 'scope' in spec ? 'Observe' : 'action' in spec ? 'NetworkPolicy' : 'Guardrail',
    name: `p${String(at)}`,
    spec,
  }))
  return compilePolicies(parseDocuments(JSON.stringify(documents)).filter(isDecisive))
}

const ask = (set: PolicySet, port: number, to = dns): Verdict['action'] =>
  set.decide({ from: web, to, port, now: 0 }).action

describe('parsePort()', () => {
  it('reads what formatPort() writes, and each port as another one', () => {
    const written = ['tcp/1', 'tcp/65535', 'udp/1', 'udp/65535', 'icmp']
    const ports = written.map(parsePort)
    expect(ports.map((port) => formatPort(port ?? 0))).to.deep.equal(written)
    expect(new Set(ports).size).to.equal(written.length)
  })

  for (const text of [
    'udp/0',
    'udp/65536',
    'udp/053',
    'UDP/53',
    'icmp/8',
    'icmpv6',
    'sctp/1',
    '',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(parsePort(text)).to.equal(undefined)
    })
  }
})

describe('datagrams in policy', () => {
  it('are allowed where an allow names them, and nothing else is by that', () => {
    const set = setOf({ ...allow, ports: ['udp/53', 'icmp'] })
    expect([udp53, icmpPort].map((port) => ask(set, port))).to.deep.equal(['allow', 'allow'])
    const others = [53, udp53 + 1, 65_536, 131_073, 0, -1, 2 ** 32 + 53]
    expect(others.map((port) => ask(set, port))).to.deep.equal(others.map(() => 'deny'))
  })

  it('are not among all ports of an allow or an Observe, which are those of TCP', () => {
    const open = { scope: {}, expires: '2100-01-01T00:00:00Z', external: true }
    const set = setOf(allow, open)
    expect(ask(set, 53)).to.equal('allow')
    for (const to of [dns, unlistedProfile]) {
      expect(ask(set, udp53, to)).to.equal('deny')
      expect(ask(set, icmpPort, to)).to.equal('deny')
    }
  })

  const denials: Readonly<Record<string, object>> = {
    'a deny without ports': { from: {}, to: {}, action: 'deny' },
    'a deny of that port': { from: {}, to: {}, ports: ['udp/53'], action: 'deny' },
    'a guardrail': { to: { external: {} }, encryption: 'required' },
    'a deny by the number of the port': { from: {}, to: {}, action: 'deny', when: 'port == 53' },
  }
  for (const [what, denial] of Object.entries(denials)) {
    it(`are denied by ${what}`, () => {
      expect(ask(setOf({ ...allow, ports: ['udp/53'] }, denial), udp53)).to.equal('deny')
    })
  }

  it('are not denied by what names other ports', () => {
    const denial = { from: {}, to: {}, ports: ['tcp/53', 'udp/54', 'icmp'], action: 'deny' }
    expect(ask(setOf({ ...allow, ports: ['udp/53'] }, denial), udp53)).to.equal('allow')
  })

  it('are explained', () => {
    const question = { from: web, to: dns, port: udp53, now: 0 }
    const allowed = explain(setOf({ ...allow, ports: ['udp/53'] }), question)
    expect(allowed.policies[0]?.because).to.contain('the port is udp/53')
    expect(explain(setOf({ ...allow, ports: ['icmp'] }), question).nearestMiss).to.equal(
      'policy p0 would allow this if the port were icmp; it is udp/53',
    )
    expect(explain(setOf(allow), question).nearestMiss).to.equal(
      'policy p0 would allow this if it named udp/53; without ports it allows TCP only',
    )
  })

  it('are kept in canonical form, and need a sidecar that knows them', () => {
    const named = { ...allow, ports: ['icmp', 'udp/53', 'tcp/53'] }
    const [document] = parseDocuments(
      JSON.stringify({ kind: 'NetworkPolicy', name: 'p', spec: named }),
    )
    if (document === undefined) throw new Error('expected a document')
    expect(encodeSpec(document).toString()).to.contain('"ports":["tcp/53","udp/53","icmp"]')
    expect(decodeDocument({ ...document, specJson: encodeSpec(document) })).to.deep.equal(document)
    expect(requiredSchema(document)).to.equal(6)
    expect(requiredSchema(service)).to.equal(3)
  })

  const refused: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
    'to anybody': [
      JSON.stringify({
        kind: 'NetworkPolicy',
        name: 'p',
        spec: { ...allow, to: {}, ports: ['icmp'] },
      }),
      /is for external services/,
    ],
    'to workloads as well': [
      JSON.stringify({
        kind: 'NetworkPolicy',
        name: 'p',
        spec: { ...allow, to: [allow.to, { 'label.app': 'db' }], ports: ['icmp'] },
      }),
      /is for external services/,
    ],
    'with http rules': [
      JSON.stringify({
        kind: 'NetworkPolicy',
        name: 'p',
        spec: { from: {}, to: {}, action: 'deny', http: [{ paths: ['/a'] }], ports: ['udp/80'] },
      }),
      /TCP ports only/,
    ],
    'of a service without networks': [
      '{ kind: ExternalService, name: dns, spec: { dns: [a.example], ports: [udp/53] } }',
      /expected "cidrs" as well/,
    ],
  }
  for (const [what, [text, says]] of Object.entries(refused)) {
    it(`are refused ${what}`, () => {
      expect(() => parseDocuments(text)).to.throw(PolicyError, says)
    })
  }
})
