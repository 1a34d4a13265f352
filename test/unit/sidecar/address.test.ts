import { expect } from 'chai'
import { isBeyondMachine } from '../../../src/sidecar/address.ts'

describe('isBeyondMachine()', () => {
  for (const address of [
    '10.0.0.1',
    '192.0.2.7',
    '128.0.0.1',
    'fd77::1',
    '2001:db8::1',
    'fec0::1',
  ]) {
    it(`holds for ${address}`, () => {
      expect(isBeyondMachine(address)).to.be.true
    })
  }
  const within = [
    '127.0.0.1',
    '127.255.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '169.254.0.1',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'febf::1',
    'ff02::1',
  ]
  for (const address of within) {
    it(`does not hold for ${address}`, () => {
      expect(isBeyondMachine(address)).to.be.false
    })
  }
})
