import { expect } from 'chai'
import { createLearnedNames } from '../../../src/sidecar/names/learned-names.ts'
import { capLives, failureFor } from '../../../src/sidecar/names/dns-reply.ts'
import { answerFor, messageOf, optionsRecord, queryFor } from '../../support/dns-messages.ts'

const address = '203.0.113.7'
const name = 'api.example.com'

function start() {
  let now = 0
  const names = createLearnedNames({ monotonic: () => now })
  return {
    names,
    learn: (of: string, ttl: number, ...addresses: readonly string[]) => {
      names.learn({ name: of, ttl, addresses })
    },
    at: (seconds: number) => {
      now = seconds * 1_000
      return names.namesOf(address)
    },
  }
}

describe('createLearnedNames()', () => {
  const lives: Readonly<Record<number, number>> = { 0: 10, 60: 70, 290: 300, 86_400: 300 }
  for (const [ttl, until] of Object.entries(lives)) {
    it(`keeps an answer of ${ttl} s for ${String(until)} s`, () => {
      const { learn, at } = start()
      learn(name, Number(ttl), address)
      expect(at(until - 0.001)).to.deep.equal([name])
      expect(at(until)).to.deep.equal([])
    })
  }

  it('keeps the longer life of two answers', () => {
    const { learn, at } = start()
    learn(name, 100, address)
    learn(name, 1, address)
    expect(at(105)).to.deep.equal([name])
  })

  it('keeps all names of one address', () => {
    const { learn, at } = start()
    learn(name, 60, address, '203.0.113.8')
    learn('cdn.example.net', 10, address)
    expect(at(0)).to.deep.equal([name, 'cdn.example.net'])
    expect(at(30)).to.deep.equal([name])
  })

  it('tells what it knows as it was told, without what is good only for who connects at once', () => {
    const { names, learn, at } = start()
    learn(name, 60, address, '203.0.113.8')
    at(20)
    learn('brief.example.com', 0, address)
    expect(names.known()).to.have.deep.members([
      { name, ttl: 40, addresses: [address] },
      { name, ttl: 40, addresses: ['203.0.113.8'] },
    ])
  })

  it('holds a bounded number of addresses and of names, the latest of them', () => {
    const { names, learn, at } = start()
    learn(name, 60, address)
    for (let index = 0; index < 5_000; index++) {
      learn('flood.example.com', 60, `2001:db8::${index.toString(16)}`)
    }
    expect(names.size).to.equal(4_096)
    expect(at(0)).to.deep.equal([])
    for (let index = 0; index < 100; index++) learn(`n${String(index)}.example.com`, 60, address)
    expect(at(0)).to.have.length(32)
    expect(at(0)).to.include('n99.example.com')
  })
})

describe('answers that programs get', () => {
  it('carry the id of the program, and no life longer than the name is kept', () => {
    const answer = messageOf(
      answerFor(
        name,
        [
          { type: 'A', name, ttl: 86_400, data: address },
          { type: 'A', name, ttl: 20, data: address },
        ],
        { additionals: [optionsRecord] },
      ),
    )
    const reply = messageOf(capLives(answer, 77))
    expect(reply.id).to.equal(77)
    expect(reply.answers.map(({ ttl }) => ttl)).to.deep.equal([290, 20])
    expect(reply.others[0]?.ttl).to.equal(0x8000)
  })

  it('say that nobody answered, where nobody did', () => {
    const reply = messageOf(failureFor(messageOf(queryFor(name, 'A', 9))))
    expect(reply).to.include({ id: 9, isAnswer: true, code: 2 })
    expect(reply.question.name).to.equal(name)
    expect(reply.answers).to.deep.equal([])
  })
})
