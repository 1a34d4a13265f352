import { createHash, generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  identityExtension,
  keyUsage,
  subjectAltName,
  type Extension,
} from '../../src/ca/extensions.ts'
import type { Attribute } from '../../src/identity/attributes.ts'
import type { TrustBundle } from '../../src/identity/bundle.ts'
import { createFloors } from '../../src/identity/floors.ts'
import { oidBytes } from '../../src/identity/oid.ts'
import { emptyProfile } from '../../src/identity/profile.ts'
import { spiffeId } from '../../src/identity/spiffe-id.ts'
import {
  checkFullProfile,
  verifyPeer,
  type PeerRefusal,
  type PeerVerdict,
  type VerifiedPeer,
} from '../../src/identity/verify-peer.ts'
import { expectIdentityError } from '../support/expect-identity-error.ts'
import { createTestCa, newKeys, type LeafFaults, type TestCa } from '../support/test-ca.ts'

const attributes: readonly Attribute[] = [
  { key: 'label.app', value: 'web', provenance: 'assigned' },
  { key: 'os.uid', value: '1000', provenance: 'observed' },
]
const hourMs = 3_600_000

function replaceExtension(replacement: Extension): Required<Pick<LeafFaults, 'extensions'>> {
  return {
    extensions: (right) =>
      right.map((one) => (one.oid.equals(replacement.oid) ? replacement : one)),
  }
}

function addExtension(...added: Extension[]): Required<Pick<LeafFaults, 'extensions'>> {
  return { extensions: (right) => [...right, ...added] }
}

function dropExtension(dotted: string): Required<Pick<LeafFaults, 'extensions'>> {
  return { extensions: (right) => right.filter(({ oid }) => !oid.equals(oidBytes(dotted))) }
}

function check(
  ca: TestCa,
  chain: readonly Buffer[],
  change: { bundle?: TrustBundle; now?: number } = {},
): PeerVerdict {
  return verifyPeer({
    chain,
    bundle: change.bundle ?? ca.bundle(),
    floors: ca.floors,
    now: change.now ?? ca.now,
  })
}

function accepted(verdict: PeerVerdict): VerifiedPeer {
  if (!verdict.ok) throw new Error(`refused: ${verdict.code}: ${verdict.detail}`)
  return verdict.peer
}

function expectRefusal(code: PeerRefusal, verdict: PeerVerdict): void {
  expect(verdict.ok ? 'accepted' : verdict.code, verdict.ok ? '' : verdict.detail).to.equal(code)
}

describe('verifyPeer()', () => {
  const ca = createTestCa()
  const id = spiffeId(ca.trustDomain, '/ns/default/workload/web')

  it('accepts a workload and says who it is', () => {
    const { chain, facts, spki } = ca.workload({ name: 'web', attributes, generation: 5 })
    const peer = accepted(check(ca, chain))
    expect(peer.spiffeId).to.equal(id)
    expect(peer.workload).to.deep.equal(facts)
    expect(peer.publicKey.export({ format: 'der', type: 'spki' })).to.deep.equal(spki)
    expect(peer.keySha256).to.equal(createHash('sha256').update(spki).digest('hex'))
    expect(peer.issuerKeySha256).to.equal(ca.issuer.keySha256)
    expect(peer.serial).to.match(/^[0-9a-f]{32}$/)
    expect(peer.notAfter).to.equal(Math.floor((ca.now + hourMs) / 1000) * 1000)
    expect(peer.chain).to.equal(chain)
  })

  it('accepts the controller and administrators, who carry no workload facts', () => {
    for (const { chain } of [ca.controller(), ca.admin('editor')]) {
      expect(accepted(check(ca, chain)).workload).to.equal(undefined)
    }
  })

  it('accepts issuers that are prepared or old', () => {
    for (const state of ['prepared', 'old'] as const) {
      const issuer = ca.addIssuer({ state })
      accepted(check(ca, ca.workload({ name: 'web', issuer }).chain))
    }
  })

  it('accepts a chain that ends in a root of the bundle, and an unknown extension that is not critical', () => {
    const extra = { oid: oidBytes('1.3.6.1.4.1.99999.1'), critical: false, value: Buffer.of(5, 0) }
    const { chain } = ca.workload({ name: 'web', ...addExtension(extra) })
    accepted(check(ca, [...chain, ca.root.certificate]))
  })

  it('tries every root, as during a change of roots', () => {
    const roots = [createTestCa().root.certificate, ca.root.certificate]
    accepted(check(ca, ca.workload({ name: 'web' }).chain, { bundle: ca.bundle({ roots }) }))
  })

  it('ends with the first of leaf, issuer and root', () => {
    const issuer = ca.addIssuer({ state: 'active', notAfter: ca.now + 10_000 })
    const peer = accepted(check(ca, ca.workload({ name: 'web', issuer }).chain))
    expect(peer.notAfter).to.equal(Math.floor((ca.now + 10_000) / 1000) * 1000)
  })
})

const serverAndClient = ['serverAuth', 'clientAuth'] as const

/** What may be wrong with the leaf itself; everything else about the chain is right. */
const wrongLeaves: readonly (readonly [what: string, code: PeerRefusal, faults: LeafFaults])[] = [
  [
    'two URI names',
    'wrong-names',
    replaceExtension(
      subjectAltName([{ uri: 'spiffe://acme.example/a' }, { uri: 'spiffe://acme.example/b' }]),
    ),
  ],
  [
    'a DNS name beside the SPIFFE ID',
    'wrong-names',
    replaceExtension(subjectAltName([{ uri: 'spiffe://acme.example/a' }, { dns: 'a.example' }])),
  ],
  ['a DNS name only', 'wrong-names', replaceExtension(subjectAltName([{ dns: 'acme.example' }]))],
  ['no names', 'wrong-names', dropExtension('2.5.29.17')],
  [
    'a URI that is no SPIFFE ID',
    'wrong-names',
    replaceExtension(subjectAltName([{ uri: 'https://acme.example/web' }])),
  ],
  [
    'a trust domain as its name',
    'wrong-names',
    replaceExtension(subjectAltName([{ uri: 'spiffe://acme.example' }])),
  ],
  [
    'a path that climbs',
    'wrong-names',
    replaceExtension(subjectAltName([{ uri: 'spiffe://acme.example/a/../blazon/controller' }])),
  ],
  [
    'a name of another trust domain',
    'wrong-trust-domain',
    replaceExtension(subjectAltName([{ uri: 'spiffe://evil.example/web' }])),
  ],
  ['an empty list of names', 'chain-malformed', replaceExtension({ ...subjectAltName([]) })],
  ['the right to be a CA', 'not-a-leaf', replaceExtension(basicConstraints({}))],
  ['no key usage', 'wrong-key-usage', dropExtension('2.5.29.15')],
  [
    'the right to sign certificates',
    'wrong-key-usage',
    replaceExtension(keyUsage('digitalSignature', 'keyCertSign')),
  ],
  [
    'the right to sign revocation lists',
    'wrong-key-usage',
    replaceExtension(keyUsage('digitalSignature', 'cRLSign')),
  ],
  ['no right to sign', 'wrong-key-usage', replaceExtension(keyUsage('keyAgreement'))],
  ['no extended key usage', 'wrong-extended-key-usage', dropExtension('2.5.29.37')],
  [
    'server authentication only',
    'wrong-extended-key-usage',
    replaceExtension(extendedKeyUsage('serverAuth')),
  ],
  [
    'client authentication only',
    'wrong-extended-key-usage',
    replaceExtension(extendedKeyUsage('clientAuth')),
  ],
  [
    'code signing only',
    'wrong-extended-key-usage',
    replaceExtension(extendedKeyUsage('codeSigning')),
  ],
  [
    'the same extension twice',
    'chain-malformed',
    addExtension(extendedKeyUsage(...serverAndClient)),
  ],
  [
    'an unknown critical extension',
    'chain-malformed',
    addExtension({ oid: oidBytes('1.3.6.1.4.1.99999.1'), critical: true, value: Buffer.of(5, 0) }),
  ],
  [
    'name constraints that we would not apply',
    'chain-malformed',
    addExtension({ oid: oidBytes('2.5.29.30'), critical: false, value: Buffer.of(0x30, 0) }),
  ],
  [
    'trailing bytes in an extension',
    'chain-malformed',
    replaceExtension({ ...keyUsage('digitalSignature'), value: Buffer.from('0302078000', 'hex') }),
  ],
  [
    'no workload facts',
    'identity-missing',
    dropExtension('2.25.78996911843718143389710090211887503740'),
  ],
  ['a life that has ended', 'expired', { notBefore: -7_200_000, notAfter: -1_000 }],
  ['a life that has not begun', 'not-yet-valid', { notBefore: 60_000, notAfter: hourMs }],
]

describe('verifyPeer() refuses a leaf with', () => {
  const now = Date.now()
  const ca = createTestCa({ now })
  for (const [what, code, { notBefore, notAfter, ...faults }] of wrongLeaves) {
    it(`${what}: ${code}`, () => {
      const times =
        notBefore === undefined || notAfter === undefined
          ? {}
          : { notBefore: now + notBefore, notAfter: now + notAfter }
      expectRefusal(
        code,
        check(ca, ca.workload({ name: 'web', attributes, ...faults, ...times }).chain),
      )
    })
  }

  it('two identity extensions: chain-malformed', () => {
    const { facts } = ca.workload({ name: 'other', generation: 9 })
    const faults = addExtension(identityExtension(facts))
    expectRefusal('chain-malformed', check(ca, ca.workload({ name: 'web', ...faults }).chain))
  })

  it('an identity extension that is critical: chain-malformed', () => {
    const { facts } = ca.workload({ name: 'web' })
    const faults = replaceExtension({ ...identityExtension(facts), critical: true })
    expectRefusal('chain-malformed', check(ca, ca.workload({ name: 'web', ...faults }).chain))
  })

  it('an identity extension that is not canonical: chain-malformed', () => {
    const right = identityExtension(ca.workload({ name: 'web' }).facts)
    const value = Buffer.concat([right.value, Buffer.of(0)])
    const faults = replaceExtension({ ...right, value })
    expectRefusal('chain-malformed', check(ca, ca.workload({ name: 'web', ...faults }).chain))
  })

  it('a reserved path and workload facts: identity-unexpected', () => {
    for (const path of ['/blazon/controller', '/blazon/admin/admin', '/blazon/node']) {
      const { chain } = ca.workload({ name: 'web', spiffeId: spiffeId(ca.trustDomain, path) })
      expectRefusal('identity-unexpected', check(ca, chain))
    }
  })

  it('a key that is not P-256: chain-malformed', () => {
    for (const pair of [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('ed25519'),
    ]) {
      const spki = pair.publicKey.export({ format: 'der', type: 'spki' })
      const { chain } = ca.workload({ name: 'web', spec: (right) => ({ ...right, spki }) })
      expectRefusal('chain-malformed', check(ca, chain))
    }
  })

  it('exactly at its end: expired', () => {
    const { chain } = ca.workload({ name: 'web' })
    const { notAfter } = accepted(check(ca, chain))
    accepted(check(ca, chain, { now: notAfter - 1 }))
    expectRefusal('expired', check(ca, chain, { now: notAfter }))
  })

  it('anything, while nobody knows the time', () => {
    const { chain } = ca.workload({ name: 'web' })
    expectRefusal('chain-malformed', check(ca, chain, { now: NaN }))
  })

  it('a generation below the floor: below-floor', () => {
    const workloadId = 'ab'.repeat(16)
    const lowestGoodGeneration = 3
    const floors = createFloors(1, [{ workloadId, lowestGoodGeneration, untilMs: now + hourMs }])
    const at = (generation: number): PeerVerdict => {
      const { chain } = ca.workload({ name: 'web', workloadId, generation })
      return verifyPeer({ chain, bundle: ca.bundle(), floors, now })
    }
    expectRefusal('below-floor', at(2))
    accepted(at(3))
    accepted(at(4))
  })
})

describe('verifyPeer() refuses a chain with', () => {
  const ca = createTestCa()
  const { chain } = ca.workload({ name: 'web' })
  const [leaf, issuer] = chain

  it('nothing, one certificate, too many, or bytes that are none: chain-malformed', () => {
    const junk = Buffer.from('certificate')
    const wrong = [
      [],
      [leaf],
      [leaf, junk],
      [junk, issuer],
      [leaf, issuer, ca.root.certificate, junk],
    ]
    for (const certificates of wrong) expectRefusal('chain-malformed', check(ca, certificates))
  })

  it('bytes after a certificate: chain-malformed', () => {
    expectRefusal('chain-malformed', check(ca, [Buffer.concat([leaf, Buffer.of(0)]), issuer]))
    expectRefusal('chain-malformed', check(ca, [leaf, Buffer.concat([issuer, Buffer.of(0)])]))
  })

  it('more than 64 KiB in one certificate: chain-malformed', () => {
    expectRefusal('chain-malformed', check(ca, [Buffer.alloc(65_537, 0x30), issuer]))
  })

  it('another trust domain, honestly named: wrong-trust-domain', () => {
    const other = createTestCa({ trustDomain: 'evil.example' })
    expectRefusal('wrong-trust-domain', check(ca, other.workload({ name: 'web' }).chain))
  })

  it('another CA that uses our trust domain: issuer-not-listed', () => {
    const other = createTestCa()
    expectRefusal('issuer-not-listed', check(ca, other.workload({ name: 'web' }).chain))
    expectRefusal(
      'root-unknown',
      check(ca, [...other.workload({ name: 'web' }).chain, other.root.certificate]),
    )
  })

  it('a listed issuer that our roots did not sign: root-unknown', () => {
    const other = createTestCa()
    const bundle = ca.bundle({ issuers: new Map([[other.issuer.keySha256, 'active']]) })
    expectRefusal('root-unknown', check(ca, other.workload({ name: 'web' }).chain, { bundle }))
  })

  it('an issuer of our root that is not listed (withdrawn): issuer-not-listed', () => {
    const withdrawn = ca.addIssuer()
    expectRefusal(
      'issuer-not-listed',
      check(ca, ca.workload({ name: 'web', issuer: withdrawn }).chain),
    )
  })

  it('a tainted issuer: issuer-tainted', () => {
    const tainted = ca.addIssuer({ state: 'tainted' })
    expectRefusal('issuer-tainted', check(ca, ca.workload({ name: 'web', issuer: tainted }).chain))
  })

  it('an issuer that was good a moment ago: issuer-tainted, issuer-not-listed, expired', () => {
    const issuer = ca.addIssuer({ state: 'active', notAfter: ca.now + 60_000 })
    const known = ca.workload({ name: 'web', issuer }).chain
    const issuers = new Map(ca.bundle().issuers)
    const bundle = ca.bundle({ issuers })
    accepted(check(ca, known, { bundle }))
    expectRefusal('expired', check(ca, known, { bundle, now: ca.now + 60_000 }))
    issuers.set(issuer.keySha256, 'tainted')
    expectRefusal('issuer-tainted', check(ca, known, { bundle }))
    issuers.delete(issuer.keySha256)
    expectRefusal('issuer-not-listed', check(ca, known, { bundle }))
  })

  it('a leaf signed by the root itself: issuer-not-listed', () => {
    expectRefusal(
      'issuer-not-listed',
      check(ca, ca.workload({ name: 'web', issuer: ca.root }).chain),
    )
  })

  it('a workload that plays CA: issuer-not-listed', () => {
    const workload = ca.workload({ name: 'web' })
    const player = {
      key: workload.privateKey,
      name: { organization: 'acme.example', commonName: 'web' },
      spki: workload.spki,
      keySha256: accepted(check(ca, workload.chain)).keySha256,
      certificate: workload.chain[0],
    }
    const forged = ca.workload({ name: 'admin', issuer: player })
    expectRefusal('issuer-not-listed', check(ca, forged.chain))
    const listed = new Map([...ca.bundle().issuers, [player.keySha256, 'active'] as const])
    expectRefusal(
      'issuer-invalid',
      check(ca, forged.chain, { bundle: ca.bundle({ issuers: listed }) }),
    )
  })

  it('a signature by another key: signature-invalid', () => {
    const impostor = { ...ca.issuer, key: newKeys().privateKey }
    expectRefusal(
      'signature-invalid',
      check(ca, ca.workload({ name: 'web', issuer: impostor }).chain),
    )
  })

  it('one changed bit in the facts of the leaf: signature-invalid', () => {
    const { chain: right, facts } = ca.workload({ name: 'web', generation: 1 })
    const changed = Buffer.from(right[0])
    const at = changed.indexOf(Buffer.from(facts.workloadId, 'hex'))
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    expectRefusal('signature-invalid', check(ca, [changed, right[1]]))
  })

  it('the certificate of another listed issuer: signature-invalid', () => {
    const second = ca.addIssuer({ state: 'active' })
    expectRefusal('signature-invalid', check(ca, [leaf, second.certificate]))
  })

  it('leaf and issuer swapped: refused', () => {
    expectRefusal('wrong-names', check(ca, [issuer, leaf]))
  })

  const wrongIssuers: Readonly<Record<string, Pick<LeafFaults, 'extensions'>>> = {
    'without a path length': replaceExtension(basicConstraints({})),
    'with path length 1': replaceExtension(basicConstraints({ pathLength: 1 })),
    'that is no CA': replaceExtension(basicConstraints(false)),
    'that may not sign certificates': replaceExtension(keyUsage('digitalSignature')),
    'without basic constraints': dropExtension('2.5.29.19'),
    'without key usage': dropExtension('2.5.29.15'),
  }
  for (const [what, faults] of Object.entries(wrongIssuers)) {
    it(`an issuer ${what}: issuer-invalid`, () => {
      const wrong = ca.addIssuer({ state: 'active', ...faults })
      expectRefusal('issuer-invalid', check(ca, ca.workload({ name: 'web', issuer: wrong }).chain))
    })
  }

  it('an issuer or root outside its dates: expired, not-yet-valid', () => {
    const past = ca.addIssuer({ state: 'old', notAfter: ca.now - 1_000 })
    expectRefusal('expired', check(ca, ca.workload({ name: 'web', issuer: past }).chain))
    const future = ca.addIssuer({ state: 'prepared', notBefore: ca.now + 60_000 })
    expectRefusal('not-yet-valid', check(ca, ca.workload({ name: 'web', issuer: future }).chain))
    const late = ca.now + 4_000 * 24 * hourMs
    const longIssuer = ca.addIssuer({ state: 'active', notAfter: late + hourMs })
    const long = ca.workload({ name: 'web', issuer: longIssuer, notAfter: late + hourMs })
    expectRefusal('expired', check(ca, long.chain, { now: late }))
  })

  it('an authority key identifier of another issuer: signature-invalid', () => {
    const wrong = replaceExtension(authorityKeyIdentifier(newKeys().spki))
    expectRefusal('signature-invalid', check(ca, ca.workload({ name: 'web', ...wrong }).chain))
  })

  it('a bundle that is broken, and says so instead of throwing', () => {
    const bundle = ca.bundle({ roots: [Buffer.from('root')] })
    expectRefusal('chain-malformed', check(ca, chain, { bundle }))
  })
})

describe('checkFullProfile()', () => {
  const ca = createTestCa()

  it('gives the profile that the certificate was issued for', () => {
    const { chain, profile } = ca.workload({ name: 'web', attributes })
    expect(checkFullProfile(accepted(check(ca, chain)), profile.encoded)).to.deep.equal(profile)
  })

  it('refuses any other profile, such as an older and cleaner one', () => {
    const peer = accepted(check(ca, ca.workload({ name: 'web', attributes }).chain))
    for (const other of [emptyProfile.encoded, Buffer.alloc(0)]) {
      expectIdentityError('ERR_PROFILE_DIGEST', () => checkFullProfile(peer, other))
    }
  })

  it('refuses a profile from a peer that is no workload', () => {
    const peer = accepted(check(ca, ca.controller().chain))
    expectIdentityError('ERR_PROFILE_DIGEST', () => checkFullProfile(peer, emptyProfile.encoded))
  })

  it('refuses a profile that does not hold what the certificate shows', () => {
    const { profile } = ca.workload({ name: 'other', attributes })
    const facts = { publicProfile: profile, profileDigest: emptyProfile.digest }
    const peer = accepted(check(ca, ca.workload({ name: 'web', facts }).chain))
    expectIdentityError('ERR_PROFILE_DIGEST', () => checkFullProfile(peer, emptyProfile.encoded))
  })

  it('refuses a profile that is not canonical, though the digest is right', () => {
    const padded = Buffer.concat([emptyProfile.encoded, Buffer.of(0)])
    const profileDigest = createHash('sha256').update(padded).digest('hex')
    const peer = accepted(check(ca, ca.workload({ name: 'web', facts: { profileDigest } }).chain))
    expectIdentityError('ERR_DER', () => checkFullProfile(peer, padded))
  })
})
