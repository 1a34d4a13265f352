import { expect } from 'chai'
import fc from 'fast-check'
import { alpnProtocol, readClientHello } from '../../src/tunnel/index.ts'
import { helloOf } from '../support/client-hello.ts'
import { propertyRuns } from '../support/property-runs.ts'

describe('readClientHello()', () => {
  it('never throws, whatever is changed in it', async () => {
    const ours = await helloOf({ ALPNProtocols: [alpnProtocol, 'h2'], minVersion: 'TLSv1.3' })
    const change = fc.tuple(fc.nat(ours.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = Buffer.from(ours)
        for (const [at, octet] of changes) damaged[at] = octet
        expect(readClientHello(damaged).kind).to.be.oneOf(['client-hello', 'incomplete', 'other'])
      }),
      propertyRuns(200),
    )
  })
})
