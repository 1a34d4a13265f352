import { expect } from 'chai'
import fc from 'fast-check'
import { berLimits, octetsOf, readBer, type BerElement } from '../../src/attest/iid/ber.ts'
import { loadIidKeys, verifyIid, type IidKeys } from '../../src/attest/iid/index.ts'
import { Refusal } from '../../src/attest/iid/refusal.ts'
import { readStrictJson } from '../../src/attest/iid/strict-json.ts'
import { propertyRuns } from '../support/property-runs.ts'
import { evidenceOf, realIids, type RealIid } from '../support/real-iids.ts'

/** An element, and how to write its length. */
interface Spelled {
  readonly tag: number
  readonly length: 'indefinite' | 'short' | 1 | 2 | 3 | 4
  readonly content: Buffer
  readonly children: readonly Spelled[]
}

const primitive: fc.Arbitrary<Spelled> = fc.record({
  tag: fc.constantFrom(0x01, 0x02, 0x04, 0x05, 0x06, 0x0c, 0x80, 0x81, 0xc5),
  length: fc.constantFrom<Spelled['length'][]>('short', 2, 3, 4),
  content: fc.uint8Array({ maxLength: 120 }).map((octets): Buffer => Buffer.from(octets)),
  children: fc.constant([]),
})

const { tree } = fc.letrec<{ tree: Spelled }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    primitive,
    fc.record({
      tag: fc.constantFrom(0x24, 0x30, 0x31, 0xa0, 0xa1),
      length: fc.constantFrom<Spelled['length'][]>('indefinite', 2, 3, 4),
      content: fc.constant<Buffer>(Buffer.alloc(0)),
      children: fc.array(tie('tree'), { maxLength: 4 }),
    }),
  ),
}))

function write({ tag, length, content, children }: Spelled): Buffer {
  const inner = Buffer.concat([content, ...children.map(write)])
  if (length === 'indefinite') return Buffer.concat([Buffer.of(tag, 0x80), inner, Buffer.alloc(2)])
  if (length === 'short') return Buffer.concat([Buffer.of(tag, inner.length), inner])
  const octets = Buffer.alloc(length)
  octets.writeUIntBE(inner.length, 0, length)
  return Buffer.concat([Buffer.of(tag, 0x80 | length), octets, inner])
}

function expectSame(element: BerElement, spelled: Spelled): void {
  expect(element.tag).to.equal(spelled.tag)
  expect(element.bytes).to.deep.equal(write(spelled))
  expect(element.children.length).to.equal(spelled.children.length)
  if ((spelled.tag & 0x20) === 0) expect(element.content).to.deep.equal(spelled.content)
  for (const [at, child] of element.children.entries()) {
    expectSame(child, spelled.children[at] ?? spelled)
  }
}

/** Runs a parser that may refuse, but not fail otherwise. */
function refusesOrReads(work: () => unknown): void {
  try {
    work()
  } catch (error: unknown) {
    if (!(error instanceof Refusal)) throw error
  }
}

const bytes = fc.uint8Array({ maxLength: 400, size: 'max' }).map((octets) => Buffer.from(octets))

describe('readBer(), for any input', () => {
  it('reads what was written, whatever form the lengths have', () => {
    fc.assert(
      fc.property(tree, (spelled) => {
        const encoded = write(spelled)
        fc.pre(encoded.length <= berLimits.maxBytes)
        expectSame(readBer(encoded, { ...berLimits, maxElements: 10_000 }), spelled)
      }),
      propertyRuns(300),
    )
  })

  it('throws nothing but its refusal, and counts what it hands out', () => {
    const looksLikeBer = fc
      .array(fc.constantFrom(0x00, 0x01, 0x02, 0x04, 0x05, 0x24, 0x30, 0x80, 0x81, 0xa0), {
        maxLength: 200,
        size: 'max',
      })
      .map((octets) => Buffer.from(octets))
    const count = (element: BerElement): number =>
      1 + element.children.reduce((sum, child) => sum + count(child), 0)
    fc.assert(
      fc.property(fc.oneof(bytes, looksLikeBer), (input) => {
        refusesOrReads(() => {
          const element = readBer(input)
          expect(element.bytes).to.deep.equal(input)
          expect(count(element)).to.be.at.most(berLimits.maxElements)
        })
      }),
      propertyRuns(2_000),
    )
  })

  it('refuses every beginning of what it reads', () => {
    fc.assert(
      fc.property(tree, fc.nat(), (spelled, at) => {
        const encoded = write(spelled)
        expect(() => readBer(encoded.subarray(0, at % encoded.length))).to.throw(Refusal)
      }),
      propertyRuns(300),
    )
  })

  it('puts a string together as it was, however it is broken up', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(400), { maxLength: 20 }), (content, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, content.length)), content.length]
        at.sort((a, b) => a - b)
        const pieces = at.slice(1).map((end, index) => content.subarray(at[index], end))
        const children: Spelled[] = pieces.map((piece) => ({
          tag: 0x04,
          length: 2,
          content: piece,
          children: [],
        }))
        const whole = {
          tag: 0x24,
          length: 'indefinite',
          content: Buffer.alloc(0),
          children,
        } as const
        expect(octetsOf(readBer(write(whole)))).to.deep.equal(content)
      }),
      propertyRuns(),
    )
  })
})

describe('readStrictJson(), for any input', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value)
        expect(readStrictJson(Buffer.from(text))).to.deep.equal({
          ok: true,
          value: JSON.parse(text) as unknown,
        })
      }),
      propertyRuns(300),
    )
  })

  it('finds a name that is there twice, wherever that is', () => {
    const around = fc.constantFrom(
      (object: string) => object,
      (object: string) => `[1, ${object}]`,
      (object: string) => `{"a": {"b": [${object}, {}]}, "c": ","}`,
    )
    fc.assert(
      fc.property(
        fc.string(),
        fc.dictionary(fc.string(), fc.string()),
        around,
        (name, others, wrap) => {
          const rest = Object.entries(others).map(
            ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
          )
          const escaped = name
            .split('')
            .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          const object = `{${[`${JSON.stringify(name)}:1`, ...rest, `"${escaped.join('')}":2`].join(',')}}`
          const read = readStrictJson(Buffer.from(wrap(object)))
          expect(read.ok ? undefined : read.fault).to.equal('name-doubled')
        },
      ),
      propertyRuns(300),
    )
  })
})

describe('verifyIid() of real documents, damaged', () => {
  let keys: IidKeys
  before(async () => {
    keys = await loadIidKeys()
  })

  /** A damaged document may verify only if it says exactly the same. */
  const holds = (real: RealIid, changed: Parameters<typeof evidenceOf>[1]): boolean => {
    const verdict = verifyIid(evidenceOf(real, changed), keys)
    if (verdict.ok) expect(verdict.raw).to.deep.equal(real.document)
    return verdict.ok
  }

  for (const real of realIids) {
    const parts =
      real.form === 'signature' ? (['signed', 'document'] as const) : (['signed'] as const)

    it(`says the same or nothing for every flipped bit of ${real.name}`, function () {
      this.timeout(30_000)
      for (const part of parts) {
        const damaged = Buffer.from(real[part])
        let accepted = 0
        for (let bit = 0; bit < damaged.length * 8; bit++) {
          const mask = 1 << (bit & 7)
          damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ mask, bit >> 3)
          if (holds(real, { [part]: damaged })) accepted++
          damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ mask, bit >> 3)
        }
        // Not needed for safety, for replay state is keyed on what a document says; but it is so.
        expect(accepted).to.equal(0)
      }
    })

    it(`refuses ${real.name} cut off anywhere`, () => {
      for (const part of parts) {
        for (let end = 0; end < real[part].length; end++) {
          expect(holds(real, { [part]: real[part].subarray(0, end) })).to.equal(false)
        }
      }
    })

    it(`says the same or nothing for ${real.name} with any stretch replaced`, () => {
      fc.assert(
        fc.property(fc.nat(), fc.nat(40), bytes, (at, removed, inserted) => {
          const start = at % real.signed.length
          const signed = Buffer.concat([
            real.signed.subarray(0, start),
            inserted,
            real.signed.subarray(start + removed),
          ])
          holds(real, { signed })
        }),
        propertyRuns(300),
      )
    })
  }
})
