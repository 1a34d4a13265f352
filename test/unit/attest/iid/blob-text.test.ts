import { expect } from 'chai'
import { readBlob } from '../../../../src/attest/iid/index.ts'
import { mintBlob, signDetached } from '../../../support/test-iid.ts'

const blob = mintBlob({ form: 'pkcs7' })
const base64 = blob.toString('base64')
const wrapped = base64.replaceAll(/.{76}/g, '$&\n')

describe('readBlob()', () => {
  for (const [about, input] of [
    ['bytes', blob],
    ['base64 on one line', base64],
    ['base64 with a newline at its end', `${base64}\n`],
    ['wrapped base64', wrapped],
    ['wrapped base64 with carriage returns', wrapped.replaceAll('\n', '\r\n')],
    ['PEM', `-----BEGIN PKCS7-----\n${wrapped}\n-----END PKCS7-----\n`],
    ['PEM of CMS', `-----BEGIN CMS-----\r\n${wrapped}\r\n-----END CMS-----`],
  ] as const) {
    it(`reads ${about}`, () => {
      expect(readBlob(Buffer.from(input))).to.deep.equal(blob)
    })
  }

  it('reads a signature of any bytes', () => {
    const { signature } = signDetached()
    expect(readBlob(signature)).to.deep.equal(signature)
    expect(readBlob(Buffer.from(signature.toString('base64')))).to.deep.equal(signature)
  })

  for (const [about, input] of [
    ['nothing', ''],
    ['JSON', '{"region":"us-east-1"}'],
    ['base64 cut off', base64.slice(0, -1)],
    ['base64 with something in it', `${base64.slice(0, 40)}*${base64.slice(40)}`],
    ['base64 that goes on after its end', 'QQ==QQ=='],
    [
      'PEM of something else',
      `-----BEGIN CERTIFICATE-----\n${wrapped}\n-----END CERTIFICATE-----\n`,
    ],
    ['PEM without an end', `-----BEGIN PKCS7-----\n${wrapped}\n`],
  ] as const) {
    it(`refuses ${about}`, () => {
      expect(readBlob(Buffer.from(input))).to.equal(undefined)
    })
  }
})
