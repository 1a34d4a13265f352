import fc from 'fast-check'
import type { Attribute } from '../../src/identity/attributes.ts'
import { createProfile, type TrustProfile } from '../../src/identity/profile.ts'
import { provenances } from '../../src/identity/provenance.ts'
import { parseDocuments, type NetworkPolicy } from '../../src/policy/index.ts'

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

const spec = fc.record(
  {
    from: selector,
    to: selector,
    action: fc.constantFrom('allow', 'allow', 'allow', 'deny'),
    ports: fc.array(
      ports.map((port) => `tcp/${String(port)}`),
      { minLength: 1 },
    ),
    encryption: fc.constantFrom('required', 'optional', 'none'),
    mode: fc.constantFrom('enforce', 'enforce', 'observe'),
    expires: times.map((ms) => new Date(ms).toISOString()),
  },
  { requiredKeys: ['from', 'to', 'action'], noNullPrototype: true },
)

/** The text of policies with unique names. */
export const policyTexts: fc.Arbitrary<string> = fc
  .array(spec, { maxLength: 8 })
  .map((specs) =>
    JSON.stringify(
      specs.map((each, at) => ({ kind: 'NetworkPolicy', name: `p${String(at)}`, spec: each })),
    ),
  )

export const policies: fc.Arbitrary<NetworkPolicy[]> = policyTexts.map((text) =>
  parseDocuments(text).filter((document) => document.kind === 'NetworkPolicy'),
)
