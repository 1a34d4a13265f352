import { expect } from 'chai'
import { alpnProtocol, readClientHello } from '../../../src/tunnel/index.ts'
import { helloOf } from '../../support/client-hello.ts'

/** The same message in records of so many bytes. */
function splitRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

describe('readClientHello()', () => {
  let ours: Buffer
  before(async () => {
    ours = await helloOf({ ALPNProtocols: [alpnProtocol, 'h2'], minVersion: 'TLSv1.3' })
  })

  it('finds the protocols that a client offers, and the server that it asks for', async () => {
    expect(readClientHello(ours)).to.deep.equal({
      kind: 'client-hello',
      protocols: [alpnProtocol, 'h2'],
      serverName: undefined,
    })
    const named = await helloOf({ servername: 'API.example.com' })
    expect(readClientHello(named)).to.deep.equal({
      kind: 'client-hello',
      protocols: [],
      serverName: 'api.example.com',
    })
  })

  /** A ClientHello with these extensions only. */
  const helloWith = (...extensions: readonly (readonly [type: number, hex: string])[]): Buffer => {
    const written = extensions.map(([type, hex]) => {
      const data = Buffer.from(hex, 'hex')
      return Buffer.concat([Buffer.from([0, type, data.length >> 8, data.length & 255]), data])
    })
    const all = Buffer.concat(written)
    const body = Buffer.concat([Buffer.alloc(38), Buffer.from([0, all.length]), all])
    body.set([3, 3])
    const header = [22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length]
    return Buffer.concat([Buffer.from(header), body])
  }
  const nameA = '0004000001' + '61'
  const ambiguous: Record<string, readonly (readonly [number, string])[]> = {
    'two extensions with a name': [
      [0, nameA],
      [0, nameA],
    ],
    'two names in one extension': [[0, '0008' + '00000161' + '00000162']],
    'a name of something else than a host': [[0, '0004' + '01000161']],
    'an empty extension': [[0, '']],
    'a name longer than its extension': [[0, '0004' + '00000561']],
  }
  it('reads the name of a server that is made by hand', () => {
    expect(readClientHello(helloWith([0, nameA]))).to.include({ serverName: 'a' })
  })
  for (const [what, extensions] of Object.entries(ambiguous)) {
    it(`takes ${what} for no ClientHello, since servers may read it otherwise`, () => {
      expect(readClientHello(helloWith(...extensions)).kind).to.equal('other')
    })
  }

  it('waits for the last byte of it', () => {
    for (let length = 0; length < ours.length; length++) {
      expect(readClientHello(ours.subarray(0, length)).kind, String(length)).to.equal('incomplete')
    }
  })

  it('reads it however it is split into records', () => {
    for (const size of [1, 3, 100, 511]) {
      expect(readClientHello(splitRecords(ours, size))).to.have.property('kind', 'client-hello')
    }
  })

  const others: Record<string, string> = {
    'plain text': Buffer.from('GET / HTTP/1.1').toString('hex'),
    'another record': '1503030002',
    'another handshake message': '160301000502000001',
    'an empty record': '1603010000',
    'another version': '1602010005',
    'a message beyond the limit': '160301000401ffffff',
    'a session id beyond the message': `160301002701000023${'00'.repeat(34)}ff`,
  }
  for (const [what, hex] of Object.entries(others)) {
    it(`knows ${what} for something else`, () => {
      expect(readClientHello(Buffer.from(hex, 'hex'))).to.deep.equal({ kind: 'other' })
    })
  }

  it('gives up beyond its limit', () => {
    const endless = splitRecords(Buffer.alloc(40_000, 1), 1_000)
    endless.set([1, 0, 0x3f, 0xff], 5)
    expect(readClientHello(endless.subarray(0, 16_384)).kind).to.equal('other')
  })
})
