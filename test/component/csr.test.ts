import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect } from 'chai'
import { bitString, boolean, fromDer, sequence, toDer } from '../../src/ca/asn1.ts'
import { maxCsrBytes, readCsr, readPublicKey } from '../../src/ca/csr.ts'
import { CaError, type CaErrorCode } from '../../src/ca/errors.ts'
import { createCsr } from '../../src/identity/csr.ts'
import { keySha256 } from '../../src/identity/public-key.ts'
import { expectError } from '../support/expect-error.ts'
import { newKeys } from '../support/test-ca.ts'
import { makeCsr } from '../support/wrong-csr.ts'

const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

const keys = newKeys()
const right = { spki: keys.spki, signer: keys.privateKey }
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
const ed25519 = generateKeyPairSync('ed25519')

/** The same key with its point compressed: valid, but a second name for the same thing. */
function compressed(spki: Buffer): Buffer {
  const [algorithm] = fromDer(spki).value as ReturnType<typeof fromDer>[]
  const sign = 2 + ((spki.at(-1) ?? 0) & 1)
  const point = Buffer.concat([Buffer.of(sign), spki.subarray(-64, -32)])
  return toDer(sequence(algorithm!, bitString(point)))
}

/** A length in more bytes than it needs: BER, but not DER. The request is shorter than 256 bytes. */
function overlongLength(der: Buffer): Buffer {
  expect(der.subarray(0, 2).toString('hex')).to.equal('3081')
  return Buffer.concat([Buffer.of(0x30, 0x82, 0), der.subarray(2)])
}

describe('readCsr()', () => {
  it('takes the public key of a request', () => {
    const { publicKey, spki, keySha256: hash } = readCsr(createCsr(keys.privateKey, 'web'))
    expect(spki).to.deep.equal(keys.spki)
    expect(spkiOf(publicKey)).to.deep.equal(keys.spki)
    expect(hash).to.equal(keySha256(keys.spki))
  })

  it('takes one with attributes, and ignores them', () => {
    expect(readCsr(makeCsr(right)).spki).to.deep.equal(keys.spki)
  })

  const csr = makeCsr(right)
  const attacks: [name: string, der: Buffer, code: CaErrorCode][] = [
    ['nothing', Buffer.alloc(0), 'ERR_CSR_MALFORMED'],
    ['garbage', Buffer.from('-----BEGIN CERTIFICATE REQUEST-----'), 'ERR_CSR_MALFORMED'],
    ['zeros', Buffer.alloc(64), 'ERR_CSR_MALFORMED'],
    ['deep nesting', Buffer.alloc(4096, Buffer.from('3080', 'hex')), 'ERR_CSR_MALFORMED'],
    ['a trailing byte', Buffer.concat([csr, Buffer.of(0)]), 'ERR_CSR_MALFORMED'],
    ['a missing byte', csr.subarray(0, -1), 'ERR_CSR_MALFORMED'],
    ['an overlong length', overlongLength(csr), 'ERR_CSR_MALFORMED'],
    ['a bare public key', keys.spki, 'ERR_CSR_MALFORMED'],
    ['a fourth part', makeCsr({ ...right, extra: [boolean(true)] }), 'ERR_CSR_MALFORMED'],
    ['another version', makeCsr({ ...right, version: 1 }), 'ERR_CSR_MALFORMED'],
    ['unused signature bits', makeCsr({ ...right, unusedBits: 1 }), 'ERR_CSR_MALFORMED'],
    ['more than 8 KiB', Buffer.alloc(maxCsrBytes + 1, csr), 'ERR_CSR_TOO_LARGE'],
    ['P-384', makeCsr({ spki: spkiOf(p384.publicKey), signer: p384.privateKey }), 'ERR_CSR_KEY'],
    ['RSA', makeCsr({ spki: spkiOf(rsa.publicKey), signer: rsa.privateKey }), 'ERR_CSR_KEY'],
    ['a compressed point', makeCsr({ ...right, spki: compressed(keys.spki) }), 'ERR_CSR_KEY'],
    [
      'a point off the curve',
      makeCsr({ ...right, spki: Buffer.concat([keys.spki.subarray(0, -1), Buffer.of(7)]) }),
      'ERR_CSR_KEY',
    ],
    [
      'another algorithm',
      makeCsr({ ...right, algorithm: '1.2.840.10045.4.3.3' }),
      'ERR_CSR_SIGNATURE',
    ],
    [
      'algorithm parameters',
      makeCsr({ ...right, algorithmParameters: [boolean(true)] }),
      'ERR_CSR_SIGNATURE',
    ],
    ["somebody else's key", makeCsr({ ...right, spki: newKeys().spki }), 'ERR_CSR_SIGNATURE'],
    ['another digest', makeCsr({ ...right, digest: 'sha512' }), 'ERR_CSR_SIGNATURE'],
  ]
  for (const [name, der, code] of attacks) {
    it(`refuses ${name}`, () => {
      expectError(() => readCsr(der), CaError, code)
    })
  }
})

describe('readPublicKey()', () => {
  const wrong: [name: string, spki: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['RSA', spkiOf(rsa.publicKey)],
    ['Ed25519', spkiOf(ed25519.publicKey)],
    ['a compressed point', compressed(keys.spki)],
    ['a trailing byte', Buffer.concat([keys.spki, Buffer.of(0)])],
  ]
  for (const [name, spki] of wrong) {
    it(`refuses ${name}`, () => {
      expectError(() => readPublicKey(spki), CaError, 'ERR_PUBLIC_KEY')
    })
  }
})
