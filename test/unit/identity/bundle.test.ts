import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import {
  bundleFingerprint,
  checkBundle,
  rootsOf,
  type IssuerState,
  type TrustBundle,
} from '../../../src/identity/bundle.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'
import { createTestCa, newKeys } from '../../support/test-ca.ts'

const ca = createTestCa()
const jwtKey = { keyId: 'k1', spki: newKeys().spki, use: 'jwt-svid' as const, notAfter: 1 }

describe('checkBundle()', () => {
  it('accepts what the CA hands out', () => {
    const bundle = ca.bundle({ jwtKeys: [jwtKey] })
    expect(checkBundle(bundle)).to.equal(bundle)
    expect(rootsOf(bundle).map(({ keySha256 }) => keySha256)).to.deep.equal([ca.root.keySha256])
  })

  const wrong: Record<string, Partial<TrustBundle>> = {
    'no roots': { roots: [] },
    'too many roots': { roots: Array<Buffer>(17).fill(ca.root.certificate) },
    'a root that cannot be read': { roots: [Buffer.from('root')] },
    'a root that is a leaf': { roots: [ca.controller().chain[0]] },
    'a negative version': { version: -1 },
    'an issuer without a key hash': { issuers: new Map<string, IssuerState>([['x', 'active']]) },
    'two JWT keys with one id': { jwtKeys: [jwtKey, jwtKey] },
  }
  for (const [what, change] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expectIdentityError('ERR_BUNDLE', () => checkBundle(ca.bundle(change)))
    })
  }
})

describe('bundleFingerprint()', () => {
  it('is what openssl prints for a single root', () => {
    const printed = new X509Certificate(ca.root.certificate).fingerprint256
    expect(bundleFingerprint(ca.bundle())).to.equal(printed.replaceAll(':', '').toLowerCase())
  })

  it('does not depend on the order of roots', () => {
    const roots = [ca.root.certificate, createTestCa().root.certificate]
    const fingerprint = bundleFingerprint(ca.bundle({ roots }))
    expect(bundleFingerprint(ca.bundle({ roots: roots.reverse() }))).to.equal(fingerprint)
    expect(fingerprint).not.to.equal(bundleFingerprint(ca.bundle()))
  })
})
