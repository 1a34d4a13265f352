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
import { createProfile, type TrustProfile } from '../../../src/identity/index.ts'
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

function profileOf(name: WorkloadName): TrustProfile {
  const attributes = Object.entries(labels[name]).map(([key, value]) => ({
    key: `label.${key}`,
    value,
    provenance: 'assigned' as const,
  }))
  return createProfile(attributes).profile
}

const documents = documentsOf('policies')
const set: PolicySet = compilePolicies(documents)
const outcome = (from: WorkloadName, to: WorkloadName, port: number, policies = set): string => {
  const { action, reason } = policies.decide({
    from: profileOf(from),
    to: profileOf(to),
    port,
    now: Date.now(),
  })
  return `${action} ${reason}`
}

describe('the sample policies', () => {
  for (const { name: client, reaches } of clients) {
    for (const { name: server, port } of servers) {
      const denial =
        server === 'web' && client === 'compromised' ? 'denied-by-policy' : 'no-policy-matched'
      const friend = client !== 'compromised' && reaches.includes(server)
      const expected = friend ? 'allow allowed-by-policy' : `deny ${denial}`
      it(`say ${expected} of ${client} to ${server}`, () => {
        expect(outcome(client, server, port)).to.equal(expected)
      })
    }
  }

  it('let each label host the one workload of its name', () => {
    for (const name of workloadNames) {
      const hostable = documents
        .filter((one) => one.kind === 'EnrolmentRule')
        .filter(({ spec }) => matchesSelector(spec.match, profileOf(name)))
        .map(({ spec }) => workloadNames.filter((one) => ruleAllowsName(spec, one)))
      expect(hostable).to.deep.equal([[name]])
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
