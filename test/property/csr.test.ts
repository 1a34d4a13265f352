import fc from 'fast-check'
import { expect } from 'chai'
import { readCsr } from '../../src/ca/csr.ts'
import { CaError } from '../../src/ca/errors.ts'
import { createCsr } from '../../src/identity/csr.ts'
import { propertyRuns } from '../support/property-runs.ts'
import { newKeys } from '../support/test-ca.ts'

/** Checks that bytes are refused, and with nothing but a `CaError`. */
function refuses(der: Uint8Array): void {
  try {
    readCsr(Buffer.from(der))
  } catch (error: unknown) {
    expect(error).to.be.instanceOf(CaError)
    return
  }
  expect.fail('the request was accepted')
}

describe('readCsr(), for any bytes', () => {
  const csr = createCsr(newKeys().privateKey, 'web')

  it('throws nothing but CaError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 512 }), refuses), propertyRuns())
  })

  it('refuses a right request with anything changed', () => {
    const place = fc.nat({ max: csr.length - 1 })
    const change = fc.tuple(place, fc.integer({ min: 1, max: 255 }))
    const changes = fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: ([at]) => at })
    const check = (list: readonly (readonly [number, number])[]): void => {
      const der = Buffer.from(csr)
      for (const [at, difference] of list) der[at] = (der[at] ?? 0) ^ difference
      refuses(der)
    }
    fc.assert(fc.property(changes, check), propertyRuns())
  })

  it('refuses a right request with bytes put in or left out', () => {
    const cut = fc.tuple(
      fc.nat({ max: csr.length - 1 }),
      fc.nat({ max: 8 }),
      fc.uint8Array({ maxLength: 8 }),
    )
    const check = ([at, removed, added]: [number, number, Uint8Array]): void => {
      const der = Buffer.concat([csr.subarray(0, at), added, csr.subarray(at + removed)])
      fc.pre(!der.equals(csr))
      refuses(der)
    }
    fc.assert(fc.property(cut, check), propertyRuns())
  })
})
