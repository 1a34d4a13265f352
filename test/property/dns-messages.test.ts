import { expect } from 'chai'
import { decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { answeredAddresses } from '../../src/sidecar/names/answered-addresses.ts'
import { readDnsMessage } from '../../src/sidecar/names/dns-message.ts'
import { capLives } from '../../src/sidecar/names/dns-reply.ts'
import { answerFor, messageOf } from '../support/dns-messages.ts'
import { propertyRuns } from '../support/property-runs.ts'

const label = fc.stringMatching(/^[a-z0-9]{1,12}$/)
const name = fc.array(label, { minLength: 2, maxLength: 5 }).map((labels) => labels.join('.'))
const address = fc.ipV4()
const ttl = fc.nat(0x7fff_ffff)
const addresses = fc.array(fc.tuple(address, ttl), { minLength: 1, maxLength: 20 })

describe('DNS messages', () => {
  it('are read as another implementation writes them', () => {
    fc.assert(
      fc.property(name, addresses, (asked, found) => {
        const records = found.map(([data, seconds]) => {
          return { type: 'A', name: asked, ttl: seconds, data } as const
        })
        expect(answeredAddresses(messageOf(answerFor(asked, records)))).to.deep.equal({
          name: asked,
          addresses: found.map(([one]) => one),
          ttl: Math.min(...found.map(([, seconds]) => seconds)),
        })
      }),
      propertyRuns(),
    )
  })

  it('are changed in nothing but lives and id for a program', () => {
    fc.assert(
      fc.property(name, addresses, fc.nat(0xffff), (asked, found, id) => {
        const records = found.map(([data, seconds]) => {
          return { type: 'A', name: asked, ttl: seconds, data } as const
        })
        const read = decode(capLives(messageOf(answerFor(asked, records)), id))
        const expected = records.map((one) => ({ ...one, ttl: Math.min(one.ttl, 290) }))
        expect(read.id).to.equal(id)
        expect(
          read.answers?.map((one) => ('ttl' in one && 'data' in one ? [one.ttl, one.data] : [])),
        ).to.deep.equal(expected.map((one) => [one.ttl, one.data]))
      }),
      propertyRuns(),
    )
  })

  it('never throw, whatever bytes come in', () => {
    const whole = encode({
      type: 'response',
      questions: [{ name: 'api.example.com', type: 'A' }],
      answers: [
        { type: 'CNAME', name: 'api.example.com', ttl: 60, data: 'edge.example.net' },
        { type: 'A', name: 'edge.example.net', ttl: 60, data: '203.0.113.7' },
      ],
    })
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
    const damaged = fc.array(change, { minLength: 1, maxLength: 8 }).map((changes) => {
      const bytes = Buffer.from(whole)
      for (const [at, octet] of changes) bytes[at] = octet
      return bytes
    })
    const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(damaged, noise), (bytes) => {
        const message = readDnsMessage(bytes)
        if (message === undefined) return
        answeredAddresses(message)
        expect(capLives(message, 1).length).to.equal(bytes.length)
      }),
      propertyRuns(500),
    )
  })
})
