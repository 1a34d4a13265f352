import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import {
  documentJsonSchema,
  documentJsonSchemaText,
  documentKinds,
  parseDocuments,
} from '../../src/policy/index.ts'
import { isAccepted } from '../support/json-schema-check.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const schema = documentJsonSchema()
const guide = [...read('docs/policy.md').matchAll(/^```yaml\n(.*?)^```$/gms)].map(
  ([, block = '']) => block,
)
const examples = [
  ...guide,
  read('demo/policies/network.yaml'),
  read('demo/policies/enrolment.yaml'),
]

describe('the guide to policy', () => {
  it('shows examples of its own', () => {
    expect(guide.length).to.be.at.least(8)
  })

  for (const [at, block] of guide.entries()) {
    it(`has a valid example ${String(at + 1)}: ${block.split('\n', 2).join(', ')}`, () => {
      expect(parseDocuments(block)).to.not.be.empty
    })
  }
})

describe('documentJsonSchema()', () => {
  it('is what is committed', () => {
    const committed = read('schema/blazon-policy.schema.json')
    expect(committed === documentJsonSchemaText(), 'run scripts/generate-schema.ts').to.be.true
  })

  it('accepts every example', () => {
    const documents = examples
      .flatMap((text) => [...parseAllDocuments(text)])
      .map((document) => document.toJS() as unknown)
    expect(documents.length).to.be.greaterThan(15)
    for (const document of documents) {
      expect(isAccepted(schema, document), JSON.stringify(document)).to.be.true
    }
  })

  const good = {
    kind: 'NetworkPolicy',
    name: 'p',
    spec: { from: {}, to: { 'label.a': ['x'] }, action: 'allow' },
  }
  const withSpec = (spec: object): object => ({ ...good, spec: { ...good.spec, ...spec } })
  const refused: Record<string, object> = {
    'an unknown kind': { ...good, kind: 'NetworkPolcy' },
    'an absent name': { kind: good.kind, spec: good.spec },
    'an unknown field': withSpec({ encription: 'required' }),
    'an absent selector': { ...good, spec: { to: {}, action: 'allow' } },
    'a misspelled action': withSpec({ action: 'alow' }),
    'a port as a number': withSpec({ ports: [443] }),
    'a number as a value': withSpec({ from: { 'aws.account': 12 } }),
    'a key that is none': withSpec({ from: { App: 'x' } }),
    'an unknown provenance': withSpec({ from: { 'label.a@asigned': 'x' } }),
    'an empty list': withSpec({ ports: [] }),
    'a time without a zone': withSpec({ expires: '2027-01-31T00:00:00' }),
    'an Observe without an end': { kind: 'Observe', name: 'o', spec: { scope: {} } },
    'weaker encryption by a guardrail': {
      kind: 'Guardrail',
      name: 'g',
      spec: { from: {}, encryption: 'none' },
    },
  }

  it('accepts what is good', () => {
    expect(isAccepted(schema, good)).to.be.true
  })

  for (const [what, document] of Object.entries(refused)) {
    it(`refuses ${what}, as the parser does`, () => {
      expect(isAccepted(schema, document)).to.be.false
      expect(() => parseDocuments(JSON.stringify(document))).to.throw()
    })
  }

  it('knows every kind', () => {
    expect(Object.keys(schema['$defs'] as object)).to.deep.equal(documentKinds)
  })
})
