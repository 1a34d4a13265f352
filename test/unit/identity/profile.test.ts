import { expect } from 'chai'
import type { Attribute } from '../../../src/identity/attributes.ts'
import {
  compareUtf8,
  createProfile,
  emptyProfile,
  isPartOf,
  maxProfileBytes,
  publicProfile,
} from '../../../src/identity/profile.ts'
import { decodeProfile } from '../../../src/identity/profile-codec.ts'
import type { Provenance } from '../../../src/identity/provenance.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

const attribute = (key: string, value: string, provenance: Provenance): Attribute => ({
  key,
  value,
  provenance,
})

/** `count` values of one key, or of as many keys when `key` has a `#`. */
const many = (count: number, key: string, provenance: Provenance, value = ''): Attribute[] =>
  Array.from({ length: count }, (_, n) =>
    attribute(key.replace('#', String(n)), `${value}${String(n).padStart(4, '0')}`, provenance),
  )

const keysOf = (attributes: Iterable<Attribute>): string[] => [
  ...createProfile(attributes).profile.entries.keys(),
]

describe('createProfile()', () => {
  it('sorts keys and values, and counts a value once', () => {
    const { profile, dropped } = createProfile([
      attribute('label.role', 'b', 'assigned'),
      attribute('aws.account', '1', 'signed'),
      attribute('label.role', 'a', 'assigned'),
      attribute('label.role', 'b', 'assigned'),
    ])
    expect([...profile.entries]).to.deep.equal([
      ['aws.account', { provenance: 'signed', values: ['1'] }],
      ['label.role', { provenance: 'assigned', values: ['a', 'b'] }],
    ])
    expect(dropped).to.deep.equal([])
    expect(decodeProfile(profile.encoded)).to.deep.equal(profile)
  })

  it('keeps the values of the strongest provenance only, in whatever order they come', () => {
    const strong = attribute('image.digest', 'good', 'described')
    const weak = attribute('image.digest', 'forged', 'claimed')
    for (const attributes of [
      [strong, weak],
      [weak, strong],
      [weak, strong, weak],
    ]) {
      const { profile, dropped } = createProfile(attributes)
      expect(profile.entries.get('image.digest')).to.deep.equal({
        provenance: 'described',
        values: ['good'],
      })
      expect(dropped.map(({ key }) => key)).to.deep.equal(['image.digest'])
    }
  })

  it('refuses malformed keys and values', () => {
    expectIdentityError('ERR_ATTRIBUTE_KEY', () =>
      createProfile([attribute('App', 'x', 'claimed')]),
    )
    const newline = attribute('app.x', 'a\nb', 'claimed')
    expectIdentityError('ERR_ATTRIBUTE_VALUE', () => createProfile([newline]))
  })

  it('takes 256 values and no more', () => {
    expect(createProfile(many(256, 'label.x', 'assigned')).dropped).to.deep.equal([])
    const error = expectIdentityError('ERR_PROFILE_TOO_LARGE', () =>
      createProfile([...many(200, 'label.big', 'assigned'), ...many(57, 'label.k#', 'described')]),
    )
    expect(error.message).to.contain('"label.big" (200 values')
  })

  it('names the largest keys where signed, described and assigned values take more than 32 KiB', () => {
    const wide = many(80, 'aws.tag.k#', 'described', 'x'.repeat(450))
    const error = expectIdentityError('ERR_PROFILE_TOO_LARGE', () =>
      createProfile([...wide, ...many(4, 'label.large', 'assigned', 'y'.repeat(500))]),
    )
    expect(error.message).to.contain('"label.large" (4 values, ')
  })
})

describe('what an overfull profile lets go of', () => {
  const firm = many(200, 'label.k#', 'assigned')

  it('is first all but the 32 most important CVEs', () => {
    const cves = many(60, 'vuln.cve', 'described').reverse()
    const { profile, dropped } = createProfile([...firm, ...cves])
    const kept = cves.slice(0, 32).map(({ value }) => value)
    expect(profile.entries.get('vuln.cve')?.values).to.deep.equal(kept.sort())
    expect(dropped).to.deep.equal([
      { key: 'vuln.cve', reason: 'the profile was full: kept the first 32 of 60' },
    ])
  })

  it('is not the CVEs while there is room', () => {
    const { profile } = createProfile(many(60, 'vuln.cve', 'described'))
    expect(profile.entries.get('vuln.cve')?.values).to.have.length(60)
  })

  it('is then claimed before observed keys, whole keys, the largest first', () => {
    const attributes = [
      ...firm,
      ...many(30, 'os.group', 'observed'),
      ...many(20, 'app.small', 'claimed'),
      ...many(40, 'app.large', 'claimed'),
    ]
    const { profile, dropped } = createProfile(attributes)
    expect(dropped).to.deep.equal([{ key: 'app.large', reason: 'the profile was full: claimed' }])
    expect(profile.entries.get('os.group')?.values).to.have.length(30)
    expect(profile.entries.get('app.small')?.values).to.have.length(20)
  })

  it('is observed keys once the claimed ones are gone', () => {
    const attributes = [
      ...firm,
      ...many(60, 'os.group', 'observed'),
      ...many(10, 'app.a', 'claimed'),
      attribute('os.uid', '0', 'observed'),
    ]
    const dropped = createProfile(attributes).dropped.map(({ key }) => key)
    expect(dropped).to.deep.equal(['app.a', 'os.group'])
    expect(keysOf(attributes)).to.contain('os.uid')
  })

  it('is at last every CVE: a scan must never be an outage', () => {
    const attributes = [
      ...many(250, 'label.k#', 'assigned'),
      ...many(50, 'vuln.cve', 'signed'),
      attribute('vuln.state', 'affected', 'signed'),
    ]
    const { profile, dropped } = createProfile(attributes)
    expect(profile.entries.has('vuln.cve')).to.equal(false)
    expect(profile.entries.has('vuln.state')).to.equal(true)
    expect(dropped.map(({ key }) => key)).to.deep.equal(['vuln.cve', 'vuln.cve'])
  })

  it('fits by bytes as well as by count', () => {
    const attributes = [
      ...many(50, 'label.k#', 'assigned', 'x'.repeat(400)),
      ...many(50, 'app.k#', 'claimed', 'x'.repeat(400)),
    ]
    const { profile, dropped } = createProfile(attributes)
    expect(profile.encoded.length).to.be.within(maxProfileBytes - 450, maxProfileBytes)
    expect(dropped.length + profile.entries.size).to.equal(100)
    expect(decodeProfile(profile.encoded)).to.deep.equal(profile)
  })
})

describe('publicProfile()', () => {
  const { profile } = createProfile([
    attribute('aws.account', '1', 'signed'),
    attribute('aws.tag.team', 'x', 'described'),
    attribute('image.type', 'db', 'observed'),
    attribute('image.digest', 'sha256:1', 'observed'),
    attribute('label.app', 'web', 'assigned'),
    attribute('vuln.state', 'affected', 'observed'),
  ])

  it('shows account, region, zone, labels and image type by default', () => {
    const shown = publicProfile(profile)
    expect([...shown.entries.keys()]).to.deep.equal(['aws.account', 'image.type', 'label.app'])
    expect(isPartOf(shown, profile)).to.equal(true)
    expect(decodeProfile(shown.encoded)).to.deep.equal(shown)
  })

  it('shows what is configured, and nothing for an empty list', () => {
    expect([...publicProfile(profile, ['vuln.*']).entries.keys()]).to.deep.equal(['vuln.state'])
    expect(publicProfile(profile, [])).to.deep.equal(emptyProfile)
  })
})

describe('isPartOf()', () => {
  const whole = createProfile(many(2, 'label.x', 'assigned')).profile

  it('wants the same keys, provenance and all values', () => {
    expect(isPartOf(whole, whole)).to.equal(true)
    expect(isPartOf(emptyProfile, whole)).to.equal(true)
    const others: Attribute[][] = [
      many(1, 'label.x', 'assigned'),
      many(3, 'label.x', 'assigned'),
      many(2, 'label.x', 'signed'),
      many(2, 'label.y', 'assigned'),
    ]
    for (const other of others) {
      expect(isPartOf(createProfile(other).profile, whole)).to.equal(false)
    }
  })
})

describe('compareUtf8()', () => {
  it('orders as the bytes of UTF-8 do', () => {
    const texts = [
      '',
      'a',
      'ab',
      'b',
      'é',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '😀',
      '😀a',
      '😁',
      '\u{10ffff}',
    ]
    for (const a of texts) {
      for (const b of texts) {
        const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b))
        expect(Math.sign(compareUtf8(a, b)), `${a} ${b}`).to.equal(bytes)
      }
    }
  })
})
