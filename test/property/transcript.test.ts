import fc from 'fast-check'
import { expect } from 'chai'
import {
  attestTranscript,
  renewTranscript,
  type AttestTranscript,
  type RenewTranscript,
} from '../../src/attest/transcript.ts'
import { propertyRuns } from '../support/property-runs.ts'

// Short, and out of few letters, so that neighbouring parts often could be read as one another.
const bytes = fc.array(fc.constantFrom(0, 1, 32), { maxLength: 3 }).map((list) => Buffer.from(list))
const hex = (length: number): fc.Arbitrary<string> =>
  fc.constantFrom('00', '01').map((pair) => pair.repeat(length))
const head = {
  trustDomain: fc.constantFrom('', 'a', 'aa', 'acme.example'),
  controllerKeySha256: hex(32),
  nonce: bytes,
  subject: bytes,
  csr: bytes,
}
const enrolment: fc.Arbitrary<AttestTranscript> = fc.record({
  ...head,
  evidence: bytes,
  nodeKey: bytes,
})
const renewal: fc.Arbitrary<RenewTranscript> = fc.record({ ...head, serial: hex(16) })

const asText = (input: object): string => JSON.stringify(Object.entries(input).sort())

describe('transcripts', () => {
  it('differ wherever what was signed differs', () => {
    const check = (one: AttestTranscript, other: AttestTranscript): void => {
      const isSame = attestTranscript(one).equals(attestTranscript(other))
      expect(isSame).to.equal(asText(one) === asText(other))
    }
    fc.assert(fc.property(enrolment, enrolment, check), propertyRuns())
  })

  it('of renewals differ wherever what was signed differs', () => {
    const check = (one: RenewTranscript, other: RenewTranscript): void => {
      const isSame = renewTranscript(one).equals(renewTranscript(other))
      expect(isSame).to.equal(asText(one) === asText(other))
    }
    fc.assert(fc.property(renewal, renewal, check), propertyRuns())
  })

  it('differ in a single part', () => {
    const parts = fc.constantFrom('nonce', 'evidence', 'subject', 'csr', 'nodeKey')
    const check = (input: AttestTranscript, part: 'nonce', value: Buffer): void => {
      const isSame = attestTranscript(input).equals(attestTranscript({ ...input, [part]: value }))
      expect(isSame).to.equal(input[part].equals(value))
    }
    fc.assert(fc.property(enrolment, parts as fc.Arbitrary<'nonce'>, bytes, check), propertyRuns())
  })

  it('of an enrolment and of a renewal are never the same', () => {
    const check = (one: AttestTranscript, other: RenewTranscript): void => {
      expect(attestTranscript(one).equals(renewTranscript(other))).to.equal(false)
    }
    fc.assert(fc.property(enrolment, renewal, check), propertyRuns())
  })
})
