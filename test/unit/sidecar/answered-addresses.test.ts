import { expect } from 'chai'
import type { Answer } from 'dns-packet'
import { answeredAddresses } from '../../../src/sidecar/names/answered-addresses.ts'
import { answerFor, messageOf } from '../../support/dns-messages.ts'

const name = 'api.example.com'
const a = (owner: string, data: string, ttl = 60): Answer => ({ type: 'A', name: owner, ttl, data })
const alias = (owner: string, data: string, ttl = 60): Answer => ({
  ...{ type: 'CNAME', name: owner, ttl, data },
})

describe('answeredAddresses()', () => {
  it('finds all addresses of the name', () => {
    const answer = answerFor(name, [a(name, '203.0.113.7'), a(name, '203.0.113.8', 20)])
    expect(answeredAddresses(messageOf(answer))).to.deep.equal({
      name,
      addresses: ['203.0.113.7', '203.0.113.8'],
      ttl: 20,
    })
    const six = answerFor(name, [{ type: 'AAAA', name, ttl: 9, data: '2001:DB8:0:0::1' }])
    expect(answeredAddresses(messageOf(six))).to.deep.include({
      addresses: ['2001:db8::1'],
      ttl: 9,
    })
  })

  it('follows aliases in any order, and lives no longer than the shortest of them', () => {
    const answer = answerFor(name, [
      a('c.example.org', '203.0.113.7'),
      alias('b.example.net', 'c.example.org', 5),
      alias(name, 'B.example.net'),
    ])
    expect(answeredAddresses(messageOf(answer))).to.deep.equal({
      name,
      addresses: ['203.0.113.7'],
      ttl: 5,
    })
  })

  const nothing: Readonly<Record<string, Buffer>> = {
    'records about another name': answerFor(name, [a('other.example.com', '203.0.113.7')]),
    'an address beside an alias': answerFor(name, [
      alias(name, 'edge.example.net'),
      a(name, '203.0.113.7'),
    ]),
    'an alias that leads nowhere': answerFor(name, [alias(name, 'edge.example.net')]),
    'aliases in a circle': answerFor(name, [
      alias(name, 'edge.example.net'),
      alias('edge.example.net', name),
      a(name, '203.0.113.7'),
    ]),
    'more aliases than anybody has': answerFor(name, [
      ...Array.from({ length: 20 }, (_, at) =>
        alias(at === 0 ? name : `n${String(at)}.example.com`, `n${String(at + 1)}.example.com`),
      ),
      a('n20.example.com', '203.0.113.7'),
    ]),
    'addresses in the additional section': answerFor(name, [], {
      additionals: [a(name, '203.0.113.7')],
    }),
    'an answer that was cut': answerFor(name, [a(name, '203.0.113.7')], { flags: 0x8380 }),
    'an error': answerFor(name, [a(name, '203.0.113.7')], { flags: 0x8183 }),
    'another class': answerFor(name, [{ ...a(name, '203.0.113.7'), class: 'CH' } as Answer]),
    'an answer to a question for something else': answerFor(name, [a(name, '203.0.113.7')], {
      questions: [{ name, type: 'TXT' }],
    }),
  }
  for (const [what, answer] of Object.entries(nothing)) {
    it(`finds nothing in ${what}`, () => {
      expect(answeredAddresses(messageOf(answer))).to.equal(undefined)
    })
  }
})
