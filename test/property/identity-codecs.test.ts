import { expect } from 'chai'
import fc from 'fast-check'
import type { Attribute } from '../../src/identity/attributes.ts'
import { IdentityError } from '../../src/identity/identity-error.ts'
import {
  decodeIdentityExtension,
  encodeIdentityExtension,
  type WorkloadFacts,
} from '../../src/identity/identity-extension.ts'
import { createProfile, type TrustProfile } from '../../src/identity/profile.ts'
import { decodeProfile, encodeProfile } from '../../src/identity/profile-codec.ts'
import { provenances } from '../../src/identity/provenance.ts'
import { readTree, nodesOf, writeTree, type DerNode } from '../support/der-tree.ts'
import { propertyRuns } from '../support/property-runs.ts'

const name = fc.stringMatching(/^[a-z0-9_](?:[a-z0-9_:/-]{0,12}[a-z0-9_])?$/)
const key = fc.array(name, { minLength: 2, maxLength: 4 }).map((names) => names.join('.'))
const value = fc
  .string({ unit: 'binary', maxLength: 128 })
  .map((text) => text.replace(/[\u0000-\u001f\u007f]/g, ' '))
const attribute: fc.Arbitrary<Attribute> = fc.record({
  key,
  value,
  provenance: fc.constantFrom(...provenances),
})
const profile: fc.Arbitrary<TrustProfile> = fc
  .array(attribute, { maxLength: 12 })
  .map((attributes) => createProfile(attributes).profile)
const facts: fc.Arbitrary<WorkloadFacts> = fc.record({
  workloadId: hex(16),
  generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  publicProfile: profile,
  profileDigest: hex(32),
})

function hex(bytes: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((octets) => Buffer.from(octets).toString('hex'))
}

/** Both codecs as one: what is accepted is given back in its one encoding. */
interface StrictCodec {
  readonly samples: fc.Arbitrary<Buffer>
  readonly recode: (der: Buffer) => Buffer
}

const codecs: Readonly<Record<string, StrictCodec>> = {
  profile: {
    samples: profile.map(({ encoded }) => encoded),
    recode: (der) => encodeProfile(decodeProfile(der).entries),
  },
  'identity extension': {
    samples: facts.map(encodeIdentityExtension),
    recode: (der) => encodeIdentityExtension(decodeIdentityExtension(der)),
  },
}

function refuses(run: () => unknown): boolean {
  try {
    run()
    return false
  } catch (error: unknown) {
    if (error instanceof IdentityError) return true
    throw error
  }
}

/** Ways to write the same or a similar value so that a strict decoder has to refuse it. */
const distortions: Readonly<Record<string, (node: DerNode, pick: number) => boolean>> = {
  'a length in long form': (node) => Boolean((node.length = 'long-form')),
  'a length with a leading zero': (node) => Boolean((node.length = 'leading-zero')),
  'an indefinite length': (node) => Boolean((node.length = 'indefinite')),
  'children in another order': ({ content }, pick) => {
    if (!Array.isArray(content) || content.length < 2) return false
    content.splice(
      pick % (content.length - 1),
      0,
      ...content.splice((pick % (content.length - 1)) + 1, 1),
    )
    return true
  },
  'a child twice': ({ content }, pick) => {
    const child = Array.isArray(content) ? content[pick % content.length] : undefined
    if (!Array.isArray(content) || child === undefined) return false
    content.splice(pick % content.length, 0, child)
    return true
  },
  'a child too many': ({ content }) => {
    if (!Array.isArray(content)) return false
    return content.push({ tag: 0x05, content: Buffer.alloc(0), length: 'shortest' }) > 0
  },
  'another tag': (node, pick) => {
    node.tag ^= 1 + (pick % 0xfe)
    return true
  },
  'a padded number': (node) => {
    if ((node.tag !== 0x02 && node.tag !== 0x0a) || Array.isArray(node.content)) return false
    node.content = Buffer.concat([Buffer.of(0), node.content])
    return (node.content.at(1) ?? 0) < 0x80
  },
  'text that is not UTF-8': (node, pick) => {
    if (node.tag !== 0x0c || Array.isArray(node.content)) return false
    node.content = Buffer.concat([node.content, Buffer.of(0x80 | (pick & 0x7f))])
    return true
  },
}

for (const [subject, { samples, recode }] of Object.entries(codecs)) {
  describe(`the ${subject} codec`, () => {
    it('gives back what it encoded, byte for byte', () => {
      fc.assert(
        fc.property(samples, (der) => {
          expect(recode(der)).to.deep.equal(der)
        }),
        propertyRuns(),
      )
    })

    for (const [what, distort] of Object.entries(distortions)) {
      it(`refuses ${what}`, () => {
        fc.assert(
          fc.property(samples, fc.nat(), fc.nat(), (der, where, pick) => {
            const tree = readTree(der)
            const nodes = nodesOf(tree)
            fc.pre(distort(nodes[where % nodes.length] ?? tree, pick))
            expect(refuses(() => recode(writeTree(tree)))).to.equal(true)
          }),
          propertyRuns(),
        )
      })
    }

    it('refuses bytes before, between and after', () => {
      fc.assert(
        fc.property(
          samples,
          fc.nat(),
          fc.uint8Array({ minLength: 1, maxLength: 4 }),
          (der, where, bytes) => {
            for (const at of [0, where % der.length, der.length]) {
              const longer = Buffer.concat([der.subarray(0, at), bytes, der.subarray(at)])
              expect(
                refuses(() => recode(longer)),
                String(at),
              ).to.equal(true)
            }
          },
        ),
        propertyRuns(),
      )
    })

    it('refuses a flipped bit, or reads it as another value in its one encoding', () => {
      fc.assert(
        fc.property(samples, fc.nat(), fc.nat(7), (der, where, bit) => {
          const flipped = Buffer.from(der)
          const at = where % der.length
          flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at)
          if (!refuses(() => recode(flipped))) expect(recode(flipped)).to.deep.equal(flipped)
        }),
        propertyRuns(500),
      )
    })

    it('throws only IdentityError, whatever the bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
          const bytes = Buffer.from(octets)
          if (!refuses(() => recode(bytes))) expect(recode(bytes)).to.deep.equal(bytes)
        }),
        propertyRuns(500),
      )
    })
  })
}

describe('createProfile()', () => {
  it('gives one profile for one set of attributes, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 12 }), fc.nat(), (attributes, turn) => {
        const at = attributes.length === 0 ? 0 : turn % attributes.length
        const turned = [...attributes.slice(at), ...attributes.slice(0, at)].reverse()
        expect(createProfile(turned).profile.digest).to.equal(
          createProfile(attributes).profile.digest,
        )
      }),
      propertyRuns(),
    )
  })

  it('either fits the limits or throws, and its result always decodes', () => {
    const bulk = fc.tuple(attribute, fc.nat(200)).map(([one, count]) =>
      Array.from({ length: count }, (_, n) => ({
        ...one,
        value: `${String(n)}${one.value}`.slice(0, 120),
      })),
    )
    fc.assert(
      fc.property(fc.array(bulk, { maxLength: 6 }), (bulks) => {
        const attributes = bulks.flat()
        const built = { profile: undefined as TrustProfile | undefined }
        if (refuses(() => (built.profile = createProfile(attributes).profile))) {
          expect(
            attributes.some(({ provenance }) => provenances.indexOf(provenance) >= 2),
          ).to.equal(true)
        } else {
          expect(decodeProfile(built.profile?.encoded ?? Buffer.alloc(0))).to.deep.equal(
            built.profile,
          )
        }
      }),
      propertyRuns(),
    )
  })
})
