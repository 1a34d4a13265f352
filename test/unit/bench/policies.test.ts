import { expect } from 'chai'
import { otherPolicies, policyOf } from '../../../bench/proxies/policies.ts'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import { compilePolicies, parseDocuments } from '../../../src/policy/index.ts'

const assigned = (labels: Readonly<Record<string, string>>): TrustProfile =>
  createProfile(
    Object.entries(labels).map(([key, value]) => ({
      key: `label.${key}`,
      value,
      provenance: 'assigned' as const,
    })),
  ).profile

const member = assigned({ join: 'bench', fleet: 'many' })
const service = (at: number): TrustProfile => assigned({ app: `service-${String(at)}` })

describe('otherPolicies()', () => {
  const text = otherPolicies('many', 8443, 200)
  const policies = compilePolicies(parseDocuments(text))

  it('gives every member of the fleet all of them', () => {
    expect(policies.relevantFor(member)).to.have.lengthOf(200)
  })

  it('says nothing about two members, and something about each other service', () => {
    const action = (from: TrustProfile, to: TrustProfile): string =>
      policies.decide({ from, to, port: 8443, now: 0 }).action
    expect(action(member, member)).to.equal('deny')
    expect(action(member, service(4))).to.equal('allow')
    expect(action(service(5), member)).to.equal('allow')
    expect(action(service(99), member)).to.equal('deny')
  })

  it('leaves the policy of the pair alone', () => {
    const few = otherPolicies('many', 8443, 2)
    const documents = parseDocuments(`${policyOf(8443, 'allow')}---${few}`)
    expect(documents).to.have.lengthOf(3)
  })
})
