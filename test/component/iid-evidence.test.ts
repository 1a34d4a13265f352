import { createSecretKey, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { AttestError } from '../../src/attest/errors.ts'
import { attest, type AttestContext } from '../../src/attest/evidence.ts'
import { IidRefusedError } from '../../src/attest/iid-evidence.ts'
import { evidenceCodec } from '../../src/rpc/index.ts'
import type { AwsIidEvidence } from '../../src/rpc/generated/blazon/v1/AwsIidEvidence.ts'
import type { Evidence__Output } from '../../src/rpc/generated/blazon/v1/Evidence.ts'
import { expectError } from '../support/expect-error.ts'
import {
  mintBlob,
  northRegion,
  signDetached,
  southRegion,
  testIidKeys,
} from '../support/test-iid.ts'

const context: AttestContext = {
  trustDomain: 'acme.example',
  now: Date.UTC(2026, 0, 1),
  joinTokenKey: { keyId: 'the-key', secret: createSecretKey(randomBytes(32)) },
  iidKeys: testIidKeys([northRegion]),
}

const sent = (awsIid: AwsIidEvidence): Evidence__Output =>
  evidenceCodec.decode(evidenceCodec.encode({ awsIid }))

describe('attest() by an instance identity document', () => {
  const forms: readonly (readonly [string, AwsIidEvidence, boolean])[] = [
    ['rsa2048', { rsa2048: mintBlob({ form: 'rsa2048' }) }, false],
    ['pkcs7', { pkcs7: mintBlob({ form: 'pkcs7' }) }, true],
    ['signature', { signature: signDetached() }, true],
  ]
  for (const [form, evidence, weak] of forms) {
    it(`turns the form ${form} into a node with signed attributes`, () => {
      const node = attest(sent(evidence), context)
      if (node.method !== 'aws-iid') throw new Error(node.method)
      expect(node.nodeId).to.equal('aws:123456789012:test-north-1:i-0c5541936caf78c12')
      expect([node.accountId, node.region, node.instanceId]).to.deep.equal([
        '123456789012',
        'test-north-1',
        'i-0c5541936caf78c12',
      ])
      expect(node.pendingTimeMs).to.equal(Date.UTC(2026, 1, 16, 0, 38, 27))
      expect([node.form, node.weak]).to.deep.equal([form, weak])
      expect(node.attributes).to.deep.include({
        key: 'aws.account',
        value: '123456789012',
        provenance: 'signed',
      })
      expect(node.attributes.length).to.equal(10)
    })
  }

  it('tells the reason to the log as the cause', async () => {
    const evidence = sent({ rsa2048: mintBlob({ form: 'rsa2048', region: southRegion }) })
    expect(() => attest(evidence, context))
      .to.throw(AttestError)
      .to.deep.include({ code: 'ERR_IID_REFUSED' })
      .with.property('cause')
      .that.is.instanceOf(IidRefusedError)
      .with.property('code', 'unknown-region')
  })

  for (const [about, evidence] of [
    ['an empty blob', { rsa2048: Buffer.alloc(0) }],
    ['a blob under the name of another form', { pkcs7: mintBlob({ form: 'rsa2048' }) }],
    ['a signature without a document', { signature: { signature: signDetached().signature } }],
    ['a document without a signature', { signature: { document: signDetached().document } }],
    ['an empty signature', { signature: {} }],
  ] as const) {
    it(`refuses ${about}`, () => {
      expectError(() => attest(sent(evidence), context), AttestError, 'ERR_IID_REFUSED')
    })
  }

  it('refuses no form at all', async () => {
    expectError(() => attest(sent({}), context), AttestError, 'ERR_EVIDENCE_MISSING')
  })

  it('refuses every document where no keys are given', async () => {
    const evidence = sent({ rsa2048: mintBlob({ form: 'rsa2048' }) })
    const without = { ...context, iidKeys: undefined }
    expectError(() => attest(evidence, without), AttestError, 'ERR_EVIDENCE_UNSUPPORTED')
  })
})
