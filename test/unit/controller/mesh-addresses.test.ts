import { expect } from 'chai'
import { createMeshAddresses } from '../../../src/controller/mesh/mesh-addresses.ts'
import {
  createProfile,
  type Attribute,
  type Provenance,
  type TrustProfile,
} from '../../../src/identity/index.ts'

const at = (address: string, key = 'aws.private-ip', provenance: Provenance = 'signed') => ({
  key,
  value: address,
  provenance,
})
const profileOf = (...attributes: Attribute[]): TrustProfile => createProfile(attributes).profile

describe('createMeshAddresses()', () => {
  function fixture() {
    const added: string[] = []
    const addresses = createMeshAddresses((address) => added.push([...address].join('.')))
    const list = (now: number): string[] =>
      addresses.list(now).map((address) => [...address].join('.'))
    const note = (profile: TrustProfile, lastNotAfterMs: number): void => {
      addresses.note(profile, lastNotAfterMs)
    }
    return { added, list, note }
  }

  it('lists the signed addresses of workloads, each once, and tells of each once', () => {
    const { added, list, note } = fixture()
    note(profileOf(at('10.0.0.9')), 1_000)
    note(profileOf(at('10.0.0.2')), 1_000)
    note(profileOf(at('10.0.0.9')), 2_000)
    expect(list(0)).to.deep.equal(['10.0.0.2', '10.0.0.9'])
    expect(added).to.deep.equal(['10.0.0.9', '10.0.0.2'])
  })

  it('takes nothing that a sidecar reports or an administrator writes, and no text', () => {
    const { list, note } = fixture()
    note(profileOf(at('10.0.0.1', 'imds.local-ipv4', 'observed')), 1_000)
    note(profileOf(at('10.0.0.2', 'aws.private-ip', 'assigned')), 1_000)
    note(profileOf(at('10.0.0.0/8')), 1_000)
    note(profileOf(at('10.0.0.256')), 1_000)
    expect(list(0)).to.deep.equal([])
  })

  it('forgets an address once no certificate of its workload can live', () => {
    const { added, list, note } = fixture()
    note(profileOf(at('10.0.0.1')), 1_000)
    note(profileOf(at('10.0.0.2')), 2_000)
    expect(list(999)).to.have.length(2)
    expect(list(1_000)).to.deep.equal(['10.0.0.2'])
    note(profileOf(at('10.0.0.1')), 3_000)
    expect(list(1_000)).to.have.length(2)
    expect(added).to.have.length(3)
  })

  it('keeps an address as long as the last of several workloads at it', () => {
    const { list, note } = fixture()
    note(profileOf(at('10.0.0.1')), 5_000)
    note(profileOf(at('10.0.0.1'), at('x', 'label.app', 'assigned')), 1_000)
    expect(list(4_999)).to.deep.equal(['10.0.0.1'])
  })
})
