import { expect } from 'chai'
import { berLimits, octetsOf, readBer } from '../../../../src/attest/iid/ber.ts'
import { Refusal } from '../../../../src/attest/iid/refusal.ts'
import { expectError } from '../../../support/expect-error.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('readBer()', () => {
  for (const [about, bytes, content] of [
    ['a short length', '04 02 6869', '6869'],
    ['a length of one octet', '04 81 02 6869', '6869'],
    ['a length with leading zeros', '04 84 00000002 6869', '6869'],
    ['no content', '05 00', ''],
    ['a constructed element', '30 03 02 01 05', '020105'],
    ['an indefinite length', '30 80 02 01 05 0000', '020105'],
    ['an indefinite length inside', '30 07 30 80 02 01 05 0000', '3080 020105 0000'],
    ['indefinite lengths in each other', '30 80 30 80 0000 0000', '3080 0000'],
  ] as const) {
    it(`reads ${about}`, () => {
      const element = readBer(hex(bytes))
      expect(element.content.toString('hex')).to.equal(content.replaceAll(' ', ''))
      expect(element.bytes).to.deep.equal(hex(bytes))
    })
  }

  it('reads the elements of a constructed one, in their order', () => {
    const { tag, children } = readBer(hex('30 80 02 01 05 a0 02 05 00 0000'))
    expect(tag).to.equal(0x30)
    expect(children.map((child) => child.tag)).to.deep.equal([0x02, 0xa0])
    expect(children[1]?.children.map((child) => child.tag)).to.deep.equal([0x05])
  })

  for (const [about, bytes, code] of [
    ['nothing', '', 'truncated'],
    ['a tag alone', '04', 'truncated'],
    ['a length that is cut off', '04 82 01', 'truncated'],
    ['content that is cut off', '04 05 68', 'truncated'],
    ['an indefinite length without an end', '30 80 02 01 05', 'truncated'],
    ['half an end marker', '30 80 02 01 05 00', 'truncated'],
    ['an announced gigabyte', '04 84 40000000 68', 'truncated'],
    ['a byte too many', '04 01 68 00', 'trailing-bytes'],
    ['a second element', '05 00 05 00', 'trailing-bytes'],
    ['an end marker too many', '30 80 0000 0000', 'trailing-bytes'],
    ['an element longer than its parent', '30 03 04 05 6869 ffffff', 'malformed-encoding'],
    ['a header longer than its parent', '30 01 04 00 00', 'malformed-encoding'],
    ['an end marker in a definite length', '30 02 0000', 'malformed-encoding'],
    ['an end marker with content', '30 80 0001 ff', 'malformed-encoding'],
    ['an indefinite end beyond its parent', '30 02 30 80 0000', 'malformed-encoding'],
    ['a primitive element of indefinite length', '04 80 68 0000', 'malformed-encoding'],
    ['a tag of two octets', '1f 21 00', 'malformed-encoding'],
    ['a length of five octets', '04 85 0000000001 68', 'malformed-encoding'],
    ['the reserved length ff', '04 ff 00', 'malformed-encoding'],
  ] as const) {
    it(`refuses ${about}`, () => {
      expectError(() => readBer(hex(bytes)), Refusal, code)
    })
  }

  it('reads up to its limits, and not beyond', () => {
    const { maxBytes, maxDepth, maxElements } = berLimits
    const nested = (levels: number): Buffer =>
      Buffer.concat([Buffer.alloc(levels * 2, hex('3080')), Buffer.alloc(levels * 2)])
    const many = (elements: number): Buffer =>
      Buffer.concat([hex('3080'), Buffer.alloc((elements - 1) * 2, hex('0500')), hex('0000')])
    const long = (bytes: number): Buffer => {
      const content = Buffer.alloc(bytes - 4)
      return Buffer.concat([
        hex('0482'),
        Buffer.of(content.length >> 8, content.length & 0xff),
        content,
      ])
    }
    for (const [make, limit, code] of [
      [nested, maxDepth, 'too-deep'],
      [many, maxElements, 'too-many-elements'],
      [long, maxBytes, 'too-large'],
    ] as const) {
      expect(readBer(make(limit)).bytes.length).to.be.greaterThan(0)
      expectError(() => readBer(make(limit + 1)), Refusal, code)
    }
  })

  it('gives up on bombs before they cost anything', () => {
    const depth = Buffer.alloc(berLimits.maxBytes, hex('3080'))
    const breadth = Buffer.concat([
      hex('3080'),
      Buffer.alloc(berLimits.maxBytes - 2, hex('30800000')),
    ])
    expectError(() => readBer(depth), Refusal, 'too-deep')
    expectError(() => readBer(breadth), Refusal, 'too-many-elements')
    const huge = Buffer.alloc(64 * 1024 * 1024)
    depth.copy(huge)
    expectError(() => readBer(huge), Refusal, 'too-large')
  })
})

describe('octetsOf()', () => {
  for (const [about, bytes] of [
    ['a primitive string', '04 04 61626364'],
    ['pieces', '24 08 04 02 6162 04 02 6364'],
    ['pieces of indefinite length', '24 80 04 02 6162 04 02 6364 0000'],
    ['pieces within pieces', '24 80 24 80 04 03 616263 0000 04 01 64 04 00 0000'],
  ] as const) {
    it(`puts together ${about}`, () => {
      expect(octetsOf(readBer(hex(bytes))).toString()).to.equal('abcd')
    })
  }

  it('returns a copy', () => {
    const bytes = hex('04 01 61')
    const octets = octetsOf(readBer(bytes))
    bytes.fill(0)
    expect(octets.toString()).to.equal('a')
  })

  for (const bytes of ['02 01 61', '24 03 02 01 61', '30 03 04 01 61']) {
    it(`refuses ${bytes}, which is not an OCTET STRING throughout`, () => {
      expectError(() => octetsOf(readBer(hex(bytes))), Refusal, 'malformed-encoding')
    })
  }
})
