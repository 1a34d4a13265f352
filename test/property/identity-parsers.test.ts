import { expect } from 'chai'
import fc from 'fast-check'
import { checkKey, checkValue } from '../../src/identity/attributes.ts'
import { readCertificate } from '../../src/identity/certificate.ts'
import { IdentityError } from '../../src/identity/identity-error.ts'
import { parsePathTemplate, renderPath } from '../../src/identity/path-template.ts'
import { emptyProfile } from '../../src/identity/profile.ts'
import { parsePublicKey } from '../../src/identity/public-key.ts'
import { isReservedPath } from '../../src/identity/reserved-path.ts'
import {
  checkPath,
  parseSpiffeId,
  parseTrustDomain,
  pathOf,
  spiffeId,
  trustDomainOf,
} from '../../src/identity/spiffe-id.ts'
import { verifyPeer } from '../../src/identity/verify-peer.ts'
import { propertyRuns } from '../support/property-runs.ts'
import { createTestCa } from '../support/test-ca.ts'

/** Text that is near to what the parsers accept, and text that is far from it. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('spiffe://', 'a', 'acme.example', '/', '.', '..', '%', ':', '\0'),
  }),
  fc.string({
    unit: fc.constantFrom('/', '<', '>', 'name', 'label.ns', ' or ', '"', 'x', 'blazon'),
  }),
)

/** What `run` gives, or undefined where it throws an `IdentityError`; anything else it throws is a bug. */
function parsed<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error: unknown) {
    if (error instanceof IdentityError) return undefined
    throw error
  }
}

describe('parsers of text', () => {
  const parsers = { parseTrustDomain, checkKey, checkValue }
  for (const [name, parse] of Object.entries(parsers)) {
    it(`${name}() gives its input back or throws IdentityError`, () => {
      fc.assert(
        fc.property(text, (input) => {
          expect(parsed(() => parse(input)) ?? input).to.equal(input)
        }),
        propertyRuns(300),
      )
    })
  }

  it('parseSpiffeId() gives parts that make the same id again', () => {
    fc.assert(
      fc.property(text, (input) => {
        const id = parsed(() => parseSpiffeId(input))
        if (id !== undefined) expect(spiffeId(trustDomainOf(id), pathOf(id))).to.equal(input)
      }),
      propertyRuns(300),
    )
  })

  it('parsePathTemplate() and renderPath() give a free path or throw IdentityError', () => {
    fc.assert(
      fc.property(text, text, (template, name) => {
        const path = parsed(() =>
          renderPath(parsePathTemplate(template), { name, profile: emptyProfile }),
        )
        if (path === undefined) return
        checkPath(path)
        expect(isReservedPath(path)).to.equal(false)
      }),
      propertyRuns(300),
    )
  })

  it('renderPath() keeps each value in one segment, and different names apart', () => {
    const template = parsePathTemplate('/ns/x/<name>/y')
    const render = (name: string): string | undefined =>
      parsed(() => renderPath(template, { name, profile: emptyProfile }))
    fc.assert(
      fc.property(text, text, (a, b) => {
        const path = render(a)
        if (path === undefined) return
        expect(path).to.match(/^\/ns\/x\/[^/]+\/y$/)
        expect(path === render(b)).to.equal(a === b)
      }),
      propertyRuns(300),
    )
  })
})

describe('readers of certificates and keys', () => {
  const ca = createTestCa()
  const { chain, spki } = ca.workload({
    name: 'web',
    attributes: [{ key: 'label.app', value: 'web', provenance: 'assigned' }],
  })
  const bundle = ca.bundle()

  it('throw only IdentityError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 96 }), (octets) => {
        expect(parsed(() => readCertificate(Buffer.from(octets)))).to.equal(undefined)
        expect(parsed(() => parsePublicKey(Buffer.from(octets)))).to.equal(undefined)
      }),
      propertyRuns(300),
    )
  })

  it('throw only IdentityError for a certificate or key with changed bytes', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        for (const right of [...chain, spki]) {
          const changed = Buffer.from(right)
          for (const [at, octet] of changes) changed.writeUInt8(octet, at % changed.length)
          parsed(() => (right === spki ? parsePublicKey(changed) : readCertificate(changed)))
        }
      }),
      propertyRuns(300),
    )
  })

  it('verifyPeer() accepts no chain with a flipped bit', () => {
    fc.assert(
      fc.property(fc.nat(1), fc.nat(), fc.nat(7), (which, where, bit) => {
        const changed = chain.map((der) => Buffer.from(der))
        const victim = changed[which] ?? Buffer.alloc(1)
        const at = where % victim.length
        victim.writeUInt8(victim.readUInt8(at) ^ (1 << bit), at)
        const verdict = verifyPeer({ chain: changed, bundle, floors: ca.floors, now: ca.now })
        expect(verdict.ok, `bit ${String(bit)} of byte ${String(at)}`).to.equal(false)
      }),
      propertyRuns(300),
    )
  })

  it('verifyPeer() never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 4 }), (certificates) => {
        const junk = certificates.map((octets) => Buffer.from(octets))
        const verdict = verifyPeer({ chain: junk, bundle, floors: ca.floors, now: ca.now })
        expect(verdict).to.include({ ok: false })
      }),
      propertyRuns(),
    )
  })
})
