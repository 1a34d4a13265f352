import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { readCertificate } from '../../../src/identity/certificate.ts'
import type { IdentityErrorCode } from '../../../src/identity/identity-error.ts'
import { readTree, writeTree, type DerNode } from '../../support/der-tree.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'
import { createTestCa } from '../../support/test-ca.ts'

const ca = createTestCa()
const { chain, spki, facts } = ca.workload({ name: 'web' })
const [leaf] = chain

/** The children of a constructed element. */
function children(node: DerNode | undefined): DerNode[] {
  if (!Array.isArray(node?.content)) throw new Error('expected a constructed element')
  return node.content
}

/** The leaf with its parts changed; nobody gets as far as its signature. */
function changed(change: (body: DerNode[], outer: DerNode[]) => void): Buffer {
  const tree = readTree(leaf)
  const outer = children(tree)
  change(children(outer[0]), outer)
  return writeTree(tree)
}

const primitive = (tag: number, hex: string): DerNode => ({
  tag,
  content: Buffer.from(hex, 'hex'),
  length: 'shortest',
})
const withSerial = (hex: string): Buffer =>
  changed((body) => body.splice(1, 1, primitive(0x02, hex)))
const sha384 = primitive(0x06, '2a8648ce3d040303')

describe('readCertificate()', () => {
  it('reads what an SVID says', () => {
    const certificate = readCertificate(leaf)
    expect(certificate).to.deep.include({
      der: leaf,
      isCa: false,
      pathLength: undefined,
      uris: ['spiffe://acme.example/ns/default/workload/web'],
      otherNames: 0,
      workload: facts,
    })
    expect([...certificate.keyUsage]).to.deep.equal(['digitalSignature'])
    expect(certificate.extendedKeyUsage).to.have.keys(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
    expect(certificate.publicKey.export({ format: 'der', type: 'spki' })).to.deep.equal(spki)
  })

  it('agrees with OpenSSL on serial and dates', () => {
    for (const der of [...chain, ca.root.certificate]) {
      const { serial, notBefore, notAfter } = readCertificate(der)
      const x509 = new X509Certificate(der)
      expect(serial).to.equal(x509.serialNumber.toLowerCase())
      expect(notBefore).to.equal(x509.validFromDate.getTime())
      expect(notAfter).to.equal(x509.validToDate.getTime())
    }
  })

  it('reads what an issuer may do', () => {
    const issuer = readCertificate(ca.issuer.certificate)
    expect(issuer).to.include({ isCa: true, pathLength: 0, workload: undefined })
    expect([...issuer.keyUsage]).to.deep.equal(['keyCertSign'])
  })

  it('gives serials at least 32 digits, without the sign octet', () => {
    expect(readCertificate(withSerial('01')).serial).to.equal('01'.padStart(32, '0'))
    expect(readCertificate(withSerial(`00${'ff'.repeat(16)}`)).serial).to.equal('ff'.repeat(16))
    expect(readCertificate(withSerial('7f'.repeat(20))).serial).to.equal('7f'.repeat(20))
  })

  const wrong: Record<string, [IdentityErrorCode, Buffer]> = {
    'a serial of zero': ['ERR_CERTIFICATE', withSerial('00')],
    'a serial of 21 octets': ['ERR_CERTIFICATE', withSerial('7f'.repeat(21))],
    'a negative serial': ['ERR_DER', withSerial('ff')],
    'version 2': [
      'ERR_CERTIFICATE',
      changed(([version]) => children(version).splice(0, 1, primitive(0x02, '01'))),
    ],
    'no version, which means 1': ['ERR_DER', changed((body) => body.splice(0, 1))],
    'an algorithm inside that is not the one outside': [
      'ERR_CERTIFICATE',
      changed((body) => children(body[2]).splice(0, 1, sha384)),
    ],
    'an algorithm outside that is not the one inside': [
      'ERR_CERTIFICATE',
      changed((_, outer) => children(outer[1]).splice(0, 1, sha384)),
    ],
    'algorithm parameters': [
      'ERR_CERTIFICATE',
      changed((_, outer) => children(outer[1]).push(primitive(0x05, ''))),
    ],
    'a signature that ends within an octet': [
      'ERR_CERTIFICATE',
      changed((_, outer) => outer.splice(2, 1, primitive(0x03, '0100'))),
    ],
    'something after the signature': [
      'ERR_DER',
      changed((_, outer) => outer.push(primitive(0x05, ''))),
    ],
    'no extensions': ['ERR_CERTIFICATE', changed((body) => body.splice(7, 1))],
    'a unique identifier': [
      'ERR_CERTIFICATE',
      changed((body) => body.splice(7, 0, primitive(0x81, '0000'))),
    ],
    'something after the extensions': [
      'ERR_DER',
      changed((body) => body.push(primitive(0x05, ''))),
    ],
    'a date too many': [
      'ERR_DER',
      changed((body) => children(body[4]).push(primitive(0x17, '3236303130313030303030305a'))),
    ],
    'a key with parameters of its own': [
      'ERR_PUBLIC_KEY',
      changed((body) => children(children(body[6])[0]).push(primitive(0x05, ''))),
    ],
    'more than 64 KiB': ['ERR_DER', Buffer.alloc(65_537, 0x30)],
  }
  for (const [what, [code, der]] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expectIdentityError(code, () => readCertificate(der))
    })
  }

  it('refuses more than 32 extensions', () => {
    const der = changed((body) => {
      const list = children(children(body[7])[0])
      for (let n = 0; n < 32; n++) {
        const oid = primitive(0x06, `2a03${n.toString(16).padStart(2, '0')}`)
        list.push({ tag: 0x30, content: [oid, primitive(0x04, '')], length: 'shortest' })
      }
    })
    expectIdentityError('ERR_CERTIFICATE', () => readCertificate(der))
  })

  /** The content of the extension with this identifier, replaced. */
  const withExtension = (oid: string, value: string): Buffer =>
    changed((body) => {
      const list = children(children(body[7])[0])
      const parts = list
        .map(children)
        .find(([id]) => writeTree(id ?? sha384).toString('hex') === oid)
      if (parts === undefined) throw new Error(`no extension ${oid}`)
      parts.splice(-1, 1, primitive(0x04, value))
    })
  const keyUsage = '0603551d0f'
  const constraints = '0603551d13'
  const extended = '0603551d25'
  const names = '0603551d11'

  const wrongExtensions: readonly (readonly [string, IdentityErrorCode, string, string])[] = [
    ['key usage with trailing zero bits', 'ERR_CERTIFICATE', keyUsage, '03020080'],
    ['key usage with set unused bits', 'ERR_CERTIFICATE', keyUsage, '030207c0'],
    ['key usage of no bits', 'ERR_CERTIFICATE', keyUsage, '030100'],
    ['key usage without content', 'ERR_CERTIFICATE', keyUsage, '0300'],
    ['key usage with 8 unused bits', 'ERR_CERTIFICATE', keyUsage, '03020880'],
    ['key usage with a bit nobody knows', 'ERR_CERTIFICATE', keyUsage, '0303068040'],
    ['basic constraints that spell out FALSE', 'ERR_CERTIFICATE', constraints, '3003010100'],
    ['a path length without a CA', 'ERR_DER', constraints, '3003020100'],
    ['a CA flag of 01', 'ERR_DER', constraints, '3003010101'],
    ['a negative path length', 'ERR_DER', constraints, '30060101ff0201ff'],
    ['an empty extended key usage', 'ERR_CERTIFICATE', extended, '3000'],
    ['an empty list of names', 'ERR_CERTIFICATE', names, '3000'],
    ['a name of a form that does not exist', 'ERR_CERTIFICATE', names, '3003890161'],
    ['a URI with a NUL in it', 'ERR_CERTIFICATE', names, '300586036100' + '62'],
    ['an empty URI', 'ERR_CERTIFICATE', names, '30028600'],
  ]
  for (const [what, code, oid, value] of wrongExtensions) {
    it(`refuses ${what}`, () => {
      expectIdentityError(code, () => readCertificate(withExtension(oid, value)))
    })
  }

  it('counts names of every other form', () => {
    const others = '81016182016187047f000001a400a00088012a'
    const { uris, otherNames } = readCertificate(withExtension(names, `3013${others}`))
    expect(uris).to.deep.equal([])
    expect(otherNames).to.equal(6)
  })
})
