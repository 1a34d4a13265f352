import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { buildCertificate, randomSerial } from '../../src/ca/certificate-builder.ts'
import { keyUsage, subjectAltName } from '../../src/ca/extensions.ts'
import { backdatingMs, rootSpec, validity } from '../../src/ca/profiles.ts'
import { parseTrustDomain } from '../../src/identity/spiffe-id.ts'
import { newKeys } from '../support/test-ca.ts'

const keys = newKeys()
const trustDomain = parseTrustDomain('acme.example')
const now = Date.UTC(2026, 0, 1, 12, 0, 0, 789)
const spec = rootSpec({ ...validity(now, now + 1_000), trustDomain, spki: keys.spki })
const sign = (change: Partial<typeof spec>): X509Certificate =>
  new X509Certificate(
    buildCertificate({ ...spec, ...change }, { key: keys.privateKey, name: spec.subject }),
  )

describe('randomSerial()', () => {
  it('is positive, 16 bytes long, and never the same', () => {
    const serials = Array.from({ length: 500 }, randomSerial)
    for (const serial of serials) expect(serial).to.match(/^[4-7][0-9a-f]{31}$/)
    expect(new Set(serials).size).to.equal(serials.length)
  })
})

describe('validity()', () => {
  it('starts a minute back and counts whole seconds', () => {
    const { notBefore, notAfter } = validity(now, now + 1_500)
    expect(notBefore).to.equal(now - 789 - backdatingMs)
    expect(notAfter).to.equal(now - 789 + 2_000)
  })
})

describe('buildCertificate()', () => {
  it('writes what the specification says, and nothing else', () => {
    const certificate = sign({})
    expect(certificate.serialNumber.toLowerCase()).to.equal(spec.serial)
    expect(certificate.subject).to.equal(certificate.issuer)
    expect(certificate.subject.split('\n')[0]).to.equal('O=acme.example')
    expect(+certificate.validFromDate).to.equal(spec.notBefore)
    expect(+certificate.validToDate).to.equal(spec.notAfter)
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' })).to.deep.equal(keys.spki)
    expect(certificate.ca).to.equal(true)
    expect(certificate.verify(certificate.publicKey)).to.equal(true)
  })

  // RFC 5280 4.1.2.5: UTCTime ends with 2049.
  for (const year of [2026, 2049, 2050, 2051, 2999]) {
    it(`writes dates of ${String(year)}`, () => {
      const notAfter = Date.UTC(year, 11, 31, 23, 59, 59)
      expect(+sign({ notAfter }).validToDate).to.equal(notAfter)
    })
  }

  it('writes an empty subject with a critical name', () => {
    const names = [subjectAltName([{ uri: 'spiffe://acme.example/a' }, { dns: 'a.example' }], true)]
    const certificate = sign({ subject: {}, extensions: names })
    expect(certificate.subject).to.equal(undefined)
    expect(certificate.subjectAltName).to.equal('URI:spiffe://acme.example/a, DNS:a.example')
  })

  it('writes names in any script', () => {
    const certificate = sign({ subject: { commonName: 'Ærø' } })
    expect(certificate.toLegacyObject().subject.CN).to.equal('Ærø')
  })

  it('writes key usages without trailing zero bits', () => {
    const bits = { digitalSignature: '03020780', keyCertSign: '03020204', cRLSign: '03020102' }
    for (const [name, der] of Object.entries(bits)) {
      const { value } = keyUsage(name as keyof typeof bits)
      expect(value.toString('hex')).to.equal(der)
    }
    expect(keyUsage('keyCertSign', 'cRLSign').value.toString('hex')).to.equal('03020106')
    expect(keyUsage().value.toString('hex')).to.equal('030100')
  })
})
