import { expect } from 'chai'
import {
  decodeIdentityExtension,
  encodeIdentityExtension,
  identityExtensionOid,
  identityExtensionOidText,
  type WorkloadFacts,
} from '../../../src/identity/identity-extension.ts'
import { oidText } from '../../../src/identity/oid.ts'
import { emptyProfile } from '../../../src/identity/profile.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

const facts: WorkloadFacts = {
  workloadId: '0f'.repeat(16),
  generation: 7,
  publicProfile: emptyProfile,
  profileDigest: 'ab'.repeat(32),
}

describe('identity extension', () => {
  it('has an object identifier that is a UUID under 2.25', () => {
    const uuid = BigInt('0x3b6e40762fec4cf998fcc939125d597c')
    expect(identityExtensionOidText).to.equal(`2.25.${String(uuid)}`)
    expect(oidText(identityExtensionOid)).to.equal(identityExtensionOidText)
    expect(identityExtensionOid.toString('hex')).to.equal('69f6eea09dc5fee2b3f398feb2a79192f5b27c')
  })

  it('reads back what it writes', () => {
    expect(decodeIdentityExtension(encodeIdentityExtension(facts))).to.deep.equal(facts)
  })

  const wrong: Record<string, Partial<WorkloadFacts>> = {
    'generation 0': { generation: 0 },
    'generation 1.5': { generation: 1.5 },
    'generation 2^53': { generation: 2 ** 53 },
    'a short workload id': { workloadId: '0f'.repeat(15) },
    'a workload id in upper case': { workloadId: '0F'.repeat(16) },
    'a workload id that is no hex': { workloadId: 'zz'.repeat(16) },
    'a long digest': { profileDigest: 'ab'.repeat(33) },
  }
  for (const [what, change] of Object.entries(wrong)) {
    it(`refuses to write ${what}`, () => {
      expectIdentityError('ERR_IDENTITY_EXTENSION', () =>
        encodeIdentityExtension({ ...facts, ...change }),
      )
    })
  }
})
