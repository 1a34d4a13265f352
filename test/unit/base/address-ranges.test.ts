import { expect } from 'chai'
import {
  addressText,
  mergeRanges,
  rangeOf,
  subtractRanges,
  type AddressRange,
} from '../../../src/base/address-ranges.ts'
import { networkOf } from '../../../src/base/network.ts'

const ranges = (...cidrs: readonly string[]): AddressRange[] =>
  cidrs.map((cidr) => rangeOf(networkOf(cidr)))
const shown = (list: readonly AddressRange[]): string[] =>
  list.map(({ bytes, first, last }) => `${addressText(first, bytes)}-${addressText(last, bytes)}`)

describe('mergeRanges()', () => {
  it('joins what touches and overlaps, by family', () => {
    const merged = mergeRanges(
      ranges('::/128', '10.0.1.0/24', '10.0.0.0/24', '10.0.0.7/32', '0.0.0.0/32', '10.0.3.0/24'),
    )
    expect(shown(merged)).to.deep.equal([
      ...['0.0.0.0-0.0.0.0', '10.0.0.0-10.0.1.255', '10.0.3.0-10.0.3.255', '::-::'],
    ])
  })
})

describe('subtractRanges()', () => {
  const cases: readonly (readonly [from: string[], cut: string[], left: string[]])[] = [
    [['10.0.0.0/24'], [], ['10.0.0.0-10.0.0.255']],
    [['10.0.0.0/24'], ['10.0.0.0/8'], []],
    [['10.0.0.0/24'], ['10.0.0.0/32', '10.0.0.255/32'], ['10.0.0.1-10.0.0.254']],
    [['10.0.0.0/30'], ['10.0.0.1/32'], ['10.0.0.0-10.0.0.0', '10.0.0.2-10.0.0.3']],
    [
      ['10.0.0.0/24', '10.0.2.0/24'],
      ['10.0.0.128/25', '10.0.2.0/25'],
      ['10.0.0.0-10.0.0.127', '10.0.2.128-10.0.2.255'],
    ],
    [['10.0.0.0/24', '10.0.2.0/24'], ['10.0.0.0/8'], []],
    [['0.0.0.0/0'], ['::/0'], ['0.0.0.0-255.255.255.255']],
    [['::/0'], ['0.0.0.0/0', '::/1'], ['8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']],
    [
      ['2001:db8::/126'],
      ['2001:db8::2/128'],
      ['2001:db8::-2001:db8::1', '2001:db8::3-2001:db8::3'],
    ],
  ]
  for (const [from, cut, left] of cases) {
    it(`leaves ${left.join(', ') || 'nothing'} of ${from.join(', ')} without ${cut.join(', ')}`, () => {
      expect(shown(subtractRanges(ranges(...from), ranges(...cut)))).to.deep.equal(left)
    })
  }
})
