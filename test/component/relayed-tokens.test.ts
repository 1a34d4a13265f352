import { randomBytes, type KeyObject } from 'node:crypto'
import { expect } from 'chai'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import type { Authority } from '../../src/ca/authority.ts'
import { CaError } from '../../src/ca/errors.ts'
import {
  createProfile,
  parsePublicKey,
  spiffeId,
  type TokenFacts,
} from '../../src/identity/index.ts'
import { claimsOfToken, maxWorkloadTokenLength } from '../../src/identity/workload-token.ts'
import {
  makeProof,
  maxProofLength,
  verifyProof,
  type ProvenRequest,
} from '../../src/sidecar/relayed/proof-token.ts'
import { createTokenReader, type TokenHolder } from '../../src/sidecar/relayed/token-reader.ts'
import { expectRejection } from '../support/expect-error.ts'
import { createTestAuthority } from '../support/test-authority.ts'
import { newKeys } from '../support/test-ca.ts'

const now = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000
const keys = newKeys()

function factsOf(change: Partial<TokenFacts> = {}): TokenFacts {
  const attributes = [{ key: 'label.app', value: 'web', provenance: 'assigned' as const }]
  return {
    spiffeId: 'spiffe://acme.example/ns/default/workload/web' as TokenFacts['spiffeId'],
    workloadId: '00112233445566778899aabbccddeeff',
    generation: 3,
    profile: createProfile(attributes).profile,
    publicKey: parsePublicKey(keys.spki),
    issuerKeySha256: 'ab'.repeat(32),
    ...change,
  }
}

const issue = (authority: Authority, facts = factsOf(), notAfter = now + hourMs) =>
  authority.issueWorkloadToken({ facts, notAfter })

async function readerOf(authority: Authority) {
  const reader = createTokenReader(() => authority.bundle())
  const { token } = await issue(authority)
  return { reader, token }
}

describe('workload identity tokens', () => {
  it('say what the certificate says, to whoever has the bundle', async () => {
    const authority = await createTestAuthority().open()
    const { reader, token } = await readerOf(authority)
    expect(decodeProtectedHeader(token)).to.include({ alg: 'ES256', typ: 'wit+jwt' })
    const verdict = await reader.read(token, now)
    if (!verdict.ok) throw new Error(verdict.detail)
    const { holder } = verdict
    const facts = factsOf()
    expect(holder).to.include({ spiffeId: facts.spiffeId, generation: 3 })
    expect(holder.workloadId).to.equal(facts.workloadId)
    expect(holder.profile.digest).to.equal(facts.profile.digest)
    expect(holder.publicKey.equals(facts.publicKey)).to.equal(true)
    expect(holder.notAfter).to.equal(now + hourMs)
  })

  it('end with the certificate, also where they are remembered', async () => {
    const authority = await createTestAuthority().open()
    const { reader, token } = await readerOf(authority)
    expect((await reader.read(token, now)).ok).to.equal(true)
    const later = createTokenReader(() => authority.bundle())
    expect(await later.read(token, now + hourMs)).to.include({ reason: 'token-expired' })
    await expectRejection(issue(authority, factsOf(), now), CaError, 'ERR_TTL')
  })

  it('are worth nothing once their key is tainted, also where they are remembered', async () => {
    const authority = await createTestAuthority().open()
    const { reader, token } = await readerOf(authority)
    expect((await reader.read(token, now)).ok).to.equal(true)
    await authority.taint(decodeProtectedHeader(token).kid ?? '')
    expect(await reader.read(token, now)).to.include({ reason: 'token-invalid' })
    const { token: next } = await issue(authority)
    expect((await reader.read(next, now)).ok).to.equal(true)
  })

  it('are not made for a profile that no header holds', async () => {
    const authority = await createTestAuthority().open()
    const attributes = Array.from({ length: 40 }, (_, at) => {
      const value = randomBytes(150).toString('base64')
      return { key: `label.x${String(at)}`, value, provenance: 'assigned' as const }
    })
    const { profile } = createProfile(attributes)
    await expectRejection(issue(authority, factsOf({ profile })), CaError, 'ERR_TOKEN_TOO_LARGE')
  })

  it('are never for a reserved name or another trust domain', async () => {
    const authority = await createTestAuthority().open()
    const { trustDomain } = authority
    const reserved = spiffeId(trustDomain, '/blazon/controller')
    const foreign = 'spiffe://evil.example/web' as TokenFacts['spiffeId']
    for (const id of [reserved, foreign]) {
      await expectRejection(issue(authority, factsOf({ spiffeId: id })), CaError, 'ERR_SPIFFE_ID')
    }
  })

  /** What an attacker sends who has the signing key of another kind, or none at all. */
  async function forged(
    key: KeyObject,
    header: Record<string, unknown>,
    claims: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const times = { iat: now / 1_000, exp: now / 1_000 + 60, aud: 'acme.example/relayed' }
    return await new SignJWT({ ...claimsOfToken(factsOf()), ...times, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'wit+jwt', ...header })
      .sign(key)
  }

  it('are refused under any key but the one for them, and in any other form', async () => {
    const authority = await createTestAuthority().open()
    const { reader, token } = await readerOf(authority)
    const { kid = '' } = decodeProtectedHeader(token)
    const jwtKid = authority.bundle().jwtKeys.find(({ use }) => use === 'jwt-svid')?.keyId ?? ''
    const [audit, joins] = [authority.auditKey(), authority.joinTokenKey()]
    const { token: svid } = await authority.issueJwt({
      spiffeId: factsOf().spiffeId,
      audience: ['acme.example/relayed'],
      notAfter: now + hourMs,
    })
    const refused = {
      'signed by the key it is bound to': await forged(keys.privateKey, { kid }),
      'signed by the key of audit heads': await forged(audit.privateKey, { kid: audit.keyId }),
      'with the secret of join tokens': await forged(joins.secret, {
        alg: 'HS256',
        kid: joins.keyId,
      }),
      'under the id of the key of JWT-SVIDs': await forged(keys.privateKey, { kid: jwtKid }),
      'without a key id': await forged(keys.privateKey, {}),
      'a JWT-SVID for our audience': svid,
      'with another signature': `${token.slice(0, -8)}AAAAAAAA`,
      'with other claims': token.replace(/\.[^.]*\./, (part) => `${part.slice(0, -3)}AA.`),
      'none at all': 'x',
      'one that is too long': `${token}${'A'.repeat(maxWorkloadTokenLength)}`,
      unsigned: `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'wit+jwt', kid })).toString('base64url')}.${token.split('.')[1] ?? ''}.`,
    }
    for (const [what, text] of Object.entries(refused)) {
      expect(await reader.read(text, now), what).to.include({ reason: 'token-invalid' })
    }
  })

  const claims: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'another audience': { aud: 'acme.example/enrolment' },
    'another trust domain': { sub: 'spiffe://evil.example/web' },
    'a reserved name': { sub: 'spiffe://acme.example/blazon/controller' },
    'no workload': { workload: undefined },
    'generation 0': { generation: 0 },
    'no issuer': { issuer: 'ab' },
    'a profile that is none': { profile: 'AAAA' },
    'a key of another kind': { cnf: { jwk: { kty: 'oct', k: 'AAAA' } } },
    'no key': { cnf: {} },
    'no end': { exp: undefined },
  }
  for (const [what, change] of Object.entries(claims)) {
    it(`are refused with ${what}, even under the right key`, async () => {
      const { privateKey, spki } = newKeys()
      const authority = await createTestAuthority().open()
      const key = { keyId: 'k', spki, use: 'workload-token' as const, notAfter: now + hourMs }
      const bundle = { ...authority.bundle(), jwtKeys: [key] }
      const reader = createTokenReader(() => bundle)
      expect((await reader.read(await forged(privateKey, { kid: 'k' }), now)).ok).to.equal(true)
      const verdict = await reader.read(await forged(privateKey, { kid: 'k' }, change), now)
      expect(verdict).to.include({ reason: 'token-invalid' })
      const late = { ...bundle, jwtKeys: [{ ...key, notAfter: now }] }
      const later = createTokenReader(() => late)
      expect((await later.read(await forged(privateKey, { kid: 'k' }), now)).ok).to.equal(false)
    })
  }
})

describe('workload proof tokens', () => {
  const request: ProvenRequest = { method: 'POST', host: 'orders', target: '/a/b?c=d' }
  const tokenHash = 'T'.repeat(43)
  const bodyHash = 'B'.repeat(43)
  const holder: Pick<TokenHolder, 'publicKey' | 'tokenHash'> = {
    publicKey: parsePublicKey(keys.spki),
    tokenHash,
  }
  const made = (change: Partial<Parameters<typeof makeProof>[0]> = {}): Promise<string> =>
    makeProof({ key: keys.privateKey, tokenHash, request, bodyHash, now, ...change })

  it('hold for the request that they were made for', async () => {
    const proof = await made()
    expect(decodeProtectedHeader(proof)).to.include({ alg: 'ES256', typ: 'wpt+jwt' })
    expect(decodeJwt(proof)).to.include({ aud: 'http://orders/a/b', htm: 'POST', wth: tokenHash })
    const verdict = await verifyProof(proof, { holder, request, now })
    if (!verdict.ok) throw new Error(verdict.detail)
    expect(verdict.proof).to.include({ bodyHash, until: now + 15_000 })
    const other = await made({ bodyHash: undefined })
    const long = await verifyProof(other, { holder, request, now })
    expect(long.ok && long.proof.bodyHash).to.equal(undefined)
    expect(long.ok && long.proof.id).to.not.equal(verdict.proof.id)
  })

  const others: Readonly<Record<string, Partial<ProvenRequest>>> = {
    method: { method: 'PUT' },
    host: { host: 'stock' },
    path: { target: '/a/c?c=d' },
    query: { target: '/a/b?c=e' },
    'query that is gone': { target: '/a/b' },
    'query that is empty': { target: '/a/b?' },
    'path with the query in it': { target: '/a/b%3Fc=d' },
  }
  for (const [what, change] of Object.entries(others)) {
    it(`do not hold for another ${what}`, async () => {
      const about = { holder, request: { ...request, ...change }, now }
      expect(await verifyProof(await made(), about)).to.include({ reason: 'proof-mismatch' })
    })
  }

  it('tell no query from an empty one by nothing but its mark', async () => {
    const bare = { ...request, target: '/a' }
    const proof = await made({ request: bare })
    const empty = { ...request, target: '/a?' }
    expect(await verifyProof(proof, { holder, request: empty, now })).to.include({
      reason: 'proof-mismatch',
    })
    expect((await verifyProof(proof, { holder, request: bare, now })).ok).to.equal(true)
  })

  const times: readonly (readonly [laterMs: number, expected: true | string])[] = [
    [0, true],
    [14_000, true],
    [15_000, 'proof-expired'],
    [3_600_000, 'proof-expired'],
    [-5_000, true],
    [-6_000, 'clock-skew'],
    [-3_600_000, 'clock-skew'],
  ]
  for (const [laterMs, expected] of times) {
    it(`are ${expected === true ? 'good' : expected} where it is ${String(laterMs / 1_000)} s later`, async () => {
      const verdict = await verifyProof(await made(), { holder, request, now: now + laterMs })
      expect(verdict.ok || verdict.reason).to.equal(expected)
    })
  }

  async function forged(
    claims: Readonly<Record<string, unknown>>,
    header: object = {},
    key = keys.privateKey,
  ) {
    const right = decodeJwt(await made())
    return await new SignJWT({ ...right, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'wpt+jwt', ...header })
      .sign(key)
  }

  it('are refused from another key, about another token, for too long, and in any other form', async () => {
    const seconds = now / 1_000
    const hmac = await new SignJWT(decodeJwt(await made()))
      .setProtectedHeader({ alg: 'HS256', typ: 'wpt+jwt' })
      .sign(keys.spki)
    const refused = {
      'another key': await made({ key: newKeys().privateKey }),
      'another token': await made({ tokenHash: 'U'.repeat(43) }),
      'a life of 11 s': await forged({ exp: seconds + 11 }),
      'an hour, to come': await forged({ iat: seconds + 3_600, exp: seconds + 7_200 }),
      'no beginning': await forged({ iat: undefined }),
      'no end': await forged({ exp: undefined }),
      'no id': await forged({ jti: undefined }),
      'an id that is too short to be one': await forged({ jti: 'a' }),
      'a long id': await forged({ jti: 'a'.repeat(65) }),
      'a digest that is none': await forged({ bh: 1 }),
      'another type': await forged({}, { typ: 'dpop+jwt' }),
      'no type': await forged({}, { typ: undefined }),
      'the public key as a secret': hmac,
      'no token': 'x',
      'too much of it': await forged({ pad: 'x'.repeat(maxProofLength) }),
    }
    for (const [what, proof] of Object.entries(refused)) {
      const verdict = await verifyProof(proof, { holder, request, now })
      expect(verdict, what).to.include({ ok: false, reason: 'proof-invalid' })
    }
  })

  it('are refused for several audiences, of which one is right', async () => {
    const proof = await forged({ aud: ['http://orders/a/b', 'http://orders/c'] })
    expect(await verifyProof(proof, { holder, request, now })).to.include({
      reason: 'proof-mismatch',
    })
  })
})
