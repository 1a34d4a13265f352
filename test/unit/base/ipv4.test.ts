import { expect } from 'chai'
import { ipv4Bytes } from '../../../src/base/ipv4.ts'

describe('ipv4Bytes()', () => {
  it('reads the one spelling of an address', () => {
    for (const [text, bytes] of [
      ['0.0.0.0', [0, 0, 0, 0]],
      ['10.2.30.255', [10, 2, 30, 255]],
      ['255.255.255.255', [255, 255, 255, 255]],
    ] as const) {
      expect([...(ipv4Bytes(text) ?? [])], text).to.deep.equal(bytes)
    }
  })

  it('is undefined for every other text', () => {
    for (const text of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4/8', '::1']) {
      expect(ipv4Bytes(text), text).to.equal(undefined)
    }
  })
})
