import { expect } from 'chai'
import { createFloors } from '../../../src/identity/floors.ts'
import type { IdentityErrorCode } from '../../../src/identity/identity-error.ts'
import {
  attributesOf,
  fromWireAttributes,
  fromWireBundle,
  fromWireChain,
  fromWireFloors,
  fromWireSvid,
  toWireAttributes,
  toWireBundle,
  toWireFloors,
  toWireSvid,
  type WireBundle,
  type WireJwtKey,
} from '../../../src/identity/wire.ts'
import { createProfile } from '../../../src/identity/profile.ts'
import { bundleCodec, floorsCodec, subjectCodec } from '../../../src/rpc/index.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'
import { createTestCa, newKeys } from '../../support/test-ca.ts'

const ca = createTestCa()
ca.addIssuer({ state: 'tainted' })
const jwtKey: WireJwtKey = { keyId: 'k1', spki: newKeys().spki, use: 'jwt-svid', notAfterMs: 5 }
const { keyId, spki } = jwtKey
const listed = { keyId, spki, use: 'jwt-svid' as const, notAfter: 5 }
const bundle = ca.bundle({ version: 7, jwtKeys: [listed] })
const workload = ca.workload({
  name: 'web',
  attributes: [{ key: 'label.app', value: 'web', provenance: 'assigned' }],
})

describe('a bundle on the wire', () => {
  it('survives the way through the protocol', () => {
    const wire = bundleCodec.decode(bundleCodec.encode(toWireBundle(bundle)))
    expect(fromWireBundle(wire)).to.deep.equal(bundle)
  })

  const right: WireBundle<string> = toWireBundle(bundle)
  const [issuer] = right.issuers
  const wrong: Record<string, [IdentityErrorCode, WireBundle<string> | null]> = {
    'no bundle': ['ERR_BUNDLE', null],
    'no trust domain': ['ERR_TRUST_DOMAIN', { ...right, trustDomain: '' }],
    'no roots': ['ERR_BUNDLE', { ...right, roots: [] }],
    'an issuer twice': ['ERR_BUNDLE', { ...right, issuers: [...right.issuers, ...right.issuers] }],
    'an unspecified state': [
      'ERR_BUNDLE',
      { ...right, issuers: [{ keySha256: Buffer.alloc(32), state: 'ISSUER_STATE_UNSPECIFIED' }] },
    ],
    'a state that every object has': [
      'ERR_BUNDLE',
      { ...right, issuers: [{ keySha256: Buffer.alloc(32), state: 'constructor' }] },
    ],
    'a short key hash': [
      'ERR_BUNDLE',
      { ...right, issuers: [{ keySha256: Buffer.alloc(31), state: issuer?.state ?? 'ACTIVE' }] },
    ],
    'a version beyond 2^53': ['ERR_BUNDLE', { ...right, version: 2 ** 53 }],
    'a JWT key for something else': [
      'ERR_BUNDLE',
      { ...right, jwtKeys: [{ ...jwtKey, use: 'x' }] },
    ],
    'a JWT key without an id': ['ERR_BUNDLE', { ...right, jwtKeys: [{ ...jwtKey, keyId: '' }] }],
    'a JWT key without an end': [
      'ERR_BUNDLE',
      { ...right, jwtKeys: [{ ...jwtKey, notAfterMs: -1 }] },
    ],
    'a JWT key that is none': [
      'ERR_PUBLIC_KEY',
      { ...right, jwtKeys: [{ ...jwtKey, spki: Buffer.alloc(91) }] },
    ],
  }
  for (const [what, [code, wire]] of Object.entries(wrong)) {
    it(`is refused with ${what}`, () => {
      expectIdentityError(code, () => fromWireBundle(wire))
    })
  }
})

describe('floors on the wire', () => {
  const floor = { workloadId: '0a'.repeat(16), lowestGoodGeneration: 4, untilMs: 9 }

  it('survive the way through the protocol', () => {
    const floors = createFloors(3, [floor])
    const wire = floorsCodec.decode(floorsCodec.encode(toWireFloors(floors)))
    expect(fromWireFloors(wire)).to.deep.equal(floors)
  })

  it('are refused when absent or malformed', () => {
    expectIdentityError('ERR_FLOORS', () => fromWireFloors(null))
    for (const change of [{ workloadId: '' }, { lowestGoodGeneration: 0 }, { untilMs: -1 }]) {
      const wire = { version: 1, floors: [{ ...floor, ...change }] }
      expectIdentityError('ERR_FLOORS', () => fromWireFloors(wire))
    }
  })
})

describe('an SVID on the wire', () => {
  it('reads back as it was', () => {
    const { chain, profile } = workload
    expect(fromWireSvid(toWireSvid({ chain, profile }))).to.deep.equal({
      chain: [...chain],
      profile,
    })
  })

  it('is refused when absent, without issuer, too long or too large', () => {
    const [leaf, issuer] = workload.chain
    expectIdentityError('ERR_SVID', () => fromWireSvid(null))
    for (const chain of [
      [],
      [leaf],
      [leaf, issuer, issuer, issuer],
      [leaf, Buffer.alloc(65_537)],
    ]) {
      expectIdentityError('ERR_SVID', () => fromWireChain(chain))
    }
    expectIdentityError('ERR_DER', () =>
      fromWireSvid({ chain: [leaf, issuer], profile: Buffer.alloc(0) }),
    )
  })
})

describe('attributes on the wire', () => {
  const attributes = attributesOf(workload.profile)

  it('survive the way through the protocol', () => {
    const message = { workload: 'web', attributes: toWireAttributes(attributes), schemaVersion: 1 }
    const wire = subjectCodec.decode(subjectCodec.encode(message))
    expect(fromWireAttributes(wire.attributes)).to.deep.equal(attributes)
    expect(createProfile(attributes).profile).to.deep.equal(workload.profile)
  })

  const right = { key: 'label.app', value: 'web', provenance: 'ASSIGNED' }
  const wrong: readonly (readonly [IdentityErrorCode, Partial<typeof right>])[] = [
    ['ERR_PROFILE', { provenance: 'PROVENANCE_UNSPECIFIED' }],
    ['ERR_PROFILE', { provenance: 'assigned' }],
    ['ERR_PROFILE', { provenance: 'constructor' }],
    ['ERR_ATTRIBUTE_KEY', { key: '' }],
    ['ERR_ATTRIBUTE_VALUE', { value: 'a\nb' }],
  ]
  for (const [code, change] of wrong) {
    it(`are refused with ${JSON.stringify(change)}`, () => {
      expectIdentityError(code, () => fromWireAttributes([{ ...right, ...change }]))
    })
  }
})
