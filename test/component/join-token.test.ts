import { createHmac, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { SignJWT, type JWTPayload } from 'jose'
import { AttestError, type AttestErrorCode } from '../../src/attest/errors.ts'
import {
  issueJoinToken,
  joinTokenType,
  maxJoinTokenLength,
  verifyJoinToken,
  type JoinTokenKey,
  type Labels,
} from '../../src/attest/join-token.ts'
import { expectError, expectRejection } from '../support/expect-error.ts'

const now = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000
const trustDomain = 'acme.example'

const makeKey = (keyId: string): JoinTokenKey => ({
  keyId,
  secret: createSecretKey(randomBytes(32)),
})
const key = makeKey('the-key')
const context = { key, trustDomain, now }

const issue = (labels: Labels = { app: 'web' }): ReturnType<typeof issueJoinToken> =>
  issueJoinToken({ key, trustDomain, labels, ttlMs: hourMs, now })

/** A token that is right but for what is given. */
async function forge(
  faults: {
    readonly claims?: JWTPayload
    readonly without?: string
    readonly header?: Record<string, unknown>
    readonly signer?: Parameters<SignJWT['sign']>[0]
  } = {},
): Promise<string> {
  const claims: JWTPayload = {
    iss: trustDomain,
    aud: `${trustDomain}/enrolment`,
    jti: 'an-id',
    iat: now / 1_000,
    exp: now / 1_000 + 60,
    labels: {},
    ...faults.claims,
  }
  const kept = Object.entries(claims).filter(([name]) => name !== faults.without)
  return new SignJWT(Object.fromEntries(kept))
    .setProtectedHeader({ alg: 'HS256', typ: joinTokenType, kid: key.keyId, ...faults.header })
    .sign(faults.signer ?? key.secret)
}

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')

/** The token with another header, signed by `signature` over the new header and the old claims. */
function rewrap(token: string, header: unknown, signature: (input: string) => string): string {
  const input = `${base64url(header)}.${token.split('.')[1] ?? ''}`
  return `${input}.${signature(input)}`
}

describe('a join token', () => {
  it('says its id, expiry and labels', async () => {
    const { token, tokenId, expiresAt } = await issue({ app: 'web', 'k8s/tier': 'front' })
    expect(expiresAt).to.equal(now + hourMs)
    expect(verifyJoinToken(token, context)).to.deep.equal({
      tokenId,
      expiresAt,
      attributes: [
        { key: 'label.app', value: 'web', provenance: 'assigned' },
        { key: 'label.k8s/tier', value: 'front', provenance: 'assigned' },
      ],
    })
  })

  it('has an id of its own each time', async () => {
    expect((await issue()).tokenId).to.not.equal((await issue()).tokenId)
  })

  it('is good until it expires, and not for that second', async () => {
    const { token, expiresAt } = await issue()
    verifyJoinToken(token, { ...context, now: expiresAt - 1_000 })
    const late = (): unknown => verifyJoinToken(token, { ...context, now: expiresAt })
    expectError(late, AttestError, 'ERR_JOIN_TOKEN_EXPIRED')
  })

  for (const labels of [{ App: 'web' }, { '': 'x' }, { 'a b': 'x' }, { app: 'x\ny' }]) {
    it(`is not made with label ${JSON.stringify(labels)}`, async () => {
      await expectRejection(issue(labels as unknown as Labels), AttestError, 'ERR_JOIN_TOKEN_LABEL')
    })
  }
})

describe('verifyJoinToken()', () => {
  it('accepts what forge() makes without a fault', async () => {
    expect(verifyJoinToken(await forge(), context).tokenId).to.equal('an-id')
  })

  const tooMany = Object.fromEntries(
    Array.from({ length: 33 }, (_, index) => [`l${String(index)}`, 'x']),
  )
  const faults: [name: string, fault: Parameters<typeof forge>[0], code: AttestErrorCode][] = [
    ['no expiry', { without: 'exp' }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['no id', { without: 'jti' }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['an empty id', { claims: { jti: '' } }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['no issuer', { without: 'iss' }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['another issuer', { claims: { iss: 'evil.example' } }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['no audience', { without: 'aud' }, 'ERR_JOIN_TOKEN_CLAIMS'],
    [
      'the audience of the admin API',
      { claims: { aud: `${trustDomain}/admin` } },
      'ERR_JOIN_TOKEN_CLAIMS',
    ],
    ['a start in the future', { claims: { nbf: now / 1_000 + 60 } }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['the type of a JWT-SVID', { header: { typ: 'JWT' } }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['no type', { header: { typ: undefined } }, 'ERR_JOIN_TOKEN_CLAIMS'],
    ['another key id', { header: { kid: 'other' } }, 'ERR_JOIN_TOKEN_SIGNATURE'],
    ['no key id', { header: { kid: undefined } }, 'ERR_JOIN_TOKEN_SIGNATURE'],
    ['the code of another key', { signer: makeKey('x').secret }, 'ERR_JOIN_TOKEN_SIGNATURE'],
    ['an expiry in the past', { claims: { exp: now / 1_000 - 1 } }, 'ERR_JOIN_TOKEN_EXPIRED'],
    ['no labels', { without: 'labels' }, 'ERR_JOIN_TOKEN_LABEL'],
    ['labels in a list', { claims: { labels: ['app'] } }, 'ERR_JOIN_TOKEN_LABEL'],
    ['a label that is no text', { claims: { labels: { app: 1 } } }, 'ERR_JOIN_TOKEN_LABEL'],
    ['a label out of form', { claims: { labels: { 'app.': 'x' } } }, 'ERR_JOIN_TOKEN_LABEL'],
    ['too many labels', { claims: { labels: tooMany } }, 'ERR_JOIN_TOKEN_LABEL'],
  ]
  for (const [name, fault, code] of faults) {
    it(`refuses ${name}`, async () => {
      const token = await forge(fault)
      expectError(() => verifyJoinToken(token, context), AttestError, code)
    })
  }

  it('refuses a token of another trust domain, made with the same key', async () => {
    const options = { key, trustDomain: 'other.example', labels: {}, ttlMs: hourMs, now }
    const { token } = await issueJoinToken(options)
    expectError(() => verifyJoinToken(token, context), AttestError, 'ERR_JOIN_TOKEN_CLAIMS')
  })

  it('refuses alg none, with and without a signature', async () => {
    const header = { alg: 'none', typ: joinTokenType, kid: key.keyId }
    const token = await forge()
    for (const signature of ['', token.split('.')[2] ?? '']) {
      const unsigned = rewrap(token, header, () => signature)
      const code = 'ERR_JOIN_TOKEN_SIGNATURE'
      expectError(() => verifyJoinToken(unsigned, context), AttestError, code)
    }
  })

  for (const bits of ['384', '512']) {
    it(`refuses the right key with another algorithm, HS${bits}`, async () => {
      const header = { alg: `HS${bits}`, typ: joinTokenType, kid: key.keyId }
      for (const hash of ['sha256', `sha${bits}`]) {
        const token = rewrap(await forge(), header, (input) =>
          createHmac(hash, key.secret).update(input).digest('base64url'),
        )
        const code = 'ERR_JOIN_TOKEN_SIGNATURE'
        expectError(() => verifyJoinToken(token, context), AttestError, code)
      }
    })
  }

  it('refuses a key that the token brings along', async () => {
    const secret = makeKey(key.keyId).secret
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const tokens = [
      await forge({ header: { jwk: secret.export({ format: 'jwk' }) }, signer: secret }),
      await forge({
        header: { alg: 'ES256', jwk: own.publicKey.export({ format: 'jwk' }) },
        signer: own.privateKey,
      }),
    ]
    for (const token of tokens) {
      expectError(() => verifyJoinToken(token, context), AttestError, 'ERR_JOIN_TOKEN_SIGNATURE')
    }
  })

  it('refuses a token with any character changed', async () => {
    const { token } = await issue()
    for (let place = 0; place < token.length; place += 5) {
      const other = token[place] === 'A' ? 'B' : 'A'
      const changed = `${token.slice(0, place)}${other}${token.slice(place + 1)}`
      expect(() => verifyJoinToken(changed, context)).to.throw(AttestError)
    }
  })

  it('refuses a code that is written in another way', async () => {
    const token = await forge()
    // The last character carries four bits of the code; the others are zero.
    const last = token.at(-1) ?? ''
    const unused = `${token.slice(0, -1)}${String.fromCharCode(last.charCodeAt(0) + 1)}`
    for (const other of [unused, `${token}=`, `${token}!`]) {
      const [read, right] = [other, token].map((one) =>
        Buffer.from(one.split('.')[2] ?? '', 'base64url'),
      )
      expect(read).to.deep.equal(right)
      const code = 'ERR_JOIN_TOKEN_SIGNATURE'
      expectError(() => verifyJoinToken(other, context), AttestError, code)
    }
  })

  it('refuses an extension of which it knows nothing', async () => {
    const header = { alg: 'HS256', typ: joinTokenType, kid: key.keyId, crit: ['x'], x: 1 }
    const token = rewrap(await forge(), header, (input) =>
      createHmac('sha256', key.secret).update(input).digest('base64url'),
    )
    expectError(() => verifyJoinToken(token, context), AttestError, 'ERR_JOIN_TOKEN_CLAIMS')
  })

  it('refuses an oversized token without reading it', () => {
    const token = 'a'.repeat(maxJoinTokenLength + 1)
    expectError(() => verifyJoinToken(token, context), AttestError, 'ERR_JOIN_TOKEN_TOO_LARGE')
  })

  for (const token of [
    '',
    '.',
    '..',
    'a.b.c',
    'not a token',
    '{}',
    'e30.e30.e30',
    'e30.e30.e30.e30.e30',
  ]) {
    it(`refuses ${JSON.stringify(token)}`, () => {
      expect(() => verifyJoinToken(token, context)).to.throw(AttestError)
    })
  }
})
