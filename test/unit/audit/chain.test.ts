import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import {
  AuditError,
  checkHead,
  createChainCheck,
  genesisHash,
  hashEntry,
  sealEntry,
  signHead,
  type AuditEntry,
  type AuditErrorCode,
  type AuditHead,
} from '../../../src/audit/index.ts'
import { keySha256, spkiOf } from '../../../src/identity/public-key.ts'
import { expectError } from '../../support/expect-error.ts'

const trustDomain = 'acme.example'

function newAuditKey(): Parameters<typeof signHead>[2] {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { keyId: keySha256(spkiOf(publicKey)), publicKey, privateKey }
}
const key = newAuditKey()

function chainOf(length: number): AuditEntry[] {
  const entries: AuditEntry[] = []
  for (let index = 0; index < length; index++) {
    const facts = {
      timeMs: 1_000 + index,
      caller: 'ada',
      method: 'Admin.Apply',
      requestJson: `{"source":"${String(index)}"}`,
      outcome: 'OK',
    }
    entries.push(sealEntry(facts, entries.at(-1) ?? { sequence: 0, hash: genesisHash }))
  }
  return entries
}

function at(entries: readonly AuditEntry[], sequence: number): AuditEntry {
  const entry = entries[sequence - 1]
  if (entry === undefined) throw new Error('BUG: no such entry')
  return entry
}

function headAt(entries: readonly AuditEntry[], sequence: number, by = key): AuditHead {
  const { hash } = at(entries, sequence)
  return signHead(trustDomain, { sequence, hash, timeMs: 5_000 }, by)
}

function check(entries: readonly AuditEntry[], heads: readonly AuditHead[] = []): void {
  for (const head of heads) checkHead(trustDomain, head)
  const chain = createChainCheck(heads)
  for (const entry of entries) chain.take(entry)
  chain.finish()
}

/** What somebody does who can write to the store and knows the code, but has no key. */
function rewritten(entries: readonly AuditEntry[], sequence: number): AuditEntry[] {
  const kept = entries.slice(0, sequence - 1)
  for (const entry of entries.slice(sequence - 1)) {
    const last = kept.at(-1) ?? { sequence: 0, hash: genesisHash }
    kept.push(sealEntry({ ...entry, caller: 'mallory' }, last))
  }
  return kept
}

describe('audit chain', () => {
  const chain = chainOf(6)

  it('holds as it was written, with every head on its way', () => {
    check(
      chain,
      chain.map(({ sequence }) => headAt(chain, sequence)),
    )
    expect(createChainCheck([]).end.sequence).to.equal(0)
  })

  const changes: Readonly<Record<string, Partial<AuditEntry>>> = {
    time: { timeMs: 1 },
    caller: { caller: 'mallory' },
    method: { method: 'Admin.Status' },
    request: { requestJson: '{}' },
    outcome: { outcome: 'PERMISSION_DENIED' },
  }
  for (const [field, change] of Object.entries(changes)) {
    it(`shows a changed ${field}`, () => {
      const tampered = chain.with(2, { ...at(chain, 3), ...change })
      expectError(
        () => {
          check(tampered)
        },
        AuditError,
        'ERR_AUDIT_HASH',
      )
    })
    it(`shows a changed ${field} that was hashed again`, () => {
      const changed = { ...at(chain, 3), ...change }
      const tampered = chain.with(2, { ...changed, hash: hashEntry(changed) })
      expectError(
        () => {
          check(tampered)
        },
        AuditError,
        'ERR_AUDIT_LINK',
      )
    })
  }

  const breaks: Readonly<Record<string, readonly [readonly AuditEntry[], AuditErrorCode]>> = {
    'a removed entry': [chain.toSpliced(2, 1), 'ERR_AUDIT_SEQUENCE'],
    'a removed first entry': [chain.slice(1), 'ERR_AUDIT_SEQUENCE'],
    'two entries the other way round': [
      chain.with(2, at(chain, 4)).with(3, at(chain, 3)),
      'ERR_AUDIT_SEQUENCE',
    ],
    'an entry twice': [chain.toSpliced(2, 0, at(chain, 2)), 'ERR_AUDIT_SEQUENCE'],
    'an entry of another log': [chain.with(2, at(rewritten(chain, 1), 3)), 'ERR_AUDIT_LINK'],
  }
  for (const [name, [tampered, code]] of Object.entries(breaks)) {
    it(`shows ${name}`, () => {
      expectError(
        () => {
          check(tampered)
        },
        AuditError,
        code,
      )
    })
  }

  it('shows a tail that was cut off, by a head from before', () => {
    const cut = chain.slice(0, 4)
    check(cut)
    expectError(
      () => {
        check(cut, [headAt(chain, 6)])
      },
      AuditError,
      'ERR_AUDIT_TRUNCATED',
    )
    expectError(
      () => {
        check([], [headAt(chain, 1)])
      },
      AuditError,
      'ERR_AUDIT_TRUNCATED',
    )
  })

  it('shows a log that was rewritten from an entry on, by a head from before', () => {
    const forged = rewritten(chain, 3)
    check(forged)
    expectError(
      () => {
        check(forged, [headAt(chain, 6)])
      },
      AuditError,
      'ERR_AUDIT_HEAD_MISMATCH',
    )
    check(forged, [headAt(chain, 2)])
  })

  it('tells fields apart that only look the same when put together', () => {
    const one = at(chain, 1)
    const other = { ...one, caller: `${one.caller}A`, method: one.method.slice(1) }
    expect(hashEntry(other).equals(one.hash)).to.equal(false)
  })
})

describe('audit heads', () => {
  const chain = chainOf(3)

  it('hold for their trust domain and their key', () => {
    checkHead(trustDomain, headAt(chain, 3), key.keyId)
    expectError(
      () => {
        checkHead('evil.example', headAt(chain, 3))
      },
      AuditError,
      'ERR_AUDIT_HEAD_SIGNATURE',
    )
  })

  it('do not hold when signed anew with another key', () => {
    const forged = headAt(rewritten(chain, 1), 3, newAuditKey())
    checkHead(trustDomain, forged)
    expectError(
      () => {
        checkHead(trustDomain, forged, key.keyId)
      },
      AuditError,
      'ERR_AUDIT_HEAD_KEY',
    )
    expectError(
      () => {
        checkHead(trustDomain, { ...forged, keyId: key.keyId }, key.keyId)
      },
      AuditError,
      'ERR_AUDIT_HEAD_KEY',
    )
  })

  const right = headAt(chain, 3)
  const changes: Readonly<Record<string, Partial<AuditHead>>> = {
    sequence: { sequence: 2 },
    hash: { hash: at(chain, 2).hash },
    time: { timeMs: 5_001 },
    signature: { signature: Buffer.from('00', 'hex') },
  }
  for (const [field, change] of Object.entries(changes)) {
    it(`do not hold with another ${field}`, () => {
      expectError(
        () => {
          checkHead(trustDomain, { ...right, ...change })
        },
        AuditError,
        'ERR_AUDIT_HEAD_SIGNATURE',
      )
    })
  }

  it('do not hold for a key that is none', () => {
    const publicKey = Buffer.from('nonsense')
    const keyId = keySha256(publicKey)
    expectError(
      () => {
        checkHead(trustDomain, { ...right, publicKey, keyId })
      },
      AuditError,
      'ERR_AUDIT_HEAD_SIGNATURE',
    )
  })
})
