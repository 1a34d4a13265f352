import { expect } from 'chai'
import { readPublicKey, type PublicKey } from '../../src/ca/csr.ts'
import { CaError } from '../../src/ca/errors.ts'
import { controllerId } from '../../src/identity/reserved-path.ts'
import { parseTrustDomain, spiffeId } from '../../src/identity/spiffe-id.ts'
import { expectError } from '../support/expect-error.ts'
import {
  createTestAuthority,
  issueWeb,
  testFacts,
  testIssuerMs,
  verdictOn,
} from '../support/test-authority.ts'
import { newKeys } from '../support/test-ca.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

const newKey = (): PublicKey => readPublicKey(newKeys().spki)

describe('issuing', () => {
  it('gives a chain that peers accept until its last second', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const issued = issueWeb(authority, hourMs)
    expect(issued.serial).to.match(/^[0-9a-f]{32}$/)
    expect(issued.notBefore).to.equal(clock.now() - minuteMs)
    expect(issued.notAfter).to.equal(clock.now() + hourMs)
    expect(verdictOn(issued, authority, issued.notBefore)).to.equal('ok')
    expect(verdictOn(issued, authority, issued.notAfter - 1)).to.equal('ok')
    expect(verdictOn(issued, authority, issued.notAfter)).to.equal('expired')
  })

  it('gives Blazon its own certificates', async () => {
    const authority = await createTestAuthority().open()
    const id = controllerId(authority.trustDomain)
    const issued = authority.issueReserved({ key: newKey(), spiffeId: id, ttlMs: hourMs })
    expect(verdictOn(issued, authority, issued.notBefore)).to.equal('ok')
  })

  it('ends a leaf with its issuer', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    clock.advance(testIssuerMs - 10 * minuteMs)
    const issued = issueWeb(authority, hourMs)
    expect(issued.notAfter).to.equal(authority.issuers()[0]?.notAfter)
    expect(verdictOn(issued, authority, issued.notAfter - 1)).to.equal('ok')
  })

  it('refuses where the issuer has no life left to give', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    clock.advance(testIssuerMs - 500)
    expectError(() => issueWeb(authority, hourMs), CaError, 'ERR_NO_ISSUER')
    clock.advance(500)
    expectError(() => issueWeb(authority, hourMs), CaError, 'ERR_NO_ISSUER')
  })

  it('refuses lives out of bounds', async () => {
    const authority = await createTestAuthority().open()
    for (const ttlMs of [0, -1, 999, 24 * hourMs + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expectError(() => issueWeb(authority, ttlMs), CaError, 'ERR_TTL')
    }
  })

  it('refuses names that are not for this kind of certificate, or of another domain', async () => {
    const authority = await createTestAuthority().open()
    const common = { key: newKey(), ttlMs: hourMs }
    const workload = spiffeId(authority.trustDomain, '/ns/default/workload/web')
    const foreign = spiffeId(parseTrustDomain('evil.example'), '/ns/default/workload/web')
    const own = controllerId(authority.trustDomain)
    const attempts = [
      () => authority.issueWorkload({ ...common, spiffeId: own, facts: testFacts }),
      () => authority.issueWorkload({ ...common, spiffeId: foreign, facts: testFacts }),
      () => authority.issueReserved({ ...common, spiffeId: workload }),
      () => authority.issueReserved({ ...common, spiffeId: controllerId(parseTrustDomain('e')) }),
    ]
    for (const attempt of attempts) expectError(attempt, CaError, 'ERR_SPIFFE_ID')
  })

  it('refuses a public key that is not P-256', async () => {
    const authority = await createTestAuthority().open()
    const id = controllerId(authority.trustDomain)
    const issue = (): unknown =>
      authority.issueReserved({
        key: readPublicKey(Buffer.from('key')),
        spiffeId: id,
        ttlMs: hourMs,
      })
    expectError(issue, CaError, 'ERR_PUBLIC_KEY')
  })
})

describe('the life of issuers', () => {
  it('prepares at half-life, activates at 5/6, and removes after the last leaf', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const [first] = authority.issuers()
    const seen: string[] = []
    let lastLeafEnds = 0
    for (let minute = 0; minute <= 119; minute++) {
      // The last leaf of the first issuer, at minute 99, ends with minute 114: before its issuer does.
      if (minute === 99) lastLeafEnds = issueWeb(authority, 15 * minuteMs).notAfter
      const isChanged = await authority.advance()
      const states = authority.issuers().map(({ state }) => state)
      if (isChanged) seen.push(`${String(minute)}: ${states.join(' ')}`)
      clock.advance(minuteMs)
    }
    expect(lastLeafEnds).to.be.lessThan(first?.notAfter ?? 0)
    // Lives are counted from the backdated start, one minute before minute 0.
    expect(seen).to.deep.equal(['60: active prepared', '100: old active', '114: active'])
  })

  it('never breaks ten hours of renewals at half-life', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    let svid = issueWeb(authority, hourMs)
    for (let step = 0; step < 80; step++) {
      await authority.advance()
      expect(verdictOn(svid, authority, clock.now())).to.equal('ok')
      if (clock.now() >= (svid.notBefore + svid.notAfter) / 2) svid = issueWeb(authority, hourMs)
      clock.advance(7.5 * minuteMs)
    }
    expect(authority.issuers().length).to.be.lessThan(4)
  })

  it('gives the bundle a higher version with each change, and one object per version', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    let former = authority.bundle()
    for (let minute = 0; minute <= 130; minute++) {
      const isChanged = await authority.advance()
      const bundle = authority.bundle()
      expect(bundle.version > former.version).to.equal(isChanged)
      expect(bundle === former).to.equal(!isChanged)
      former = bundle
      clock.advance(minuteMs)
    }
  })

  it('changes once, however many ask at the same time', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    clock.advance(61 * minuteMs)
    const changed = await Promise.all([1, 2, 3].map(() => authority.advance()))
    expect(changed).to.deep.equal([true, false, false])
    expect(authority.issuers()).to.have.lengthOf(2)
  })
})

describe('tainting an issuer', () => {
  it('refuses what it signed at once, and goes on under a new one', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const stolen = issueWeb(authority, hourMs)
    const [first] = authority.issuers()
    await authority.taint(first?.keySha256 ?? '')
    expect(verdictOn(stolen, authority, clock.now())).to.equal('issuer-tainted')
    expect(verdictOn(issueWeb(authority, hourMs), authority, clock.now())).to.equal('ok')
    expect(authority.issuers().map(({ state }) => state)).to.have.members(['tainted', 'active'])
  })

  it('does nothing the second time', async () => {
    const authority = await createTestAuthority().open()
    const id = authority.issuers()[0]?.keySha256 ?? ''
    await authority.taint(id)
    const bundle = authority.bundle()
    await authority.taint(id)
    expect(authority.bundle()).to.equal(bundle)
  })

  it('refuses an unknown one', async () => {
    const authority = await createTestAuthority().open()
    const thrown = await authority.taint('00').catch((error: unknown) => error)
    expect(thrown).to.be.instanceOf(CaError).with.property('code', 'ERR_ISSUER_UNKNOWN')
  })
})
