import { expect } from 'chai'
import {
  createSharedSnapshots,
  type SnapshotParts,
} from '../../../src/controller/mesh/shared-snapshots.ts'
import type { DecisionDocument } from '../../../src/policy/compiled-policy.ts'
import type { ExternalService } from '../../../src/policy/external-service.ts'

const document = (name: string): DecisionDocument => ({ name }) as DecisionDocument
const service = (name: string): ExternalService => ({ name }) as ExternalService
const [one, two] = [document('one'), document('two')]
const parts: SnapshotParts = {
  version: 1,
  bundle: Buffer.of(1),
  schemaVersion: 5,
  policies: [one, two],
  services: [service('bank')],
  meshAddresses: [Buffer.of(10, 0, 0, 1)],
}

describe('createSharedSnapshots()', () => {
  it('makes one snapshot for all who are told the same', () => {
    let made = 0
    const shared = createSharedSnapshots(() => ++made)
    const again = { ...parts, policies: [one, two], meshAddresses: [...parts.meshAddresses] }
    expect([shared(parts), shared(again), shared(parts)]).to.deep.equal([1, 1, 1])
  })

  const others: Readonly<Record<string, Partial<SnapshotParts>>> = {
    'another version': { version: 2 },
    'another bundle': { bundle: Buffer.of(1) },
    'an older schema': { schemaVersion: 4 },
    'a policy less': { policies: [one] },
    'a policy more': { policies: [one, two, document('three')] },
    'another policy of the same name': { policies: [one, document('two')] },
    'policies in another order': { policies: [two, one] },
    'another service': { services: [service('bank')] },
    'another address in the mesh': { meshAddresses: [Buffer.of(10, 0, 0, 1)] },
  }
  for (const [what, change] of Object.entries(others)) {
    it(`makes another one for ${what}`, () => {
      const shared = createSharedSnapshots((given) => given)
      const changed = { ...parts, ...change }
      expect(shared(parts)).to.equal(parts)
      expect(shared(changed)).to.equal(changed)
      expect(shared(changed)).to.equal(changed)
    })
  }

  it('keeps what was made lately, of one version', () => {
    let made = 0
    const shared = createSharedSnapshots(() => ++made)
    const kinds = Array.from({ length: 20 }, () => ({ ...parts, policies: [document('own')] }))
    for (const kind of kinds) shared(kind)
    const [first, last] = [kinds[0] ?? parts, kinds[19] ?? parts]
    expect([shared(last), shared(first)]).to.deep.equal([20, 21])
    shared({ ...parts, version: 2 })
    expect(shared(last)).to.equal(23)
  })
})
