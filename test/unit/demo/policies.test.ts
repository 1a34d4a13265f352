import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import {
  clients,
  labels,
  roleOf,
  servers,
  workloadNames,
  type WorkloadName,
} from '../../../src/demo/cast.ts'
import { demoAccount, instances, regionOf } from '../../../src/demo/instances.ts'
import { createProfile, type Attribute, type TrustProfile } from '../../../src/identity/index.ts'
import {
  compilePolicies,
  parseDocuments,
  ruleAllowsName,
  matchesSelector,
  type PolicyDocument,
  type PolicySet,
} from '../../../src/policy/index.ts'

const directory = fileURLToPath(new URL('../../../demo/', import.meta.url))

function documentsOf(folder: string): PolicyDocument[] {
  return readdirSync(`${directory}${folder}`).flatMap((name) =>
    parseDocuments(readFileSync(`${directory}${folder}/${name}`, 'utf8'), name),
  )
}

/** What is proved of a node before any rule has seen it. */
function attestedOf(name: WorkloadName): Attribute[] {
  const instance = instances[name]
  if (instance !== undefined) {
    return [
      { key: 'aws.account', value: demoAccount, provenance: 'signed' },
      { key: 'aws.region', value: regionOf(instance), provenance: 'signed' },
      { key: 'aws.image-id', value: instance.imageId, provenance: 'signed' },
    ]
  }
  return labelsOf(name)
}

function labelsOf(name: WorkloadName): Attribute[] {
  return Object.entries(labels[name]).map(([key, value]) => ({
    key: `label.${key}`,
    value,
    provenance: 'assigned',
  }))
}

function profileOf(name: WorkloadName): TrustProfile {
  return createProfile([...attestedOf(name), ...labelsOf(name)]).profile
}

const documents = documentsOf('policies')
const set: PolicySet = compilePolicies(documents)
const outcome = (from: WorkloadName, to: WorkloadName, port: number, policies = set): string => {
  const { action, reason } = policies.decide({
    from: profileOf(from),
    to: profileOf(to),
    port,
    now: Date.parse('2026-12-01T00:00:00Z'),
  })
  return `${action} ${reason}`
}

/** Pairs that something else than the presence of an allow decides. */
const special: ReadonlyMap<string, string> = new Map([
  ['compromised web', 'deny denied-by-policy'],
  ['reports web', 'allow allowed-by-observe'],
  ['reports orders-db', 'deny guardrail'],
  ['reports cache', 'deny guardrail'],
  ['operator orders-db', 'deny condition-unknown'],
  ['operator cache', 'deny condition-unknown'],
])

describe('the sample policies', () => {
  for (const { name: client, reaches } of clients) {
    for (const { name: server, port } of servers) {
      const pair = `${client} ${server}`
      const friend = client !== 'compromised' && reaches.includes(server)
      const usual = friend ? 'allow allowed-by-policy' : 'deny no-policy-matched'
      const expected = special.get(pair) ?? usual
      it(`say ${expected} of ${client} to ${server}`, () => {
        expect(outcome(client, server, port)).to.equal(expected)
      })
    }
  }

  it('let each node host the one workload of its name, with its labels', () => {
    for (const name of workloadNames) {
      const attested = createProfile(attestedOf(name)).profile
      const rules = documents
        .filter((one) => one.kind === 'EnrolmentRule')
        .filter(({ spec }) => matchesSelector(spec.match, attested))
      const hostable = rules.map(({ spec }) =>
        workloadNames.filter((one) => ruleAllowsName(spec, one)),
      )
      expect(hostable).to.deep.equal([[name]])
      if (instances[name] === undefined) continue
      const assigned = [...(rules[0]?.spec.assign ?? [])]
      expect(assigned.map(([key, values]) => `${key}=${values.join()}`).sort()).to.deep.equal(
        labelsOf(name)
          .map(({ key, value }) => `${key}=${value}`)
          .sort(),
      )
    }
  })

  it('change as what-to-try says', () => {
    const tried = compilePolicies([...documents, ...documentsOf('try')])
    expect(outcome('compromised', 'cache', roleOf('cache').port, tried)).to.equal(
      'allow allowed-by-policy',
    )
    expect(outcome('api', 'cache', roleOf('cache').port, tried)).to.equal('deny denied-by-policy')
  })
})
