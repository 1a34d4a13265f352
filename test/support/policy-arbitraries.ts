import fc from 'fast-check'
import type { Attribute } from '../../src/identity/attributes.ts'
import { createProfile, type TrustProfile } from '../../src/identity/profile.ts'
import { provenances } from '../../src/identity/provenance.ts'
import {
  formatPort,
  isDecisive,
  type HttpRequest,
  profileOfService,
  unlistedProfile,
  parseDocuments,
  type DecisionDocument,
} from '../../src/policy/index.ts'
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

/** Profiles of peers outside the mesh, those that no document names among them. */
export const outsiders: fc.Arbitrary<TrustProfile> = fc.oneof(
  fc.constant(unlistedProfile),
  fc
    .record(
      {
        app: fc.constantFrom(...values),
        env: fc.constantFrom(...values),
      },
      { requiredKeys: [] },
    )
    .chain(({ app, env }) =>
      fc.constantFrom(...values).map((name) => {
        const given: [string, string | undefined][] = [
          ['label.app', app],
          ['label.env', env],
        ]
        const attributes = new Map(
          given.flatMap(([key, value]) => (value === undefined ? [] : [[key, [value]] as const])),
        )
        const spec = { cidrs: ['203.0.113.0/24'], attributes }
        const rest = {
          dns: undefined,
          ports: undefined,
          private: false,
          sni: undefined,
          expires: undefined,
          l7: false,
        }
        return profileOfService({
          kind: 'ExternalService',
          name,
          namespace: '/',
          spec: { ...spec, ...rest },
        })
      }),
    ),
)

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
/** Whom a scope can mean. */
const workloads = fc.oneof(
  { weight: 3, arbitrary: map },
  fc.array(map, { minLength: 1, maxLength: 3 }),
)

const external = fc
  .record(
    { test: fc.dictionary(fc.constantFrom('label.app', 'label.env'), tests, { maxKeys: 2 }) },
    { noNullPrototype: true },
  )
  .chain(({ test }) =>
    fc.option(fc.constantFrom('a', 'b', '!a', '*'), { nil: undefined }).map((name) => ({
      external: name === undefined ? { ...test } : { ...test, name },
    })),
  )

const selector = fc.oneof(
  { weight: 6, arbitrary: workloads },
  { weight: 1, arbitrary: external },
  { weight: 1, arbitrary: fc.tuple(map, external).map((both): object => both) },
)

export const tcpPorts: fc.Arbitrary<number> = fc.constantFrom(80, 443, 5432)
export const ports: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: tcpPorts },
  { weight: 1, arbitrary: fc.constantFrom(65_536 + 443, 131_072) },
)
export const times: fc.Arbitrary<number> = fc
  .integer({ min: 0, max: 4 })
  .map((step) => step * 1_000)

const portList = fc.array(ports.map(formatPort), { minLength: 1 })
const ends = times.map((ms) => new Date(ms).toISOString())

const methods = ['GET', 'POST'] as const
const hosts = ['a.test', 'b.a.test', 'c']
const headerLines = ['x', 'y', 'x, y']

const httpRule = fc
  .record(
    {
      methods: fc.subarray([...methods], { minLength: 1 }),
      hosts: fc.subarray(['a.test', '*.a.test', 'c'], { minLength: 1 }),
      paths: fc.subarray(['/a', '/*', '/a/*', '/**/b', '/a/**', '/a*/**'], { minLength: 1 }),
      headers: fc.constantFrom({ 'x-h': 'x' }, { 'x-h': ['x', 'y'], 'x-i': 'y' }),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter((rule) => Object.keys(rule).length > 0)

const lines = fc.array(fc.constantFrom(...headerLines), { maxLength: 2 })

export const httpRequests: fc.Arbitrary<HttpRequest> = fc.record({
  method: fc.constantFrom(...methods, 'DELETE'),
  host: fc.constantFrom(...hosts, ''),
  path: fc.array(fc.constantFrom('a', 'ab', 'b', ''), { minLength: 1, maxLength: 4 }),
  headers: fc
    .record({ h: lines, i: lines })
    .map(({ h, i }) => new Map([['x-h', h] as const, ['x-i', i] as const])),
})

const policySpec = fc.record(
  {
    from: selector,
    to: selector,
    action: fc.constantFrom('allow', 'allow', 'allow', 'deny'),
    ports: portList,
    http: fc.array(httpRule, { minLength: 1, maxLength: 2 }),
    encryption: fc.constantFrom('required', 'optional', 'none'),
    mode: fc.constantFrom('enforce', 'enforce', 'observe'),
    expires: ends,
    when: conditionTexts,
    onReject: fc.constantFrom('keep', 'deny-new'),
  },
  { requiredKeys: ['from', 'to', 'action'], noNullPrototype: true },
)

/** An allow that names external services has to say that it is content without encryption. */
const meaningfulPolicySpec = policySpec
  .filter(({ from, to }) => !isOnlyExternal(from) || !isOnlyExternal(to))
  .map((spec) => {
    const namesExternal = JSON.stringify([spec.from, spec.to]).includes('"external"')
    const written = withSuchPorts(canHaveHttp(spec) ? spec : { ...spec, http: undefined })
    if (!namesExternal || spec.action !== 'allow') return written
    return { ...written, encryption: 'optional' }
  })

/** Requests are read on TCP ports, and datagrams are allowed to external services only. */
function withSuchPorts<Spec extends { to: object; action: string; http?: unknown }>(
  spec: Spec & { ports?: string[] | undefined },
): Spec & { ports?: string[] | undefined } {
  const mayName = spec.http === undefined && (spec.action === 'deny' || isOnlyExternal(spec.to))
  if (spec.ports === undefined || mayName) return spec
  const ports = spec.ports.filter((port) => port.startsWith('tcp/'))
  return { ...spec, ports: ports.length === 0 ? ['tcp/80'] : ports }
}

function canHaveHttp(spec: { to: object; ports?: unknown; mode?: string }): boolean {
  const toExternal = JSON.stringify(spec.to).includes('"external"')
  return spec.ports !== undefined && spec.mode !== 'observe' && !toExternal
}

function isOnlyExternal(written: object): boolean {
  return !Array.isArray(written) && 'external' in written
}

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
  { scope: workloads, expires: ends, external: fc.boolean() },
  { requiredKeys: ['scope', 'expires'], noNullPrototype: true },
)

const document = fc.oneof(
  { weight: 6, arbitrary: meaningfulPolicySpec.map((spec) => ({ kind: 'NetworkPolicy', spec })) },
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
