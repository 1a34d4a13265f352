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
  unlistedProfile,
  type ExternalService,
  type PolicyDocument,
  type Verdict,
} from '../../../src/policy/index.ts'

const text = (spec: string, name = 'stripe'): string =>
  `kind: ExternalService\nname: ${name}\nspec:\n${spec
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')}\n`

function read(yaml: string): PolicyDocument {
  const [document] = parseDocuments(yaml, 'f')
  if (document === undefined) throw new Error('expected a document')
  return document
}

function service(spec: string, name?: string): ExternalService {
  const document = read(text(spec, name))
  if (document.kind !== 'ExternalService') throw new Error('expected an external service')
  return document
}

const labelled = (...labels: readonly [key: string, value: string][]): TrustProfile =>
  createProfile(labels.map(([key, value]) => ({ key, value, provenance: 'assigned' }))).profile

describe('ExternalService', () => {
  it('is read with every field, in canonical form', () => {
    const { spec } = service(
      `cidrs: [2001:DB8::/32, 198.51.100.7, 203.0.113.0/24]
dns: [api.stripe.com, '*.stripe.network']
ports: [tcp/443]
attributes: { label.owner: payments, aws.account: ['1', '2'] }
private: true
sni: false
expires: 2027-01-31T00:00:00Z
l7: true`.replace('2001:DB8', '2001:db8:0'),
    )
    expect(spec).to.deep.equal({
      cidrs: ['198.51.100.7/32', '2001:db8::/32', '203.0.113.0/24'],
      dns: ['*.stripe.network', 'api.stripe.com'],
      ports: [443],
      attributes: new Map([
        ['aws.account', ['1', '2']],
        ['label.owner', ['payments']],
      ]),
      private: true,
      sni: false,
      expires: Date.UTC(2027, 0, 31),
      l7: true,
    })
  })

  it('survives being stored and sent', () => {
    const ending = 'dns: [a.b]\nexpires: 2027-01-31T00:00:00.001Z'
    for (const spec of ['cidrs: [0.0.0.0/0]', 'dns: [a.b]\nsni: true', ending]) {
      const document = service(spec)
      expect(decodeDocument({ ...document, specJson: encodeSpec(document) })).to.deep.equal(
        document,
      )
    }
  })

  const refused: Record<string, readonly [spec: string, at: string, says: RegExp]> = {
    'no place at all': ['ports: [tcp/443]', '4:3', /expected "cidrs" or "dns"/],
    'an empty list': ['cidrs: []', '4:10', /expected 1 to 1024 entries, got none/],
    'an unknown field': ['cidr: [10.0.0.0/8]', '4:3', /unknown field "cidr"; did you mean "cidrs"/],
    'l7 that is no flag': ['l7: yes please\ndns: [a.b]', '4:7', /expected true or false/],
    'too many networks': [
      `cidrs: [${Array.from({ length: 1_025 }, (_, at) => `10.0.${String(at >> 8)}.${String(at & 255)}`).join()}]`,
      '4:10',
      /expected 1 to 1024 entries, got 1025/,
    ],
    'bits behind the prefix': [
      'cidrs: [203.0.113.9/24]',
      '4:11',
      /bits are set behind the prefix; did you mean "203.0.113.0\/24"/,
    ],
    'bits behind the prefix of IPv6': ['cidrs: ["2001:db8::1/32"]', '4:11', /"2001:db8::\/32"/],
    loopback: ['cidrs: [127.0.0.1]', '4:11', /overlaps with loopback/],
    'IPv6 loopback': ['cidrs: ["::1"]', '4:11', /overlaps with loopback/],
    'link-local addresses': ['cidrs: [169.254.0.0/24]', '4:11', /link-local/],
    'IPv6 link-local addresses': ['cidrs: ["fe80::/64"]', '4:11', /link-local/],
    'a network around loopback': ['cidrs: [126.0.0.0/7]', '4:11', /overlaps with loopback/],
    'multicast addresses': ['cidrs: [239.0.0.1]', '4:11', /multicast/],
    'IPv4 in IPv6 form': ['cidrs: ["::ffff:10.0.0.1"]', '4:11', /write them as IPv4/],
    'an address in octal': ['cidrs: [010.0.0.1]', '4:11', /expected a network/],
    'an address in three parts': ['cidrs: [10.0.1]', '4:11', /expected a network/],
    'a zone': ['cidrs: ["fe80::1%eth0"]', '4:11', /expected a network/],
    'a prefix too long': ['cidrs: [10.0.0.0/33]', '4:11', /expected a network/],
    'a mask': ['cidrs: [10.0.0.0/255.0.0.0]', '4:11', /expected a network/],
    'metadata addresses': ['cidrs: [169.254.169.254]', '4:3', /only .* "aws-imds" may name/],
    'a name in upper case': ['dns: [API.example.com.]', '4:9', /did you mean "api.example.com"/],
    'an address as a name': ['dns: [10.0.0.1]', '4:9', /expected a lower-case DNS name/],
    'a single label': ['dns: [localhost]', '4:9', /expected a lower-case DNS name/],
    'a star before one label': ['dns: ["*.com"]', '4:9', /at least two labels/],
    'a star inside': ['dns: ["a.*.example.com"]', '4:9', /expected a lower-case DNS name/],
    'letters beyond ASCII': ['dns: [bücher.example]', '4:9', /xn--/],
    'what is about names, without any': [
      'cidrs: [10.0.0.0/8]\nprivate: true',
      '4:3',
      /"private" is/,
    ],
    'sni without names': ['cidrs: [10.0.0.0/8]\nsni: true', '4:3', /"sni" is about the names/],
    'attributes of programs': ['dns: [a.b]\nattributes: { os.user: x }', '5:17', /may assign/],
    'another name as attribute': [
      'dns: [a.b]\nattributes: { external.name: x }',
      '5:17',
      /may assign/,
    ],
    'an attribute that is none': ['dns: [a.b]\nattributes: { labl.x: x }', '5:17', /may assign/],
    'an end that is no time': ['dns: [a.b]\nexpires: tomorrow', '5:12', /expected a time such as/],
  }
  for (const [what, [spec, at, says]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(() => read(text(spec)))
        .to.throw(PolicyError, says)
        .with.property('message')
        .that.matches(new RegExp(`^f:${at}: `))
    })
  }

  it('lets only the metadata service name metadata addresses, and nothing else', () => {
    const cidrs = 'cidrs: [169.254.169.254, 169.254.170.2, "fd00:ec2::254"]'
    expect(service(cidrs, 'aws-imds').spec.cidrs).to.have.length(3)
    expect(() => service('cidrs: [10.0.0.0/8]', 'aws-imds')).to.throw(PolicyError, /nothing but/)
    expect(() => service('dns: [a.b]', 'aws-imds')).to.throw(PolicyError, /nothing but/)
  })

  it('gives its peers its attributes, assigned, and its name', () => {
    const { entries } = profileOfService(service('dns: [a.b]\nattributes: { aws.account: "1" }'))
    expect([...entries]).to.deep.equal([
      ['aws.account', { provenance: 'assigned', values: ['1'] }],
      ['external.name', { provenance: 'assigned', values: ['stripe'] }],
    ])
  })

  it('needs sidecars that know of it', () => {
    expect(requiredSchema(service('dns: [a.b]'))).to.equal(3)
    expect(requiredSchema(service('dns: [a.b]\nexpires: 2027-01-31T00:00:00Z'))).to.equal(5)
    const policy = read(
      'kind: NetworkPolicy\nname: p\nspec: { from: {}, to: { external: {} }, action: deny }',
    )
    expect(requiredSchema(policy)).to.equal(3)
  })
})

describe('a selector with `external`', () => {
  const withTo = (to: string, rest = 'action: allow, encryption: optional'): string =>
    `kind: NetworkPolicy\nname: p\nspec: { from: {}, to: ${to}, ${rest} }`

  const refused: Record<string, readonly [text: string, says: RegExp]> = {
    'beside another key': [withTo('{ external: {}, label.a: b }'), /stands alone in its map/],
    'in what is no map': [withTo('{ external: stripe }'), /expected a map such as/],
    'without a name': [withTo("{ external: { name: '!*' } }"), /every external service has a name/],
    'under the inner key': [withTo('{ external.name: x }'), /write { external: { name/],
    'in an allow that encrypts': [
      withTo('{ external: {} }', 'action: allow'),
      /needs "encryption: optional"/,
    ],
    'in an allow without encryption between peers': [
      withTo('{ external: {} }', 'action: allow, encryption: none'),
      /needs "encryption: optional"/,
    ],
    'at both ends': [
      withTo('{ external: {} }', 'action: deny').replace('from: {}', 'from: { external: {} }'),
      /has to select workloads/,
    ],
    'in the scope of an Observe': [
      'kind: Observe\nname: o\nspec: { scope: { external: {} }, expires: 2030-01-01T00:00:00Z }',
      /only workloads/,
    ],
    'in a label assignment': [
      'kind: LabelAssignment\nname: l\nspec: { select: { external: {} }, labels: { label.a: b } }',
      /only workloads/,
    ],
  }
  for (const [what, [yaml, says]] of Object.entries(refused)) {
    it(`is refused ${what}`, () => {
      expect(() => read(yaml)).to.throw(PolicyError, says)
    })
  }

  it('is written as it was read', () => {
    const to = '[{ external: { name: [a, b], label.x: y } }, { external: {} }, { label.a: b }]'
    const document = read(withTo(to))
    expect(encodeSpec(document).toString()).to.include(
      '"to":[{"external":{"label.x":"y","name":["a","b"]}},{"external":{}},{"label.a":"b"}]',
    )
    expect(decodeDocument({ ...document, specJson: encodeSpec(document) })).to.deep.equal(document)
  })
})

describe('decide() on peers outside the mesh', () => {
  const web = labelled(['label.app', 'web'])
  const stripe = profileOfService(
    service('dns: [a.b]\nattributes: { label.pci: "yes", label.app: web, aws.account: "1" }'),
  )
  const allow = `kind: NetworkPolicy
name: web-to-stripe
spec: { from: { label.app: web }, to: { external: { name: stripe } }, action: allow, encryption: optional }
`
  const decide = (yaml: string, from = web, to = stripe): Verdict =>
    compilePolicies(parseDocuments(yaml)).decide({ from, to, port: 443, now: 0 })

  it('allows what names the service, in clear', () => {
    expect(decide(allow)).to.include({
      action: 'allow',
      reason: 'allowed-by-policy',
      policy: 'web-to-stripe',
      encryption: 'optional',
    })
  })

  it('selects by attribute, at either end', () => {
    const byLabel = allow.replace('name: stripe }', 'label.pci: "yes" }')
    expect(decide(byLabel).action).to.equal('allow')
    expect(decide(byLabel.replace('"yes"', '"no"')).action).to.equal('deny')
    const inbound = byLabel.replace('from:', 'f:').replace('to:', 'from:').replace('f:', 'to:')
    expect(decide(inbound, stripe, web).action).to.equal('allow')
    expect(decide(inbound).action).to.equal('deny')
  })

  it('never takes an allow for workloads as one for services, whatever their attributes', () => {
    for (const to of ['{}', '{ label.app: web }', "{ label.app: '*' }", "{ label.none: '!*' }"]) {
      const yaml = `kind: NetworkPolicy\nname: p\nspec: { from: {}, to: ${to}, action: allow, encryption: none }`
      expect(decide(yaml).action, to).to.equal('deny')
      expect(decide(yaml, web, web).action, to).to.equal('allow')
      expect(decide(yaml, stripe, web).action, to).to.equal('deny')
    }
  })

  it('never takes an allow for services as one for workloads', () => {
    const any = allow.replace('{ name: stripe }', '{}')
    expect(decide(any, web, labelled(['label.app', 'stripe'])).action).to.equal('deny')
  })

  it('takes what denies as meant for everybody whom it fits', () => {
    const denied = `${allow}---\nkind: NetworkPolicy\nname: d\nspec: { from: { label.app: web }, to: {}, action: deny }`
    expect(decide(denied)).to.include({ reason: 'denied-by-policy', policy: 'd' })
  })

  it('denies what a guardrail wants encrypted', () => {
    const guarded = `${allow}---\nkind: Guardrail\nname: g\nspec: { encryption: required }`
    expect(decide(guarded)).to.include({
      action: 'deny',
      reason: 'encryption-required',
      policy: 'g',
    })
  })

  it('lets guardrails between accounts see the attributes of the service', () => {
    const guarded = (when: string): string =>
      `${allow}---\nkind: Guardrail\nname: g\nspec: { when: "${when}", encryption: required }`
    expect(decide(guarded("!('aws.account' in to)")).action).to.equal('allow')
    expect(decide(guarded("'aws.account' in from != 'aws.account' in to")).action).to.equal('deny')
    expect(decide(guarded("any(to, 'external.name', 'stripe')")).action).to.equal('deny')
  })

  it('never takes an allow for services as one for a peer that no document names', () => {
    const any = allow.replace('{ name: stripe }', '{}')
    expect(decide(any).action).to.equal('allow')
    expect(decide(any, web, unlistedProfile).action).to.equal('deny')
  })

  it('explains why an allow for workloads does not fit', () => {
    const yaml = 'kind: NetworkPolicy\nname: p\nspec: { from: {}, to: {}, action: allow }'
    const { nearestMiss } = explain(compilePolicies(parseDocuments(yaml)), {
      from: web,
      to: stripe,
      port: 443,
      now: 0,
    })
    expect(nearestMiss).to.equal(
      'policy p would allow this if to had no external.name; it has external.name=stripe',
    )
  })
})
