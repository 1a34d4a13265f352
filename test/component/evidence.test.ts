import { createSecretKey, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { AttestError } from '../../src/attest/errors.ts'
import { attest, type AttestContext } from '../../src/attest/evidence.ts'
import { issueJoinToken } from '../../src/attest/join-token.ts'
import { evidenceCodec } from '../../src/rpc/index.ts'
import { expectError } from '../support/expect-error.ts'

const key = { keyId: 'the-key', secret: createSecretKey(randomBytes(32)) }
const now = Date.UTC(2026, 0, 1)
const context: AttestContext = { trustDomain: 'acme.example', now, joinTokenKey: key }

describe('attest()', () => {
  it('turns a join token into a node with labels', async () => {
    const { token, tokenId, expiresAt } = await issueJoinToken({
      key,
      trustDomain: 'acme.example',
      labels: { app: 'web' },
      ttlMs: 60_000,
      now,
    })
    const evidence = evidenceCodec.decode(evidenceCodec.encode({ joinToken: { token } }))
    expect(attest(evidence, context)).to.deep.equal({
      method: 'join-token',
      nodeId: `join-token:${tokenId}`,
      tokenId,
      expiresAt,
      attributes: [{ key: 'label.app', value: 'web', provenance: 'assigned' }],
    })
  })

  it('refuses evidence of no kind', async () => {
    const evidence = evidenceCodec.decode(Buffer.alloc(0))
    expectError(() => attest(evidence, context), AttestError, 'ERR_EVIDENCE_MISSING')
  })

  it('refuses an empty join token', async () => {
    const evidence = evidenceCodec.decode(evidenceCodec.encode({ joinToken: {} }))
    expectError(() => attest(evidence, context), AttestError, 'ERR_JOIN_TOKEN_MALFORMED')
  })

  const later = [
    { awsIid: { rsa2048: Buffer.from('x') } },
    { awsSts: { proof: { url: 'https://sts.amazonaws.com' } } },
    { x509: { chain: [Buffer.from('x')] } },
    { kubernetes: { token: 'x' } },
  ]
  for (const message of later) {
    it(`refuses ${String(Object.keys(message)[0])}, which this version cannot check`, () => {
      const evidence = evidenceCodec.decode(evidenceCodec.encode(message))
      expectError(() => attest(evidence, context), AttestError, 'ERR_EVIDENCE_UNSUPPORTED')
    })
  }
})
