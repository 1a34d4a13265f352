import { expect } from 'chai'
import { readDnsMessage } from '../../../src/sidecar/names/dns-message.ts'
import { answerFor, messageOf, optionsRecord, queryFor } from '../../support/dns-messages.ts'

/** A header with these counts, and what follows. */
function message(counts: readonly number[], ...parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(0x8180, 2)
  counts.forEach((count, index) => header.writeUInt16BE(count, 4 + 2 * index))
  return Buffer.concat([header, ...parts])
}

const labels = (...texts: readonly string[]): Buffer =>
  Buffer.concat(texts.flatMap((text) => [Buffer.from([text.length]), Buffer.from(text, 'latin1')]))
const end = Buffer.from([0])
const aInternet = Buffer.from([0, 1, 0, 1])
const question = Buffer.concat([labels('a', 'example'), end, aInternet])

describe('readDnsMessage()', () => {
  it('reads what another implementation writes', () => {
    const read = messageOf(
      answerFor(
        'API.Example.com',
        [
          { type: 'CNAME', name: 'api.example.com', ttl: 60, data: 'edge.example.net' },
          { type: 'A', name: 'edge.example.net', ttl: 30, data: '203.0.113.7' },
        ],
        { additionals: [optionsRecord] },
      ),
    )
    expect(read).to.include({ id: 1, isAnswer: true, operation: 0, isTruncated: false, code: 0 })
    expect(read.question).to.include({ name: 'api.example.com', type: 1, class: 1 })
    expect(read.answers.map(({ owner, type, ttl }) => [owner, type, ttl])).to.deep.equal([
      ['api.example.com', 5, 60],
      ['edge.example.net', 1, 30],
    ])
    expect(read.others.map(({ type }) => type)).to.deep.equal([41])
  })

  it('follows compression backwards', () => {
    const record = Buffer.concat([
      Buffer.from([0xc0, 12]),
      aInternet,
      Buffer.from([0, 0, 0, 60, 0, 4, 203, 0, 113, 7]),
    ])
    const read = messageOf(message([1, 1, 0, 0], question, record))
    expect(read.answers[0]).to.include({ owner: 'a.example', ttl: 60 })
  })

  it('takes a life with its uppermost bit set for none', () => {
    const record = Buffer.concat([
      Buffer.from([0xc0, 12]),
      aInternet,
      Buffer.from([0x80, 0, 0, 0, 0, 4, 203, 0, 113, 7]),
    ])
    expect(messageOf(message([1, 1, 0, 0], question, record)).answers[0]?.ttl).to.equal(0)
  })

  it('takes one label with a dot in it for no name, rather than for two', () => {
    const one = Buffer.concat([labels('api.example', 'com'), end, aInternet])
    expect(messageOf(message([1, 0, 0, 0], one)).question.name).to.equal(undefined)
  })

  const pointerTo = (to: number): Buffer => Buffer.from([0xc0 | (to >> 8), to & 0xff])
  const chain = Buffer.concat(
    Array.from({ length: 20 }, (_, at) => pointerTo(at === 0 ? 12 : 10 + at * 2 + question.length)),
  )
  const refused: Readonly<Record<string, Buffer>> = {
    nothing: Buffer.alloc(0),
    'half a header': Buffer.alloc(11),
    'no question': message([0, 0, 0, 0]),
    'two questions': message([2, 0, 0, 0], question, question),
    'a question that is cut off': message([1, 0, 0, 0], question.subarray(0, -1)),
    'a record that is not there': message([1, 1, 0, 0], question),
    'bytes left over': message([1, 0, 0, 0], question, end),
    'a pointer to itself': message([1, 0, 0, 0], pointerTo(12), aInternet),
    'a pointer into the header': message([1, 0, 0, 0], pointerTo(2), aInternet),
    'a pointer forwards': message([1, 0, 0, 0], pointerTo(16), aInternet, question),
    'a loop of two pointers': message([1, 0, 0, 0], pointerTo(14), pointerTo(12), aInternet),
    'a label that leads to a pointer back to it': message(
      [1, 0, 0, 0],
      labels('a'),
      pointerTo(12),
      aInternet,
    ),
    'a chain of more pointers than any name needs': message(
      [1, 1, 0, 0],
      question,
      chain,
      aInternet,
      Buffer.alloc(6),
    ),
    'a name of more than 255 bytes': message(
      [1, 0, 0, 0],
      labels(...Array.from({ length: 5 }, () => 'x'.repeat(63))),
      end,
      aInternet,
    ),
    'a label of an unknown kind': message([1, 0, 0, 0], Buffer.from([0x41, 0]), aInternet),
    'an alias longer than its record': message(
      [1, 1, 0, 0],
      question,
      pointerTo(12),
      Buffer.from([0, 5, 0, 1, 0, 0, 0, 1, 0, 1, 4]),
    ),
    'data that ends behind the message': message(
      [1, 1, 0, 0],
      question,
      pointerTo(12),
      aInternet,
      Buffer.from([0, 0, 0, 1, 0xff, 0xff, 1]),
    ),
  }
  for (const [what, bytes] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(readDnsMessage(bytes)).to.equal(undefined)
    })
  }

  it('never throws, whatever is cut off or changed', () => {
    const whole = answerFor('api.example.com', [
      { type: 'CNAME', name: 'api.example.com', ttl: 60, data: 'edge.example.net' },
      { type: 'A', name: 'edge.example.net', ttl: 30, data: '203.0.113.7' },
    ])
    for (let at = 0; at < whole.length; at++) {
      readDnsMessage(whole.subarray(0, at))
      for (const value of [0, 0x3f, 0xc0, 0xff]) {
        const changed = Buffer.from(whole)
        changed[at] = value
        readDnsMessage(changed)
      }
    }
  })

  it('reads a question as it was asked, in any case of letters', () => {
    const [one, other] = [
      messageOf(queryFor('aPi.example.com')),
      messageOf(queryFor('api.eXample.com')),
    ]
    expect(one.question.nameBytes.equals(other.question.nameBytes)).to.equal(true)
  })
})
