import { createPublicKey } from 'node:crypto'
import { expect } from 'chai'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { AttestError, issueJoinToken, verifyJoinToken } from '../../src/attest/index.ts'
import { CaError } from '../../src/ca/errors.ts'
import { spiffeId } from '../../src/identity/index.ts'
import type { TrustBundle } from '../../src/identity/bundle.ts'
import type { Authority } from '../../src/ca/authority.ts'
import { expectError, expectRejection } from '../support/expect-error.ts'
import { createTestAuthority, issueWeb, testIssuerMs } from '../support/test-authority.ts'

const minuteMs = 60_000

/** What a receiver does: the key by its id out of the bundle, and nothing else is believed. */
async function accept(token: string, bundle: TrustBundle, now: number): Promise<string> {
  const { kid } = decodeProtectedHeader(token)
  const listed = bundle.jwtKeys.find(({ keyId }) => keyId === kid)
  if (listed === undefined) throw new Error('the key is not listed')
  const key = createPublicKey({ key: listed.spki, format: 'der', type: 'spki' })
  const { payload } = await jwtVerify(token, key, {
    algorithms: ['ES256'],
    audience: 'orders',
    typ: 'JWT',
    currentDate: new Date(now),
  })
  return payload.sub ?? ''
}

/** Of JWT-SVIDs. */
function keysOf({ jwtKeys }: TrustBundle): string[] {
  return jwtKeys.filter(({ use }) => use === 'jwt-svid').map(({ keyId }) => keyId)
}

function requestOf(authority: Authority, notAfter: number): Parameters<Authority['issueJwt']>[0] {
  const id = spiffeId(authority.trustDomain, '/ns/default/workload/web')
  return { spiffeId: id, audience: ['orders'], notAfter }
}

describe('JWT-SVIDs', () => {
  it('are accepted by the key in the bundle, for their audience and for five minutes', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const { token, expiresAt } = await authority.issueJwt(
      requestOf(authority, clock.now() + 60 * minuteMs),
    )
    expect(expiresAt - clock.now()).to.equal(5 * minuteMs)
    const bundle = authority.bundle()
    expect(await accept(token, bundle, clock.now())).to.equal(
      'spiffe://acme.example/ns/default/workload/web',
    )
    const late = await accept(token, bundle, clock.now() + 6 * minuteMs).catch(
      (error: unknown) => error,
    )
    expect(late).to.have.property('code', 'ERR_JWT_EXPIRED')
    const { alg, typ } = decodeProtectedHeader(token)
    expect([alg, typ]).to.deep.equal(['ES256', 'JWT'])
  })

  it('end with the certificate of whoever asked', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const end = clock.now() + 30_000
    expect((await authority.issueJwt(requestOf(authority, end))).expiresAt).to.equal(end)
    await expectRejection(authority.issueJwt(requestOf(authority, clock.now())), CaError, 'ERR_TTL')
  })

  const faults: Readonly<Record<string, readonly string[]>> = {
    none: [],
    'an empty one': [''],
    'one with a line end': ['a\nb'],
    'one that is too long': ['a'.repeat(513)],
    'too many': Array.from({ length: 17 }, (_none, index) => `a${String(index)}`),
  }
  for (const [name, audience] of Object.entries(faults)) {
    it(`need audiences, and not ${name}`, async () => {
      const { open, clock } = createTestAuthority()
      const authority = await open()
      const request = { ...requestOf(authority, clock.now() + minuteMs), audience }
      await expectRejection(authority.issueJwt(request), CaError, 'ERR_AUDIENCE')
    })
  }

  it('are never for a reserved name or another trust domain', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const request = requestOf(authority, clock.now() + minuteMs)
    const reserved = { ...request, spiffeId: 'spiffe://acme.example/blazon/admin/admin' as never }
    await expectRejection(authority.issueJwt(reserved), CaError, 'ERR_SPIFFE_ID')
    const foreign = { ...request, spiffeId: 'spiffe://evil.example/web' as never }
    await expectRejection(authority.issueJwt(foreign), CaError, 'ERR_SPIFFE_ID')
  })

  it('have a key of their own: no other key of the authority is listed for them', async () => {
    const { open } = createTestAuthority()
    const authority = await open()
    const listed = keysOf(authority.bundle())
    expect(listed).to.have.length(1)
    expect(listed).to.not.include(authority.joinTokenKey().keyId)
    expect(listed).to.not.include(authority.auditKey().keyId)
    expect([...authority.bundle().issuers.keys()]).to.not.include(listed[0])
  })

  it('are no join tokens, and join tokens are no JWT-SVIDs', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const { trustDomain } = authority
    const now = clock.now()
    const { token: svid } = await authority.issueJwt({
      ...requestOf(authority, now + minuteMs),
      audience: [`${trustDomain}/enrolment`],
    })
    expectError(
      () => verifyJoinToken(svid, { key: authority.joinTokenKey(), trustDomain, now }),
      AttestError,
      'ERR_JOIN_TOKEN_SIGNATURE',
    )
    const join = await issueJoinToken({
      key: authority.joinTokenKey(),
      trustDomain,
      labels: {},
      ttlMs: minuteMs,
      now,
    })
    const refusal = await accept(join.token, authority.bundle(), now).catch(String)
    expect(refusal).to.match(/the key is not listed/)
  })

  it('change their key as issuers do, and stay good until their end', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const [first] = keysOf(authority.bundle())
    clock.advance(testIssuerMs / 2)
    await authority.advance()
    const listed = keysOf(authority.bundle())
    expect(listed).to.have.length(2)
    expect(listed[0]).to.equal(first)
    const { token } = await authority.issueJwt(requestOf(authority, clock.now() + 60 * minuteMs))
    expect(decodeProtectedHeader(token).kid).to.equal(first)
    clock.advance(testIssuerMs / 3 + 1)
    await authority.advance()
    const next = await authority.issueJwt(requestOf(authority, clock.now() + 60 * minuteMs))
    expect(decodeProtectedHeader(next.token).kid).to.equal(listed[1])
    clock.advance(6 * minuteMs)
    await authority.advance()
    expect(keysOf(authority.bundle())).to.deep.equal([listed[1]])
  })

  it('lose their key over a taint, and a restart does not bring it back', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const [first] = keysOf(authority.bundle())
    await authority.taint(first ?? '')
    const again = await open()
    for (const one of [authority, again]) {
      const listed = keysOf(one.bundle())
      expect(listed).to.have.length(1)
      expect(listed).to.not.include(first)
      const { token } = await one.issueJwt(requestOf(one, clock.now() + minuteMs))
      expect(decodeProtectedHeader(token).kid).to.equal(listed[0])
    }
  })

  it('refuses to open with the public key of another', async () => {
    const { open, store } = createTestAuthority()
    await open()
    const row = [...store.rows.values()].find(({ kind }) => kind === 'jwt-svid')
    const other = [...store.rows.values()].find(({ kind }) => kind === 'root')
    if (row === undefined || other === undefined) throw new Error('BUG: no such rows')
    store.rows.set(row.id, { ...row, certificate: other.certificate })
    await expectRejection(open(), CaError, 'ERR_AUTHORITY_STORE')
  })
})

describe('a rotation that somebody asks for', () => {
  it('prepares at once, and activates once the new issuer had time to spread', async () => {
    const { open, clock } = createTestAuthority()
    const authority = await open()
    const [first] = authority.issuers()
    issueWeb(authority, 60 * minuteMs)
    expect(await authority.rotate()).to.equal(true)
    expect(authority.issuers().map(({ state }) => state)).to.deep.equal(['active', 'prepared'])
    expect(await authority.rotate()).to.equal(false)
    clock.advance(minuteMs)
    expect(await authority.advance()).to.equal(true)
    expect(authority.issuers().map(({ state }) => state)).to.deep.equal(['old', 'active'])
    expect(authority.issuers()[0]?.keySha256).to.equal(first?.keySha256)
    clock.advance(minuteMs)
    expect(await authority.advance()).to.equal(false)
  })
})
