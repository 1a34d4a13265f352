import { expect } from 'chai'
import fc from 'fast-check'
import { stringify } from 'yaml'
import {
  decodeDocument,
  encodeSpec,
  parseDocuments,
  PolicyError,
  type PolicyDocument,
} from '../../src/policy/index.ts'
import { policyTexts } from '../support/policy-arbitraries.ts'
import { propertyRuns } from '../support/property-runs.ts'

const labels = { 'label.app': 'web', 'label.owner': ['ann', 'bob'] }
const rule = fc.record(
  {
    match: fc.constantFrom({}, { 'label.app': 'web' }, [{ 'image.name@observed': ['a', 'b'] }]),
    names: fc.constantFrom(['web'], ['web-*', 'api', 'api']),
    ttl: fc.constantFrom('30s', '60m', '1h', '24h'),
    assign: fc.constant(labels),
    claims: fc.constantFrom({ 'os.*': '*' }, { 'app.version': ['2', '1'], 'env.*': 'x*' }),
    keysPerNode: fc.integer({ min: 1, max: 3 }),
    require: fc.constantFrom(['ec2'], ['sts-proof', 'ec2']),
    forms: fc.constantFrom(['rsa2048'], ['signature', 'pkcs7', 'pkcs7']),
    firstEnrolmentWithin: fc.constantFrom('30s', '10m', '600s'),
  },
  { requiredKeys: ['match', 'names'], noNullPrototype: true },
)
const ruleTexts = rule.map((spec) => JSON.stringify([{ kind: 'EnrolmentRule', name: 'r', spec }]))
const documentTexts = fc.oneof(policyTexts, ruleTexts)

function stored(document: PolicyDocument): Parameters<typeof decodeDocument>[0] {
  const { kind, name, namespace } = document
  return { kind, name, namespace, specJson: encodeSpec(document) }
}

/** Anything but `PolicyError` with a sentence in it fails the property. */
function refusalOf(parse: () => unknown): PolicyError | undefined {
  try {
    parse()
    return undefined
  } catch (error: unknown) {
    if (!(error instanceof PolicyError)) throw error
    expect(error.problems).to.not.be.empty
    return error
  }
}

describe('canonical specs', function () {
  this.timeout(30_000)

  it('are read back as the same document, and written again as the same bytes', () => {
    fc.assert(
      fc.property(documentTexts, (text) => {
        for (const document of parseDocuments(text)) {
          const decoded = decodeDocument(stored(document))
          expect(decoded).to.deep.equal(document)
          expect(encodeSpec(decoded)).to.deep.equal(encodeSpec(document))
        }
      }),
      propertyRuns(),
    )
  })

  it('are the same for YAML as for JSON', () => {
    fc.assert(
      fc.property(documentTexts, (text) => {
        expect(parseDocuments(stringify(JSON.parse(text)))).to.deep.equal(parseDocuments(text))
      }),
      propertyRuns(50),
    )
  })

  it('are refused with PolicyError only, when bytes of them are changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 3,
    })
    fc.assert(
      fc.property(documentTexts, changes, (text, changed) => {
        for (const document of parseDocuments(text)) {
          const encoded = stored(document)
          const specJson = Buffer.from(encoded.specJson)
          for (const [at, byte] of changed) specJson[at % specJson.length] = byte
          refusalOf(() => {
            // What is still accepted is itself canonical.
            expect(encodeSpec(decodeDocument({ ...encoded, specJson }))).to.deep.equal(specJson)
          })
        }
      }),
      propertyRuns(),
    )
  })
})

describe('parseDocuments() on anything', function () {
  this.timeout(30_000)

  it('throws PolicyError only, for any JSON value', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        refusalOf(() => parseDocuments(text))
      }),
      propertyRuns(),
    )
  })

  it('throws PolicyError only, for any text', () => {
    const pieces = [
      'kind: ',
      'NetworkPolicy',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ': ',
      '&a ',
      '*a',
      '!',
      '? ',
      "'",
      '"',
      '---\n',
      '%',
      '|',
      '#',
      'a',
      '\0',
      '\uFEFF',
      '\uD800',
      'é',
      '<<: ',
    ]
    const text = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (written) => {
        refusalOf(() => parseDocuments(written))
      }),
      propertyRuns(100),
    )
  })

  it('throws PolicyError only, and points into the text, when a good file is damaged', () => {
    const damage = fc.array(
      fc.tuple(fc.nat(), fc.constantFrom('', ' ', ':', '\n', '@', '!', 'x', '}')),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    fc.assert(
      fc.property(documentTexts, damage, (json, damages) => {
        let text = stringify(JSON.parse(json))
        for (const [at, put] of damages) {
          const cut = at % (text.length + 1)
          text = text.slice(0, cut) + put + text.slice(cut + 1)
        }
        const lines = text.split('\n').length
        for (const { line, column } of refusalOf(() => parseDocuments(text))?.problems ?? []) {
          expect(line).to.be.within(1, lines)
          expect(column).to.be.at.least(1)
        }
      }),
      propertyRuns(60),
    )
  })
})
