import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { AttestError } from '../../src/attest/errors.ts'
import {
  kindOf,
  loadIidKeys,
  mergeIidKeys,
  parseIidKeys,
  type IidKeys,
} from '../../src/attest/iid/index.ts'
import { expectError, expectRejection } from '../support/expect-error.ts'
import { northRegion, southRegion, testIidKeys, testKeyFile } from '../support/test-iid.ts'

type Json = Record<string, unknown>

/** The key file of a region with its first entry changed. */
function changed(change: (entry: Json) => Json): Buffer {
  const file = JSON.parse(testKeyFile([northRegion])) as { version: number; keys: Json[] }
  const [entry = {}, ...more] = file.keys
  return Buffer.from(JSON.stringify({ ...file, keys: [change(entry), ...more] }))
}

const without = (name: string) => (entry: Json) =>
  Object.fromEntries(Object.entries(entry).filter(([key]) => key !== name))

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error: unknown) {
    if (error instanceof AttestError && error.code === 'ERR_IID_KEYS') return error.message
    throw error
  }
  throw new Error('accepted')
}

describe('the pinned keys of AWS', () => {
  let keys: IidKeys
  before(async () => {
    keys = await loadIidKeys()
  })

  it('have an RSA-2048 and an RSA-1024 key for each of the 39 public regions', () => {
    const regions = (form: string): Set<string> =>
      new Set(keys.all.filter((key) => key.form === form).map(({ region }) => region))
    expect(regions('rsa2048').size).to.equal(39)
    expect(regions('signature').size).to.equal(39)
    expect(regions('pkcs7').size).to.equal(36)
  })

  it('share no RSA-2048 key, so that it proves the region', () => {
    const own = keys.all.filter(({ form }) => form === 'rsa2048').map(({ keySha256 }) => keySha256)
    expect(new Set(own).size).to.equal(own.length)
  })

  it('are of the kinds that AWS documents', () => {
    const kinds = new Set(keys.all.map(({ form, publicKey }) => `${form} ${kindOf(publicKey)}`))
    expect([...kinds].sort()).to.deep.equal([
      'pkcs7 dsa-1024',
      // The China regions.
      'pkcs7 rsa-2048',
      'rsa2048 rsa-2048',
      'signature rsa-1024',
    ])
  })

  it('say for each where it came from', () => {
    const file = JSON.parse(
      readFileSync(new URL('../../data/aws-iid-keys.json', import.meta.url), 'utf8'),
    ) as { keys: { sources: string[] }[] }
    for (const { sources } of file.keys) expect(sources.length).to.be.greaterThan(0)
  })
})

describe('parseIidKeys()', () => {
  for (const [about, bytes, message] of [
    ['no JSON', Buffer.from('{'), 'expected JSON'],
    ['a name that is there twice', Buffer.from('{"version":1,"version":1,"keys":[]}'), 'twice'],
    ['an array', Buffer.from('[]'), 'expected an object'],
    ['another version', Buffer.from('{"version":2,"keys":[]}'), 'expected "version": 1'],
    ['no keys', Buffer.from('{"version":1}'), 'expected a list in "keys"'],
    ['an unknown field', Buffer.from('{"version":1,"keys":[],"key":[]}'), 'unknown field "key"'],
    ['a file too large', Buffer.alloc(1024 * 1024 + 1), 'expected at most'],
    ['no region', changed(without('region')), 'expected "region"'],
    ['a wrong region', changed((e) => ({ ...e, region: 'North' })), 'expected "region"'],
    ['a wrong form', changed((e) => ({ ...e, form: 'rsa4096' })), 'one of rsa2048, pkcs7'],
    ['a misspelled field', changed((e) => ({ ...e, replace: 'x' })), 'unknown field "replace"'],
    ['no source', changed(without('sources')), 'expected a list in "sources"'],
    ['no signer', changed((e) => ({ ...e, signers: [] })), 'at least one signer'],
    [
      'a serial with leading zeros',
      changed((e) => ({ ...e, signers: [{ issuer: 'C=US', serial: '00b1' }] })),
      'expected "serial"',
    ],
    [
      'a signer with more',
      changed((e) => ({ ...e, signers: [{ issuer: 'C=US', serial: 'b1', until: 1 }] })),
      'unknown field "until"',
    ],
    ['another hash', changed((e) => ({ ...e, spkiSha256: '00'.repeat(32) })), 'that spkiSha256'],
    ['another kind of key', changed((e) => ({ ...e, key: 'rsa-4096' })), 'got "rsa-4096"'],
    [
      'a key that is too weak for its form',
      changed((e) => {
        const [weak] = (JSON.parse(testKeyFile([northRegion], ['signature'])) as { keys: Json[] })
          .keys
        return { ...weak, form: e['form'] }
      }),
      'a rsa-1024 key cannot sign rsa2048',
    ],
    [
      'no key at all',
      changed((e) => ({
        ...e,
        spki: 'AAAA',
        spkiSha256: '709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c',
      })),
      'expected a SubjectPublicKeyInfo',
    ],
    [
      'two keys for one region and form',
      changed((e) => ({ ...e, form: 'pkcs7', key: 'rsa-2048' })),
      'a second pkcs7 key for test-north-1',
    ],
  ] as const) {
    it(`refuses ${about}`, () => {
      const text = messageOf(() => parseIidKeys(bytes, 'keys.json'))
      expect(text).to.match(/^keys\.json: /)
      expect(text).to.contain(message)
    })
  }
})

describe('mergeIidKeys()', () => {
  const pinned = testIidKeys([northRegion])
  const pinnedHash = pinned.find('test-north-1', 'rsa2048')?.keySha256 ?? ''
  const southKey = (change: Json): IidKeys => {
    const { keys } = JSON.parse(testKeyFile([southRegion], ['rsa2048'])) as { keys: Json[] }
    const entry = { ...keys[0], region: 'test-north-1', ...change }
    return parseIidKeys(Buffer.from(JSON.stringify({ version: 1, keys: [entry] })), 'more.json')
  }

  it('adds a region', () => {
    const merged = mergeIidKeys(pinned, testIidKeys([southRegion]), 'more.json')
    expect(merged.all.length).to.equal(6)
    expect(merged.hasRegion('test-north-1') && merged.hasRegion('test-south-1')).to.be.true
    expect(pinned.hasRegion('test-south-1')).to.be.false
  })

  it('adds the serial of a reissued certificate to the key that it is of', () => {
    const reissued = changed((e) => ({ ...e, signers: [{ issuer: 'C=US', serial: 'cafe' }] }))
    const merged = mergeIidKeys(pinned, parseIidKeys(reissued, 'more.json'), 'more.json')
    expect(merged.find('test-north-1', 'rsa2048')?.signers.length).to.equal(2)
    expect(merged.find('test-north-1', 'pkcs7')?.signers.length).to.equal(1)
  })

  it('refuses another key for a region that has one', () => {
    const message = messageOf(() => mergeIidKeys(pinned, southKey({}), 'more.json'))
    expect(message).to.contain('more.json: the rsa2048 key of test-north-1: clashes with')
    expect(message).to.contain(pinnedHash)
  })

  it('replaces a key by the one that says so', () => {
    const added = southKey({ replaces: pinnedHash })
    const merged = mergeIidKeys(pinned, added, 'more.json')
    expect(merged.find('test-north-1', 'rsa2048')?.keySha256).to.equal(added.all[0]?.keySha256)
    expect(merged.all.length).to.equal(3)
  })

  for (const [about, into] of [
    ['another key than the pinned one', pinned],
    ['a key where none is', testIidKeys([southRegion])],
  ] as const) {
    it(`refuses to replace ${about}`, () => {
      const added = southKey({ replaces: 'ab'.repeat(32) })
      expectError(() => mergeIidKeys(into, added, 'more.json'), AttestError, 'ERR_IID_KEYS')
    })
  }
})

describe('loadIidKeys()', () => {
  it('names the file that it cannot read', async () => {
    await expectRejection(loadIidKeys('/nonexistent/keys.json'), AttestError, 'ERR_IID_KEYS')
  })
})
