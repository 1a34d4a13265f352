import { expect } from 'chai'
import {
  adminService,
  bundleCodec,
  controlMessageCodec,
  evidenceCodec,
  snapshotCodec,
  WireError,
} from '../../../src/rpc/index.ts'

const token = evidenceCodec.encode({ joinToken: { token: 'abc' } })
const bytes = (...values: number[]): Buffer => Buffer.from(values)

const refused: readonly (readonly [string, Buffer, RegExp])[] = [
  ['an unknown field', Buffer.concat([token, bytes(0x78, 1)]), /unknown field number 15/],
  ['an unknown nested field', bytes(0x0a, 0x02, 0x78, 0x01), /JoinTokenEvidence: unknown field/],
  ['field number 0', bytes(0x00, 0x01), /unknown field number 0/],
  ['a field in another wire type', bytes(0x08, 0x01), /joinToken: expected wire type 2, got 0/],
  ['a singular field that comes twice', Buffer.concat([token, token]), /given twice/],
  ['two members of one oneof', Buffer.concat([token, bytes(0x1a, 0x00)]), /a second choice/],
  ['a group', bytes(0x0b, 0x0c), /expected wire type 2, got 3/],
  ['a truncated message', token.subarray(0, -1), /5 bytes announced, 4 left/],
  ['a length beyond the message', bytes(0x0a, 0xff, 0xff, 0x03), /bytes announced/],
  ['an endless number', Buffer.alloc(20, 0xff), /cut off or longer than 10 bytes/],
]

describe('decoding a message', () => {
  it('returns what was encoded', () => {
    expect(evidenceCodec.decode(token)).to.deep.equal({
      joinToken: { token: 'abc' },
      kind: 'joinToken',
    })
  })

  for (const [name, message, expected] of refused) {
    it(`refuses ${name}`, () => {
      expect(() => evidenceCodec.decode(message)).to.throw(WireError, expected)
    })
  }

  it('follows repeated and nested messages', () => {
    const snapshot = snapshotCodec.encode({
      version: 7,
      bundle: { issuers: [{ keySha256: Buffer.alloc(32), state: 'ACTIVE' }] },
      documents: [{ kind: 'NetworkPolicy' }, { kind: 'EnrolmentRule' }],
    })
    expect(snapshotCodec.decode(snapshot).documents.map(({ kind }) => kind)).to.deep.equal([
      'NetworkPolicy',
      'EnrolmentRule',
    ])
  })

  it('refuses a number that JavaScript cannot hold', () => {
    const beyond = Buffer.concat([bytes(0x10), Buffer.alloc(8, 0xff), bytes(0x7f)])
    expect(() => bundleCodec.decode(beyond)).to.throw(WireError, /below 2\^53/)
  })

  it('checks the requests and responses of services', () => {
    const { requestSerialize, requestDeserialize } = adminService.CreateJoinToken
    const request = requestSerialize({ uses: 1, labels: [{ key: 'app', value: 'web' }] })
    expect(requestDeserialize(request).labels).to.deep.equal([{ key: 'app', value: 'web' }])
    expect(() => requestDeserialize(Buffer.concat([request, bytes(0x78, 1)]))).to.throw(WireError)
  })

  it('refuses an unknown member of a oneof', () => {
    expect(() => controlMessageCodec.decode(bytes(0x7a, 0x00))).to.throw(WireError, /unknown field/)
  })
})
