import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { expect } from 'chai'
import { AttestError } from '../../src/attest/errors.ts'
import {
  attestTranscript,
  renewTranscript,
  signTranscript,
  verifyTranscript,
  type AttestTranscript,
  type RenewTranscript,
} from '../../src/attest/transcript.ts'
import { expectError } from '../support/expect-error.ts'

const node = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const common = {
  trustDomain: 'acme.example',
  controllerKeySha256: 'ab'.repeat(32),
  nonce: Buffer.alloc(32, 1),
  subject: Buffer.from('subject'),
  csr: Buffer.from('csr'),
}
const enrolment: AttestTranscript = {
  ...common,
  evidence: Buffer.from('evidence'),
  nodeKey: Buffer.from('node key'),
}
const renewal: RenewTranscript = { ...common, serial: '4d'.repeat(16) }

const sha256 = (text: string): string => hash('sha256', text)

describe('attestTranscript()', () => {
  it('is the length-prefixed list of the protocol', () => {
    const expected = [
      ['00000010', Buffer.from('blazon-attest-v1').toString('hex')],
      ['0000000c', Buffer.from('acme.example').toString('hex')],
      ['00000020', 'ab'.repeat(32)],
      ['00000020', '01'.repeat(32)],
      ['00000020', sha256('evidence')],
      ['00000020', sha256('subject')],
      ['00000020', sha256('csr')],
      ['00000020', sha256('node key')],
    ]
    expect(attestTranscript(enrolment).toString('hex')).to.equal(expected.flat().join(''))
  })

  for (const controllerKeySha256 of ['', 'ab', 'zz'.repeat(32), 'AB'.repeat(32), 'ab'.repeat(33)]) {
    it(`refuses a controller key hash of ${JSON.stringify(controllerKeySha256)}`, () => {
      const make = (): unknown => attestTranscript({ ...enrolment, controllerKeySha256 })
      expectError(make, AttestError, 'ERR_TRANSCRIPT')
    })
  }
})

describe('renewTranscript()', () => {
  it('is the length-prefixed list of the protocol', () => {
    const expected = [
      ['0000000f', Buffer.from('blazon-renew-v1').toString('hex')],
      ['0000000c', Buffer.from('acme.example').toString('hex')],
      ['00000020', 'ab'.repeat(32)],
      ['00000020', '01'.repeat(32)],
      ['00000020', sha256('subject')],
      ['00000020', sha256('csr')],
      ['00000010', '4d'.repeat(16)],
    ]
    expect(renewTranscript(renewal).toString('hex')).to.equal(expected.flat().join(''))
  })

  for (const serial of ['', '4d', 'serial'.repeat(6), '4D'.repeat(16)]) {
    it(`refuses a serial of ${JSON.stringify(serial)}`, () => {
      expectError(() => renewTranscript({ ...renewal, serial }), AttestError, 'ERR_TRANSCRIPT')
    })
  }
})

describe('verifyTranscript()', () => {
  const transcript = attestTranscript(enrolment)
  const signature = signTranscript(node.privateKey, transcript)

  it('accepts what the node key signed', () => {
    expect(verifyTranscript(node.publicKey, transcript, signature)).to.equal(true)
  })

  const replays: Partial<AttestTranscript>[] = [
    { trustDomain: 'evil.example' },
    { controllerKeySha256: 'cd'.repeat(32) },
    { nonce: Buffer.alloc(32, 2) },
    { evidence: Buffer.from('evidence of somebody else') },
    { subject: Buffer.from('another name') },
    { csr: Buffer.from('another key') },
    { nodeKey: Buffer.from('another node') },
  ]
  for (const change of replays) {
    it(`refuses the signature over another ${String(Object.keys(change)[0])}`, () => {
      const other = attestTranscript({ ...enrolment, ...change })
      expect(verifyTranscript(node.publicKey, other, signature)).to.equal(false)
    })
  }

  it('refuses an enrolment signature as one for renewal', () => {
    expect(verifyTranscript(node.publicKey, renewTranscript(renewal), signature)).to.equal(false)
  })

  it('refuses the signature of another node key', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    expect(verifyTranscript(other, transcript, signature)).to.equal(false)
  })

  const forms: [name: string, signature: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(72)],
    ['a cut signature', signature.subarray(0, -1)],
    ['a trailing byte', Buffer.concat([signature, Buffer.of(0)])],
    [
      'r and s without DER',
      sign('sha256', transcript, { key: node.privateKey, dsaEncoding: 'ieee-p1363' }),
    ],
    ['another digest', sign('sha384', transcript, node.privateKey)],
    ['r = s = 0', Buffer.from('3006020100020100', 'hex')],
  ]
  for (const [name, wrong] of forms) {
    it(`refuses ${name}`, () => {
      expect(verifyTranscript(node.publicKey, transcript, wrong)).to.equal(false)
    })
  }

  it('refuses keys of other kinds', () => {
    const keys = [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
    ]
    for (const { publicKey, privateKey } of keys) {
      const right = sign('sha256', transcript, privateKey)
      expect(verifyTranscript(publicKey, transcript, right)).to.equal(false)
    }
  })
})
