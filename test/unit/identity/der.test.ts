import { expect } from 'chai'
import { DerReader, derTag } from '../../../src/identity/der.ts'
import { derElement, derSequence, derUnsigned, derUtf8 } from '../../../src/identity/der-write.ts'
import { readTime } from '../../../src/identity/der-time.ts'
import { oidBytes, oidText } from '../../../src/identity/oid.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

const open = (hex: string): DerReader => DerReader.open(Buffer.from(hex, 'hex'), 1024)

const numbers: readonly (readonly [number, string])[] = [
  [0, '020100'],
  [127, '02017f'],
  [128, '02020080'],
  [255, '020200ff'],
  [256, '02020100'],
  [32_767, '02027fff'],
  [32_768, '0203008000'],
  [2 ** 53 - 1, '02071fffffffffffff'],
]

describe('DER numbers', () => {
  for (const [value, hex] of numbers) {
    it(`writes and reads ${String(value)}`, () => {
      expect(derUnsigned(value).toString('hex')).to.equal(hex)
      expect(open(hex).unsigned()).to.equal(value)
    })
  }

  const wrong: Record<string, string> = {
    'no content': '0200',
    'a negative number': '0201ff',
    'a leading zero octet': '02020001',
    'a number of 2^53': '020720000000000000',
    'a number of 8 octets': '02080100000000000000',
    'another tag': '0a0101',
  }
  for (const [what, hex] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expectIdentityError('ERR_DER', () => open(hex).unsigned())
    })
  }

  it('never writes what it could not read', () => {
    for (const value of [-1, 0.5, 2 ** 53, NaN]) {
      expect(() => derUnsigned(value), String(value)).to.throw(RangeError, 'BUG')
    }
  })
})

describe('DER lengths', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    it(`has one form for ${String(length)} octets`, () => {
      const element = derElement(derTag.octetString, Buffer.alloc(length, 1))
      const reader = DerReader.open(element, element.length)
      expect(reader.content(derTag.octetString)).to.have.length(length)
      reader.finish()
    })
  }

  const wrong: Record<string, string> = {
    'an indefinite length': '30800000',
    'a long form below 128': '0481' + '01' + '00',
    'a long form with a leading zero': '048200ff' + '00'.repeat(255),
    'a length of four octets': '048400000001' + '00',
    'a length of 127 octets': '04ff' + '00'.repeat(127),
    'more than is there': '0402ff',
    'a length that is cut off': '0482ff',
    'no length': '04',
    nothing: '',
    'a tag of several octets': '1f8101' + '00',
  }
  for (const [what, hex] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expectIdentityError('ERR_DER', () => open(hex).element())
    })
  }

  it('keeps children within their parent', () => {
    expectIdentityError('ERR_DER', () => open('30020403010203').enter(derTag.sequence).element())
  })
})

describe('DerReader', () => {
  it('refuses more than it was opened for', () => {
    expectIdentityError('ERR_DER', () => DerReader.open(Buffer.alloc(11), 10))
  })

  it('refuses what is left over', () => {
    expectIdentityError('ERR_DER', () => open('30030201' + '01').sequence(() => undefined))
    expectIdentityError('ERR_DER', () => {
      open('0500').finish()
    })
  })

  it('goes 16 levels deep and no deeper', () => {
    const nested = (levels: number): Buffer =>
      levels === 0 ? derUtf8('x') : derSequence(nested(levels - 1))
    const dig = (levels: number): string => {
      let reader = DerReader.open(nested(levels), 1024)
      for (let level = 0; level < levels; level++) reader = reader.enter(derTag.sequence)
      return reader.utf8()
    }
    expect(dig(16)).to.equal('x')
    expectIdentityError('ERR_DER', () => dig(17))
  })

  it('reads booleans of 00 and ff only', () => {
    expect(open('010100').boolean()).to.equal(false)
    expect(open('0101ff').boolean()).to.equal(true)
    for (const hex of ['010101', '0100', '0102ffff']) {
      expectIdentityError('ERR_DER', () => open(hex).boolean())
    }
  })

  it('keeps a byte order mark and refuses what is not UTF-8', () => {
    expect(open('0c04efbbbf61').utf8()).to.equal('\ufeffa')
    for (const hex of ['0c0180', '0c02c080', '0c03eda080', '0c04f4908080', '0c02e282']) {
      expectIdentityError('ERR_DER', () => open(hex).utf8())
    }
  })

  it('wants octet strings of the length it is asked for', () => {
    expect(open('04020102').octets(2).toString('hex')).to.equal('0102')
    expectIdentityError('ERR_DER', () => open('04020102').octets(3))
  })
})

describe('object identifiers', () => {
  const known: Record<string, string> = {
    '1.2.840.10045.4.3.2': '2a8648ce3d040302',
    '2.5.29.17': '551d11',
    '2.999.3': '883703',
    '0.9.2342': '099226',
  }
  for (const [dotted, hex] of Object.entries(known)) {
    it(`reads and writes ${dotted}`, () => {
      expect(oidBytes(dotted).toString('hex')).to.equal(hex)
      expect(oidText(Buffer.from(hex, 'hex'))).to.equal(dotted)
    })
  }

  it('refuses arcs that are empty, padded, cut off or endless', () => {
    for (const hex of ['', '80', '2a8001', '2a86', '2a' + '81'.repeat(64) + '01']) {
      expectIdentityError('ERR_DER', () => oidText(Buffer.from(hex, 'hex')))
    }
  })
})

describe('readTime()', () => {
  const time = (tag: number, text: string): number =>
    readTime(DerReader.open(derElement(tag, Buffer.from(text)), 64))

  it('reads UTCTime before 2050 and GeneralizedTime from then on', () => {
    expect(time(derTag.utcTime, '261122063059Z')).to.equal(Date.UTC(2026, 10, 22, 6, 30, 59))
    expect(time(derTag.utcTime, '500101000000Z')).to.equal(Date.UTC(1950, 0, 1))
    expect(time(derTag.utcTime, '491231235959Z')).to.equal(Date.UTC(2049, 11, 31, 23, 59, 59))
    expect(time(derTag.generalizedTime, '20500101000000Z')).to.equal(Date.UTC(2050, 0, 1))
    expect(time(derTag.generalizedTime, '99991231235959Z')).to.equal(
      Date.UTC(9999, 11, 31, 23, 59, 59),
    )
  })

  const wrongUtc = [
    '260229000000Z',
    '261301000000Z',
    '260101240000Z',
    '260101000060Z',
    '2601010000Z',
  ]
  const wrongForm = ['260101000000+0100', '260101000000', '20260101000000Z', '26010100000 Z', '']
  for (const text of [...wrongUtc, ...wrongForm]) {
    it(`refuses UTCTime ${JSON.stringify(text)}`, () => {
      expectIdentityError('ERR_DER', () => time(derTag.utcTime, text))
    })
  }
  for (const text of ['20261122063059Z', '20500230000000Z', '20500101000000.5Z', '500101000000Z']) {
    it(`refuses GeneralizedTime ${JSON.stringify(text)}`, () => {
      expectIdentityError('ERR_DER', () => time(derTag.generalizedTime, text))
    })
  }
  it('refuses another tag', () => {
    expectIdentityError('ERR_DER', () => time(derTag.utf8String, '261122063059Z'))
  })
})
