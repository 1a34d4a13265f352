import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { seal, sealingKey, unseal } from '../../src/sidecar/sealed-state.ts'
import { SidecarError } from '../../src/sidecar/sidecar-error.ts'
import {
  checkNotOlder,
  decodeHighWater,
  decodeState,
  emptyState,
  encodeHighWater,
  encodeState,
  type StoredState,
} from '../../src/sidecar/stored-state.ts'
import { expectError } from '../support/expect-error.ts'

const newKey = (): Buffer =>
  sealingKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
const key = newKey()
const purpose = { trustDomain: 'acme.example', workload: 'web', file: 'state' } as const
const plain = Buffer.from('what only this sidecar may read')

describe('seal()', () => {
  it('hides the content and gives it back', () => {
    const sealed = seal(key, purpose, plain)
    expect(sealed.includes(plain)).to.equal(false)
    expect(unseal(key, purpose, sealed)).to.deep.equal(plain)
  })

  it('never gives the same bytes twice', () => {
    expect(seal(key, purpose, plain)).to.not.deep.equal(seal(key, purpose, plain))
  })

  it('is broken by any changed byte', () => {
    const sealed = seal(key, purpose, plain)
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 0x80
      expectError(() => unseal(key, purpose, changed), SidecarError, 'ERR_STATE_SEAL')
    }
  })

  it('is broken by cutting anything off', () => {
    const sealed = seal(key, purpose, plain)
    for (let length = 0; length < sealed.length; length++) {
      const cut = sealed.subarray(0, length)
      expectError(() => unseal(key, purpose, cut), SidecarError, 'ERR_STATE_SEAL')
    }
  })

  const others = [
    { ...purpose, trustDomain: 'other.example' },
    { ...purpose, workload: 'db' },
    { ...purpose, file: 'highest' },
  ] as const
  for (const other of others) {
    it(`does not open as ${other.file} of ${other.workload} in ${other.trustDomain}`, () => {
      const sealed = seal(key, purpose, plain)
      expectError(() => unseal(key, other, sealed), SidecarError, 'ERR_STATE_SEAL')
    })
  }

  it('does not open with the key of another node', () => {
    const sealed = seal(newKey(), purpose, plain)
    expectError(() => unseal(key, purpose, sealed), SidecarError, 'ERR_STATE_SEAL')
  })
})

const full: StoredState = {
  highestVersion: 7,
  highestTimeMs: 1_800_000_000_000,
  identity: {
    chain: [Buffer.from('leaf'), Buffer.from('issuer')],
    privateKey: Buffer.from('key'),
    profile: Buffer.from('profile'),
    obtainedMs: 1_700_000_000_000,
  },
  pending: { privateKey: Buffer.from('next'), csr: Buffer.from('csr') },
  bundle: Buffer.from('bundle'),
  floors: Buffer.alloc(0),
  snapshot: Buffer.from('snapshot'),
}

describe('decodeState()', () => {
  for (const [what, state] of Object.entries({ full, empty: emptyState })) {
    it(`reads back a state that is ${what}`, () => {
      expect(decodeState(encodeState(state))).to.deep.equal(state)
    })
  }

  const broken: Readonly<Record<string, string>> = {
    'not JSON': '{',
    'a list': '[]',
    'another form': '{"form":2,"highestVersion":1,"highestTimeMs":1}',
    'no version': '{"form":1,"highestTimeMs":1}',
    'a negative version': '{"form":1,"highestVersion":-1,"highestTimeMs":1}',
    'an identity without a key':
      '{"form":1,"highestVersion":1,"highestTimeMs":1,"identity":{"chain":[],"profile":"","obtainedMs":1}}',
  }
  for (const [what, text] of Object.entries(broken)) {
    it(`refuses ${what}`, () => {
      expectError(() => decodeState(Buffer.from(text)), SidecarError, 'ERR_STATE_SEAL')
    })
  }
})

describe('checkNotOlder()', () => {
  it('takes the same version and a later one', () => {
    expect(decodeHighWater(encodeHighWater(full))).to.include({ highestVersion: 7 })
    checkNotOlder(full, { highestVersion: 7, highestTimeMs: 0 })
    checkNotOlder(full, { highestVersion: 6, highestTimeMs: 0 })
  })

  it('refuses an older version', () => {
    const highest = { highestVersion: 8, highestTimeMs: 0 }
    expectError(
      () => {
        checkNotOlder(full, highest)
      },
      SidecarError,
      'ERR_STATE_OLD',
    )
  })

  it('refuses a state whose mark is gone', () => {
    expectError(
      () => {
        checkNotOlder(full, undefined)
      },
      SidecarError,
      'ERR_STATE_OLD',
    )
  })
})
