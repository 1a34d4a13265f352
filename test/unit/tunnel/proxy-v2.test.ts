import { expect } from 'chai'
import { decodeStreamHeader, encodeStreamHeader } from '../../../src/tunnel/proxy-v2.ts'
import { TunnelError } from '../../../src/tunnel/tunnel-error.ts'
import { streamHeader } from '../../support/tunnel-pair.ts'
import { hexBody, readVectors } from '../../support/vectors.ts'

function expectHeaderError(run: () => unknown): void {
  expect(run).to.throw(TunnelError).with.property('code', 'ERR_STREAM_HEADER')
}

describe('stream header (PROXY protocol v2)', () => {
  for (const vector of readVectors('proxy-v2')) {
    it(`${vector.expect === 'accept' ? 'accepts' : 'refuses'} ${vector.name}: ${vector.about}`, () => {
      const bytes = hexBody(vector)
      if (vector.expect !== 'accept') {
        expectHeaderError(() => decodeStreamHeader(bytes))
        return
      }
      const header = decodeStreamHeader(bytes)
      const { source, destination, flowId } = header
      expect(`${source.address} ${String(source.port)}`).to.equal(vector.header.get('source'))
      expect(`${destination.address} ${String(destination.port)}`).to.equal(
        vector.header.get('destination'),
      )
      expect(flowId).to.equal(vector.header.get('flow'))
      expect(encodeStreamHeader(header).equals(bytes)).to.equal(true)
    })
  }

  it('writes an IPv4 address mapped into IPv6 as the IPv4 address it is', () => {
    const mapped = streamHeader({
      source: { address: '::ffff:192.0.2.7', port: 1 },
      destination: { address: '::FFFF:203.0.113.9', port: 2 },
    })
    expect(decodeStreamHeader(encodeStreamHeader(mapped))).to.include({ flowId: mapped.flowId })
    expect(decodeStreamHeader(encodeStreamHeader(mapped)).destination).to.deep.equal({
      address: '203.0.113.9',
      port: 2,
    })
  })

  it('says that the data may go in clear in a field of its own, and takes no other', () => {
    for (const address of ['203.0.113.9', '2001:db8::9']) {
      const pair = { source: { address, port: 1 }, destination: { address, port: 2 } }
      const plain = encodeStreamHeader(streamHeader(pair))
      const bytes = encodeStreamHeader(streamHeader({ ...pair, mayBeClear: true }))
      expect(decodeStreamHeader(plain)).to.not.have.property('mayBeClear')
      expect(decodeStreamHeader(bytes)).to.have.property('mayBeClear', true)
      expect(bytes.length).to.equal(plain.length + 3)
      for (const at of [bytes.length - 1, bytes.length - 3]) {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
        expectHeaderError(() => decodeStreamHeader(changed))
      }
    }
  })

  const unfit = [
    { destination: { address: '2001:db8::1', port: 1 } },
    { destination: { address: 'db.example', port: 1 } },
    { destination: { address: 'fe80::1%eth0', port: 1 } },
    { destination: { address: '010.0.0.1', port: 1 } },
    { destination: { address: '127.1', port: 1 } },
    { destination: { address: '127.0.0.1', port: 0 } },
    { destination: { address: '127.0.0.1', port: 65_536 } },
    { source: { address: '', port: 1 } },
    { flowId: '00' },
    { flowId: '000102030405060708090A0B0C0D0E0F' },
  ]
  for (const change of unfit) {
    it(`does not encode ${JSON.stringify(change)}`, () => {
      expectHeaderError(() => encodeStreamHeader(streamHeader(change)))
    })
  }
})
