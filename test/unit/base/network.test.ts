import { expect } from 'chai'
import {
  addressBytes,
  formatNetwork,
  isWhole,
  mask,
  networkOf,
  overlap,
  parseNetwork,
} from '../../../src/base/network.ts'

describe('parseNetwork()', () => {
  const read: Record<string, string> = {
    '10.0.0.0/8': '10.0.0.0/8',
    '192.0.2.7': '192.0.2.7/32',
    '0.0.0.0/0': '0.0.0.0/0',
    '2001:db8:0:0::/32': '2001:db8::/32',
  }
  for (const [written, canonical] of Object.entries(read)) {
    it(`reads ${written} as ${canonical}`, () => {
      const network = parseNetwork(written)
      expect(network && formatNetwork(network)).to.equal(canonical)
    })
  }

  const others = ['', '10.1', '010.0.0.1', '0x7f.0.0.1', '2130706433', '10.0.0.0/33', '10.0.0.0/08']
  for (const written of [
    ...others,
    '10.0.0.0/',
    '10.0.0.0/+8',
    'fe80::1%eth0',
    'FD00::1',
    '::/129',
  ]) {
    it(`takes ${JSON.stringify(written)} for none`, () => {
      expect(parseNetwork(written)).to.equal(undefined)
    })
  }
})

describe('a network', () => {
  it('is whole where no bit is set behind its prefix', () => {
    const odd = networkOf('10.129.0.1/9')
    expect(isWhole(odd)).to.equal(false)
    expect(isWhole({ ...odd, address: mask(odd.address, odd.bits) })).to.equal(true)
  })

  it('overlaps with what it is in, and with nothing of the other family', () => {
    const both = (a: string, b: string): boolean => overlap(networkOf(a), networkOf(b))
    expect(both('10.0.0.0/8', '10.9.8.7')).to.equal(true)
    expect(both('10.9.8.7', '10.0.0.0/8')).to.equal(true)
    expect(both('10.0.0.0/9', '10.128.0.0/9')).to.equal(false)
    expect(both('0.0.0.0/0', '::/0')).to.equal(false)
  })

  it('with a prefix length is no address', () => {
    expect(addressBytes('10.0.0.1/32')).to.equal(undefined)
    expect(addressBytes('10.0.0.1')).to.deep.equal(Uint8Array.of(10, 0, 0, 1))
  })
})
