import { expect } from 'chai'
import type { IdentityErrorCode } from '../../../src/identity/identity-error.ts'
import {
  decodeIdentityExtension,
  encodeIdentityExtension,
} from '../../../src/identity/identity-extension.ts'
import { decodeProfile, encodeProfile } from '../../../src/identity/profile-codec.ts'
import { parseSpiffeId, pathOf, spiffeId, trustDomainOf } from '../../../src/identity/spiffe-id.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'
import { hexBody, readVectors, type Vector } from '../../support/vectors.ts'

/** Decodes a vector that is to be accepted, checks it against its header, and encodes it again. */
type Accept = (input: Buffer, header: Vector['header']) => Buffer

const decoders: Readonly<Record<string, Accept>> = {
  profile: (input, header) => {
    const profile = decodeProfile(input)
    expect(profile.digest).to.equal(header.get('digest'))
    return encodeProfile(profile.entries)
  },
  'identity-extension': (input, header) => {
    const facts = decodeIdentityExtension(input)
    expect(facts.workloadId).to.equal(header.get('workload-id'))
    expect(String(facts.generation)).to.equal(header.get('generation'))
    expect(facts.profileDigest).to.equal(header.get('profile-digest'))
    expect(facts.publicProfile.digest).to.equal(header.get('public-digest'))
    return encodeIdentityExtension(facts)
  },
}

for (const [subject, decode] of Object.entries(decoders)) {
  describe(`vectors: ${subject}`, () => {
    for (const vector of readVectors(subject)) {
      const input = hexBody(vector)
      if (vector.expect === 'accept') {
        it(`accepts ${vector.name}: ${vector.about}`, () => {
          expect(decode(input, vector.header)).to.deep.equal(input)
        })
        // The long ones have the same structure, and would take most of this file's time.
        if (input.length > 256) continue
        it(`refuses every beginning of ${vector.name}`, () => {
          for (let end = 0; end < input.length; end++) {
            expectIdentityError('ERR_DER', () => decode(input.subarray(0, end), vector.header))
          }
        })
      } else {
        it(`refuses ${vector.name}: ${vector.about}`, () => {
          const code = vector.expect as IdentityErrorCode
          expectIdentityError(code, () => decode(input, vector.header))
        })
      }
    }
  })
}

describe('vectors: spiffe-id', () => {
  for (const vector of readVectors('spiffe-id')) {
    const text = JSON.parse(vector.body) as string
    if (vector.expect === 'accept') {
      it(`accepts ${vector.name}: ${vector.about}`, () => {
        const id = parseSpiffeId(text)
        expect(spiffeId(trustDomainOf(id), pathOf(id))).to.equal(text)
      })
    } else {
      it(`refuses ${vector.name}: ${vector.about}`, () => {
        expectIdentityError(vector.expect as IdentityErrorCode, () => parseSpiffeId(text))
      })
    }
  }
})
