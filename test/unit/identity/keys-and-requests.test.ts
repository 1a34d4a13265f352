import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { expect } from 'chai'
import { createCsr } from '../../../src/identity/csr.ts'
import { DerReader, derTag } from '../../../src/identity/der.ts'
import { keySha256, parsePublicKey, spkiOf } from '../../../src/identity/public-key.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ed25519 = generateKeyPairSync('ed25519')
const spki = p256.publicKey.export({ format: 'der', type: 'spki' })

describe('parsePublicKey()', () => {
  it('reads an uncompressed P-256 key', () => {
    expect(parsePublicKey(spki).equals(p256.publicKey)).to.equal(true)
    expect(keySha256(spki)).to.equal(createHash('sha256').update(spki).digest('hex'))
  })

  it('refuses other kinds of key', () => {
    for (const { publicKey } of [p384, ed25519]) {
      const other = publicKey.export({ format: 'der', type: 'spki' })
      expectIdentityError('ERR_PUBLIC_KEY', () => parsePublicKey(other))
    }
  })

  it('refuses a second encoding of the same key', () => {
    const compressed = Buffer.concat([
      Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
      Buffer.of(2 + ((spki.at(-1) ?? 0) & 1)),
      spki.subarray(27, 59),
    ])
    expectIdentityError('ERR_PUBLIC_KEY', () => parsePublicKey(compressed))
    expectIdentityError('ERR_PUBLIC_KEY', () => parsePublicKey(Buffer.concat([spki, Buffer.of(0)])))
  })

  it('refuses a point that is not on the curve', () => {
    const off = Buffer.from(spki)
    off.writeUInt8((off.at(-1) ?? 0) ^ 1, off.length - 1)
    expectIdentityError('ERR_PUBLIC_KEY', () => parsePublicKey(off))
  })
})

describe('spkiOf()', () => {
  it('is the same for both halves of a pair', () => {
    expect(spkiOf(p256.publicKey)).to.deep.equal(spki)
    expect(spkiOf(p256.privateKey)).to.deep.equal(spki)
  })
  it('refuses other kinds of key', () => {
    expectIdentityError('ERR_PUBLIC_KEY', () => spkiOf(p384.privateKey))
    expectIdentityError('ERR_PUBLIC_KEY', () => spkiOf(ed25519.publicKey))
  })
})

describe('createCsr()', () => {
  it('carries the public key and proves the private one', () => {
    const outer = DerReader.open(createCsr(p256.privateKey, 'web'), 1024)
    const [body, signature] = outer.sequence((request) => {
      const info = request.element(derTag.sequence)
      request.element(derTag.sequence)
      return [info, request.content(derTag.bitString).subarray(1)]
    })
    outer.finish()
    expect(verify('sha256', body, p256.publicKey, signature)).to.equal(true)
    DerReader.open(body, 1024).sequence((info) => {
      expect(info.unsigned()).to.equal(0)
      expect(info.element().toString()).to.contain('web')
      expect(info.element()).to.deep.equal(spki)
      expect(info.content(0xa0)).to.have.length(0)
    })
  })

  it('refuses a key the CA would not take', () => {
    expectIdentityError('ERR_PUBLIC_KEY', () => createCsr(p384.privateKey))
  })
})
