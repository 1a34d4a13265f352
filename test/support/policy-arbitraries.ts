import fc from 'fast-check'
import type { Attribute } from '../../src/identity/attributes.ts'
import { createProfile, type TrustProfile } from '../../src/identity/profile.ts'
import { provenances } from '../../src/identity/provenance.ts'
import { isDecisive, parseDocuments, type DecisionDocument } from '../../src/policy/index.ts'
import { conditionTexts } from './policy-conditions.ts'

/** So few keys and values that random profiles and policies meet often. */
const keys = ['label.app', 'label.env', 'image.name', 'os.user', 'app.version']
const values = ['a', 'b', 'c']

const attribute: fc.Arbitrary<Attribute> = fc.record({
  key: fc.constantFrom(...keys),
  value: fc.constantFrom(...values),
  provenance: fc.constantFrom(...provenances),
})

export const profiles: fc.Arbitrary<TrustProfile> = fc
  .array(attribute, { maxLength: 6 })
  .map((attributes) => createProfile(attributes).profile)

/** Each key with the provenances that it can be asked for. */
const askedKeys = [
  'label.app',
  'label.app@assigned',
  'label.app@claimed',
  'label.env',
  'label.env@assigned',
  'image.name',
  'image.name@claimed',
  'os.user',
  'os.user@claimed',
  'app.version@claimed',
]

const tests = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...values) },
  { weight: 2, arbitrary: fc.array(fc.constantFrom(...values, '*'), { minLength: 1 }) },
  fc.constantFrom('*', '!a', '!b', '!*'),
  fc.constantFrom(['!*', 'a'], ['!*', '!b'], ['!*', '*'], ['!*', 'a', 'c']),
)

const map = fc.dictionary(fc.constantFrom(...askedKeys), tests, {
  maxKeys: 3,
  noNullPrototype: true,
})
const selector = fc.oneof(
  { weight: 3, arbitrary: map },
  fc.array(map, { minLength: 1, maxLength: 3 }),
)

export const ports: fc.Arbitrary<number> = fc.constantFrom(80, 443, 5432)
export const times: fc.Arbitrary<number> = fc
  .integer({ min: 0, max: 4 })
  .map((step) => step * 1_000)

const portList = fc.array(
  ports.map((port) => `tcp/${String(port)}`),
  { minLength: 1 },
)
const ends = times.map((ms) => new Date(ms).toISOString())

const policySpec = fc.record(
  {
    from: selector,
    to: selector,
    action: fc.constantFrom('allow', 'allow', 'allow', 'deny'),
    ports: portList,
    encryption: fc.constantFrom('required', 'optional', 'none'),
    mode: fc.constantFrom('enforce', 'enforce', 'observe'),
    expires: ends,
    when: conditionTexts,
    onReject: fc.constantFrom('keep', 'deny-new'),
  },
  { requiredKeys: ['from', 'to', 'action'], noNullPrototype: true },
)

const guardrailSpec = fc
  .record(
    {
      from: selector,
      to: selector,
      ports: portList,
      when: conditionTexts,
      action: fc.constantFrom('deny', 'alert', 'alert'),
      encryption: fc.constant('required'),
      maxStale: fc.constantFrom('30s', '60m'),
      expires: ends,
    },
    { requiredKeys: ['from'], noNullPrototype: true },
  )
  .filter((spec) => [spec.action, spec.encryption, spec.maxStale].some((set) => set !== undefined))

const observeSpec = fc.record(
  { scope: selector, expires: ends, external: fc.boolean() },
  { requiredKeys: ['scope', 'expires'], noNullPrototype: true },
)

const document = fc.oneof(
  { weight: 6, arbitrary: policySpec.map((spec) => ({ kind: 'NetworkPolicy', spec })) },
  { weight: 2, arbitrary: guardrailSpec.map((spec) => ({ kind: 'Guardrail', spec })) },
  { weight: 1, arbitrary: observeSpec.map((spec) => ({ kind: 'Observe', spec })) },
)

/** The text of documents with unique names. */
export const policyTexts: fc.Arbitrary<string> = fc
  .array(document, { maxLength: 10 })
  .map((documents) =>
    JSON.stringify(documents.map((each, at) => ({ ...each, name: `p${String(at)}` }))),
  )

export const policies: fc.Arbitrary<DecisionDocument[]> = policyTexts.map((text) =>
  parseDocuments(text).filter(isDecisive),
)
