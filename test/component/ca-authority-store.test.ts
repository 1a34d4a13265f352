import { expect } from 'chai'
import { createKeyProtector } from '../../src/ca/key-protector.ts'
import { openAuthority, type Authority } from '../../src/ca/authority.ts'
import type { StoredAuthority } from '../../src/ca/authority-store.ts'
import { CaError } from '../../src/ca/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { parseTrustDomain } from '../../src/identity/spiffe-id.ts'
import { expectRejection } from '../support/expect-error.ts'
import {
  createTestAuthority,
  issueWeb,
  verdictOn,
  type TestAuthority,
} from '../support/test-authority.ts'

const minuteMs = 60_000

function rowOf({ store }: TestAuthority, kind: StoredAuthority['kind']): StoredAuthority {
  const row = [...store.rows.values()].find((stored) => stored.kind === kind)
  if (row === undefined) throw new Error(`no ${kind} in the store`)
  return row
}

const actives = (authority: Authority): number =>
  authority.issuers().filter(({ state }) => state === 'active').length

describe('an authority that is opened again', () => {
  it('is the same: bundle, issuer, token and audit keys', async () => {
    const { open, clock } = createTestAuthority()
    const former = await open()
    const issued = issueWeb(former, 60 * minuteMs)
    const again = await open()
    expect(again.bundle()).to.deep.equal(former.bundle())
    expect(again.issuers()).to.deep.equal(former.issuers())
    expect(again.joinTokenKey().keyId).to.equal(former.joinTokenKey().keyId)
    expect(again.auditKey().keyId).to.equal(former.auditKey().keyId)
    expect(verdictOn(issued, again, clock.now())).to.equal('ok')
    expect(verdictOn(issueWeb(again, 60 * minuteMs), former, clock.now())).to.equal('ok')
  })

  it('has a key of its own for each purpose', async () => {
    const authority = await createTestAuthority().open()
    const ids = [authority.joinTokenKey(), authority.auditKey()].map(({ keyId }) => keyId)
    ids.push(...authority.issuers().map(({ keySha256 }) => keySha256))
    expect(new Set(ids).size).to.equal(3)
  })

  it('keeps an old issuer until the leaves have expired that it signed before the restart', async () => {
    const { open, clock } = createTestAuthority()
    const issued = issueWeb(await open(), 110 * minuteMs)
    clock.advance(61 * minuteMs)
    await (await open()).advance()
    clock.advance(41 * minuteMs)
    const again = await open()
    expect(again.issuers().map(({ state }) => state)).to.deep.equal(['old', 'active'])
    clock.advance(7 * minuteMs)
    await again.advance()
    expect(verdictOn(issued, again, clock.now())).to.equal('ok')
  })

  it('remembers across a restart when the last leaf of an old issuer ends', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    issueWeb(authority, 105 * minuteMs)
    clock.advance(61 * minuteMs)
    await authority.advance()
    clock.advance(41 * minuteMs)
    await authority.advance()
    clock.advance(2 * minuteMs)
    expect((await open()).issuers()).to.have.lengthOf(2)
    clock.advance(minuteMs)
    expect((await open()).issuers()).to.have.lengthOf(1)
  })

  it('never counts its bundle version down, whatever is removed', async () => {
    const { open, clock } = createTestAuthority()
    let version = 0
    for (let step = 0; step < 12; step++) {
      const authority = await open()
      expect(authority.bundle().version).to.be.at.least(version)
      version = authority.bundle().version
      clock.advance(25 * minuteMs)
    }
  })
})

describe('the keys at rest', () => {
  it('are not readable in the store', async () => {
    const authority = createTestAuthority()
    const opened = await authority.open()
    const audit = opened.auditKey().privateKey.export({ format: 'jwk' }).d ?? ''
    const secrets = [Buffer.from(audit, 'base64url'), opened.joinTokenKey().secret.export()]
    for (const secret of secrets) {
      expect(secret).to.have.lengthOf(32)
      for (const row of authority.store.rows.values()) {
        expect(row.sealedKey.includes(secret)).to.equal(false)
      }
    }
  })

  it('do not open under another key, and nothing is made anew', async () => {
    const { open, store, clock } = createTestAuthority()
    await open()
    const before = new Map(store.rows)
    const protector = createKeyProtector({ key: Buffer.alloc(32), purpose: 'ca' })
    const trustDomain = parseTrustDomain('acme.example')
    const opened = openAuthority({ store, protector, clock, trustDomain, log: silentLogger })
    await expectRejection(opened, CaError, 'ERR_WRONG_KEY')
    expect(store.rows).to.deep.equal(before)
  })

  it('are destroyed when an issuer is tainted or old', async () => {
    const made = createTestAuthority()
    const authority = await made.open()
    const row = rowOf(made, 'issuer')
    const holdsKey = async (): Promise<boolean> =>
      (await made.protector.open(made.store.rows.get(row.id)?.sealedKey ?? row.sealedKey)).length >
      130
    expect(await holdsKey()).to.equal(true)
    await authority.taint(row.id)
    expect(await holdsKey()).to.equal(false)
  })
})

describe('a store that was tampered with', () => {
  const attacks: [name: string, change: (made: TestAuthority) => void, code?: 'ERR_WRONG_KEY'][] = [
    [
      'a sealed key with a changed bit',
      (made) => {
        const row = rowOf(made, 'issuer')
        const sealedKey = Buffer.from(row.sealedKey)
        sealedKey[40] = (sealedKey[40] ?? 0) ^ 1
        made.store.rows.set(row.id, { ...row, sealedKey })
      },
      'ERR_WRONG_KEY',
    ],
    [
      "the issuer's key in the place of the join token's",
      (made) => {
        const { sealedKey } = rowOf(made, 'issuer')
        const row = rowOf(made, 'join-token')
        made.store.rows.set(row.id, { ...row, sealedKey })
      },
    ],
    [
      'the audit key that passes for the join token key',
      (made) => {
        made.store.rows.delete(rowOf(made, 'join-token').id)
        const row = rowOf(made, 'audit')
        made.store.rows.set(row.id, { ...row, kind: 'join-token' })
      },
    ],
    [
      'an issuer without a certificate',
      (made) => {
        const row = rowOf(made, 'issuer')
        made.store.rows.set(row.id, { ...row, certificate: undefined })
      },
    ],
    [
      'an issuer with a certificate that is none',
      (made) => {
        const row = rowOf(made, 'issuer')
        made.store.rows.set(row.id, { ...row, certificate: Buffer.from('no') })
      },
    ],
    [
      "an issuer with the root's certificate",
      (made) => {
        const { certificate } = rowOf(made, 'root')
        const row = rowOf(made, 'issuer')
        made.store.rows.set(row.id, { ...row, certificate })
      },
    ],
    [
      'an issuer that lives longer than its certificate',
      (made) => {
        const row = rowOf(made, 'issuer')
        made.store.rows.set(row.id, { ...row, notAfter: row.notAfter + 1_000 })
      },
    ],
    [
      'no root any more',
      (made) => {
        made.store.rows.delete(rowOf(made, 'root').id)
      },
    ],
    [
      'neither root nor issuers any more',
      (made) => {
        made.store.rows.delete(rowOf(made, 'root').id)
        made.store.rows.delete(rowOf(made, 'issuer').id)
      },
    ],
  ]
  for (const [name, change, code = 'ERR_AUTHORITY_STORE'] of attacks) {
    it(`does not open with ${name}`, async () => {
      const made = createTestAuthority()
      await made.open()
      change(made)
      await expectRejection(made.open(), CaError, code)
    })
  }

  it('does not open with a root of somebody else beside the own one', async () => {
    const [made, other] = [createTestAuthority(), createTestAuthority()]
    await Promise.all([made.open(), other.open()])
    const foreign = rowOf(other, 'root')
    for (const state of ['active', 'old'] as const) {
      made.store.rows.set(foreign.id, { ...foreign, state })
      await expectRejection(made.open(), CaError, 'ERR_WRONG_KEY')
    }
  })

  it('does not open with an issuer that another root signed', async () => {
    const made = createTestAuthority()
    await made.open()
    const issuer = rowOf(made, 'issuer')
    made.store.rows.clear()
    await made.open()
    made.store.rows.set(issuer.id, issuer)
    await expectRejection(made.open(), CaError, 'ERR_AUTHORITY_STORE')
  })

  it('does not bring a tainted issuer back', async () => {
    const made = createTestAuthority()
    const authority = await made.open()
    const { id } = rowOf(made, 'issuer')
    await authority.taint(id)
    const tainted = made.store.rows.get(id)
    if (tainted === undefined) throw new Error('the tainted issuer is gone')
    for (const state of ['prepared', 'active', 'old'] as const) {
      made.store.rows.set(id, { ...tainted, state })
      await expectRejection(made.open(), CaError, 'ERR_AUTHORITY_STORE')
    }
  })

  it('does not open under the name of another trust domain', async () => {
    const { open } = createTestAuthority()
    await open()
    await expectRejection(open({ trustDomain: 'evil.example' }), CaError, 'ERR_AUTHORITY_STORE')
  })
})

describe('a store that fails', () => {
  it('leaves a whole authority behind, wherever the first start was cut off', async () => {
    for (let writes = 0; writes <= 10; writes++) {
      const { open, store, clock } = createTestAuthority()
      store.failAfter(writes)
      const first = await open().catch((error: unknown) => error)
      expect(first instanceof Error).to.equal(writes < 10)
      store.failAfter(Number.POSITIVE_INFINITY)
      const authority = await open()
      expect(authority.bundle().roots).to.have.lengthOf(1)
      expect(actives(authority)).to.equal(1)
      expect(verdictOn(issueWeb(authority, minuteMs), authority, clock.now())).to.equal('ok')
    }
  })

  it('leaves one active issuer behind, wherever a succession was cut off', async () => {
    for (let writes = 0; writes <= 3; writes++) {
      const { open, store, clock } = createTestAuthority()
      const authority = await open()
      const issued = issueWeb(authority, 110 * minuteMs)
      store.failAfter(writes)
      clock.advance(104 * minuteMs)
      const failed = await authority.advance().catch((error: unknown) => error)
      expect(failed instanceof Error || writes > 0).to.equal(true)
      clock.advance(2 * minuteMs)
      await authority.advance().catch((error: unknown) => error)
      store.failAfter(Number.POSITIVE_INFINITY)
      const again = await open()
      expect(actives(again)).to.equal(1)
      expect(verdictOn(issued, again, clock.now())).to.equal('ok')
      expect(verdictOn(issueWeb(again, minuteMs), again, clock.now())).to.equal('ok')
      expect(again.bundle().version).to.be.at.least(authority.bundle().version)
    }
  })

  it('shows no change that was not saved', async () => {
    const { open, store } = createTestAuthority()
    const authority = await open()
    const bundle = authority.bundle()
    store.failAfter(0)
    await authority.taint(authority.issuers()[0]?.keySha256 ?? '').catch(() => undefined)
    expect(authority.bundle()).to.equal(bundle)
  })
})
