import { expect } from 'chai'
import {
  decodeDocument,
  encodeSpec,
  parseDocuments,
  PolicyError,
} from '../../../src/policy/index.ts'
import { documentLimits } from '../../../src/policy/limits.ts'

const encoded = (spec: string): Parameters<typeof decodeDocument>[0] => ({
  kind: 'NetworkPolicy',
  name: 'p',
  namespace: '/',
  specJson: Buffer.from(spec),
})

describe('encodeSpec()', () => {
  it('sorts keys and sets, and leaves out defaults', () => {
    const [document] = parseDocuments(`
kind: NetworkPolicy
name: p
spec:
  to: [{ label.b: [y, x, y], label.a@assigned: '!*' }, { label.app: ['!*', a] }]
  from: { label.app@observed: [web] }
  ports: [tcp/443, tcp/80, tcp/443]
  mode: enforce
  encryption: required
  expires: 2027-01-31T01:00:00+01:00
  action: allow
`)
    expect(document && encodeSpec(document).toString()).to.equal(
      '{"action":"allow","expires":"2027-01-31T00:00:00Z","from":{"label.app":"web"},' +
        '"ports":["tcp/80","tcp/443"],' +
        '"to":[{"label.a@assigned":"!*","label.b":["x","y"]},{"label.app":["!*","a"]}]}',
    )
  })
})

describe('decodeDocument()', () => {
  const good = '{"action":"deny","from":{},"to":{"label.app":"a"}}'

  it('reads canonical JSON', () => {
    expect(decodeDocument(encoded(good)).name).to.equal('p')
  })

  const refused: Record<string, Parameters<typeof decodeDocument>[0]> = {
    'an unknown field': encoded('{"action":"deny","from":{},"to":{},"zone":"a"}'),
    'an unknown kind': { ...encoded(good), kind: 'Guardrail' },
    'a bad name': { ...encoded(good), name: 'A b' },
    'an empty name': { ...encoded(good), name: '' },
    'another namespace': { ...encoded(good), namespace: '/x' },
    'a repeated key': encoded('{"action":"allow","action":"deny","from":{},"to":{}}'),
    'white space': encoded(`${good} `),
    'unsorted keys': encoded('{"from":{},"action":"deny","to":{}}'),
    'a written default': encoded('{"action":"deny","from":{},"mode":"enforce","to":{}}'),
    'an unsorted set': encoded('{"action":"deny","from":{"label.a":["b","a"]},"to":{}}'),
    'a byte order mark': encoded(`\uFEFF${good}`),
    'broken UTF-8': { ...encoded(good), specJson: Buffer.from([0x22, 0xff, 0x22]) },
    'no JSON': encoded('{'),
    'no map': encoded('[]'),
    nothing: encoded(''),
    'deep nesting': encoded('['.repeat(5_000) + ']'.repeat(5_000)),
    'too many bytes': encoded(' '.repeat(documentLimits.specBytes + 1)),
  }
  for (const [what, document] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(() => decodeDocument(document))
        .to.throw(PolicyError)
        .with.property('code', 'ERR_DOCUMENT')
    })
  }
})
