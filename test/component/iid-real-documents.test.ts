import { expect } from 'chai'
import {
  loadIidKeys,
  verifyIid,
  type IidEvidence,
  type IidKeys,
  type IidRefusal,
} from '../../src/attest/iid/index.ts'
import { evidenceOf, realIid, realIids } from '../support/real-iids.ts'

const instances: Readonly<Record<string, readonly string[]>> = {
  'ap-southeast-2-pkcs7': ['189292791360', 'i-01c4776ebe87bea77', '2026-03-21T06:25:00Z', 'arm64'],
  'ap-southeast-2-rsa2048': [
    '189292791360',
    'i-0c5541936caf78c12',
    '2026-02-16T00:38:27Z',
    'arm64',
  ],
  'ap-southeast-2-signature': [
    '189292791360',
    'i-0c5541936caf78c12',
    '2026-02-16T00:38:27Z',
    'arm64',
  ],
  'us-east-1-signature': ['224111541501', 'i-0ba982d5fd8ce5cea', '2023-09-11T06:01:38Z', 'x86_64'],
  'us-east-2-rsa2048': ['437526006925', 'i-075f088c72ad3271c', '2018-10-05T20:10:43Z', 'x86_64'],
  'us-west-2-pkcs7': ['010581823808', 'i-0269a78c81708088a', '2016-09-09T22:24:40Z', 'x86_64'],
}

describe('verifyIid() of real documents', () => {
  let keys: IidKeys
  before(async () => {
    keys = await loadIidKeys()
  })

  const refusalOf = (evidence: IidEvidence): IidRefusal | undefined => {
    const verdict = verifyIid(evidence, keys)
    return verdict.ok ? undefined : verdict.code
  }

  it('has all of them', () => {
    expect(realIids.map(({ name }) => name)).to.deep.equal(Object.keys(instances))
  })

  for (const real of realIids) {
    it(`accepts ${real.name}`, () => {
      const verdict = verifyIid(evidenceOf(real), keys)
      if (!verdict.ok) throw new Error(`${verdict.code}: ${verdict.detail}`)
      const { document } = verdict
      expect(verdict.raw).to.deep.equal(real.document)
      expect(`${verdict.region}-${verdict.form}`).to.equal(real.name)
      expect(verdict.weak).to.equal(real.form !== 'rsa2048')
      expect([
        document.accountId,
        document.instanceId,
        document.pendingTime,
        document.architecture,
      ]).to.deep.equal(instances[real.name])
      expect(document.pendingTimeMs).to.equal(Date.parse(document.pendingTime))
      if (real.form === 'signature') expect(verdict.signingTimeMs).to.equal(undefined)
      else expect((verdict.signingTimeMs ?? 0) - document.pendingTimeMs).to.be.within(1_000, 13_000)
    })

    it(`refuses ${real.name} with a digit of its account changed`, () => {
      const at = (bytes: Buffer): number => bytes.indexOf('"accountId" : "') + 16
      if (real.form === 'signature') {
        const document = Buffer.from(real.document)
        document.writeUInt8(document.readUInt8(at(document)) ^ 1, at(document))
        expect(refusalOf(evidenceOf(real, { document }))).to.equal('signature-invalid')
      } else {
        const signed = Buffer.from(real.signed)
        signed.writeUInt8(signed.readUInt8(at(signed)) ^ 1, at(signed))
        expect(refusalOf(evidenceOf(real, { signed }))).to.equal('digest-mismatch')
      }
    })
  }

  for (const name of ['ap-southeast-2-rsa2048', 'ap-southeast-2-pkcs7']) {
    it(`refuses a changed document beside the genuine blob ${name}`, () => {
      const real = realIid(name)
      const text = real.document.toString()
      const document = Buffer.from(text.replace('189292791360', '999999999999'))
      expect(refusalOf(evidenceOf(real, { document }))).to.equal('document-mismatch')
      expect(refusalOf(evidenceOf(real, { document: real.document }))).to.equal(undefined)
    })
  }

  it('refuses a detached signature over the document with a newline at its end', () => {
    const real = realIid('ap-southeast-2-signature')
    const document = Buffer.concat([real.document, Buffer.from('\n')])
    expect(refusalOf(evidenceOf(real, { document }))).to.equal('signature-invalid')
  })

  it('refuses a blob that says another region, whose key did not sign it', () => {
    const real = realIid('us-east-2-rsa2048')
    const signed = Buffer.from(real.signed)
    signed.write('us-west-2', signed.indexOf('"us-east-2"') + 1)
    expect(refusalOf(evidenceOf(real, { signed }))).to.equal('wrong-signer')
  })

  it('refuses each form where another is announced', () => {
    const rsa = realIid('ap-southeast-2-rsa2048').signed
    const dsa = realIid('ap-southeast-2-pkcs7').signed
    const { document, signed: signature } = realIid('ap-southeast-2-signature')
    expect(refusalOf({ form: 'pkcs7', blob: rsa })).to.equal('wrong-algorithm')
    expect(refusalOf({ form: 'rsa2048', blob: dsa })).to.equal('wrong-algorithm')
    expect(refusalOf({ form: 'signature', document, signature: rsa })).to.equal('too-large')
    expect(refusalOf({ form: 'signature', document, signature: dsa })).to.equal('signature-invalid')
    expect(refusalOf({ form: 'rsa2048', blob: signature })).to.not.equal(undefined)
  })
})
