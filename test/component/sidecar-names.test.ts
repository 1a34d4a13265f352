import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { decode, type Packet } from 'dns-packet'
import { systemClock } from '../../src/base/clock.ts'
import type { HostPort } from '../../src/base/env.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { AnsweredAddresses } from '../../src/sidecar/names/answered-addresses.ts'
import { createMessageReader, framed } from '../../src/sidecar/names/dns-stream.ts'
import { openNameDoor } from '../../src/sidecar/names/name-door.ts'
import { createNameService, type NameService } from '../../src/sidecar/names/name-service.ts'
import { queryFor } from '../support/dns-messages.ts'
import {
  startResolver,
  wholeAnswer,
  type Asked,
  type FakeResolver,
} from '../support/fake-resolver.ts'
import { onPortFreeTwice } from '../support/free-ports.ts'
import { eventually } from '../support/poll.ts'

const name = 'api.example.com'
const address = '203.0.113.7'

function serviceOf(
  resolvers: readonly FakeResolver[],
  isOfInterest: (name: string) => boolean = () => true,
): NameService {
  return createNameService({
    resolvers: resolvers.map((one) => one.address),
    isOfInterest,
    clock: { monotonic: () => performance.now() },
  })
}

async function startBoth(): Promise<
  AsyncDisposable & { readonly resolver: FakeResolver; readonly names: NameService }
> {
  const resolver = await startResolver()
  resolver.addresses.set(name, [address])
  const names = serviceOf([resolver])
  return {
    resolver,
    names,
    [Symbol.asyncDispose]: async () => {
      names[Symbol.dispose]()
      await resolver[Symbol.asyncDispose]()
    },
  }
}

async function ask(names: NameService, query = queryFor(name)): Promise<Packet> {
  const answer = await names.answer(query, 'udp')
  if (answer === undefined) throw new Error('expected an answer')
  return decode(answer)
}

/** Whether an answer says SERVFAIL. */
function failed({ flags = 0 }: Packet): boolean {
  return (flags & 0xf) === 2
}

async function askUdp(to: HostPort, query: Buffer): Promise<Packet> {
  const socket = createSocket('udp4')
  try {
    socket.send(query, to.port, to.host)
    const [answer] = (await once(socket, 'message')) as [Buffer]
    return decode(answer)
  } finally {
    socket.close()
  }
}

describe('names', () => {
  it('are told to others before the program has its answer', async () => {
    await using resolver = await startResolver()
    resolver.addresses.set(name, [address])
    const told = Promise.withResolvers<AnsweredAddresses>()
    const heard = Promise.withResolvers<undefined>()
    using names = createNameService({
      resolvers: [resolver.address],
      isOfInterest: () => true,
      onLearned: async (answer) => {
        told.resolve(answer)
        await heard.promise
      },
      clock: systemClock,
    })
    let isAnswered = false
    const asked = ask(names).then(() => (isAnswered = true))
    expect(await told.promise).to.deep.include({ name, addresses: [address] })
    expect(isAnswered).to.equal(false)
    heard.resolve(undefined)
    await asked
    using other = serviceOf([])
    for (const answer of names.known()) other.learn(answer)
    expect(other.namesOf(address)).to.deep.equal([name])
  })

  it('are known by the answer to the own query of the sidecar, before the program has it', async () => {
    await using both = await startBoth()
    const answer = await ask(both.names, queryFor(name, 'A', 4_711))
    expect(answer.id).to.equal(4_711)
    expect(answer.answers?.[0]).to.include({ data: address })
    expect(both.names.namesOf(address)).to.deep.equal([name])
    expect(both.names.namesOf('203.0.113.8')).to.deep.equal([])
  })

  it('are asked for under an id and from a port of their own', async () => {
    await using both = await startBoth()
    for (let count = 0; count < 8; count++) await ask(both.names, queryFor(name, 'A', 7))
    const distinct = (of: (asked: Asked) => unknown): number =>
      new Set(both.resolver.asked.map(of)).size
    expect(distinct(({ packet }) => packet.id)).to.be.greaterThan(4)
    expect(distinct(({ from }) => from?.port)).to.be.greaterThan(4)
  })

  it('that nothing goes by are answered and not kept', async () => {
    await using resolver = await startResolver()
    resolver.addresses.set(name, [address])
    using names = serviceOf([resolver], () => false)
    expect((await ask(names)).answers).to.have.length(1)
    expect(names.namesOf(address)).to.deep.equal([])
  })

  it('are asked for at the next resolver where the first says nothing', async () => {
    await using deaf = await startResolver()
    deaf.onQuery = () => undefined
    await using resolver = await startResolver()
    resolver.addresses.set(name, [address])
    using names = serviceOf([deaf, resolver])
    await ask(names)
    expect(names.namesOf(address)).to.deep.equal([name])
  })

  it('that no resolver answers for are said to be a failure, and stay unknown', async () => {
    const gone = await startResolver()
    await gone[Symbol.asyncDispose]()
    using names = serviceOf([gone])
    expect(failed(await ask(names))).to.equal(true)
    expect(names.namesOf(address)).to.deep.equal([])
  })

  it('that are cut short are not learned, and are by TCP', async () => {
    await using both = await startBoth()
    both.resolver.onQuery = ({ packet, transport, send }) => {
      send(wholeAnswer(both.resolver, packet, transport === 'udp' ? { flags: 0x8380 } : {}))
    }
    expect((await ask(both.names)).flags).to.equal(0x0380)
    expect(both.names.namesOf(address)).to.deep.equal([])
    await both.names.answer(queryFor(name), 'tcp')
    expect(both.names.namesOf(address)).to.deep.equal([name])
    expect(await both.names.lookUp(name)).to.deep.equal([address])
  })

  it('of the configuration are looked up, IPv6 where there is no IPv4', async () => {
    await using both = await startBoth()
    both.resolver.addresses.set('six.example.com', ['2001:db8::7'])
    expect(await both.names.lookUp(name)).to.deep.equal([address])
    expect(await both.names.lookUp('six.example.com')).to.deep.equal(['2001:db8::7'])
    expect(await both.names.lookUp('none.example.com')).to.deep.equal([])
    expect(both.names.namesOf('2001:db8::7')).to.deep.equal(['six.example.com'])
  })

  describe('are not believed', () => {
    const evil = '198.51.100.66'
    const forge = (packet: Packet, change: Partial<Packet>): Buffer =>
      wholeAnswer(
        {
          addresses: new Map([
            [name, [evil]],
            ['other.example.com', [evil]],
          ]),
          ttl: 300,
        } as never,
        packet,
        change,
      )
    const forgeries: Readonly<Record<string, (packet: Packet) => Buffer>> = {
      'under another id': (packet) => forge(packet, { id: ((packet.id ?? 0) + 1) % 65_536 }),
      'in answer to another question': (packet) =>
        forge(packet, { questions: [{ name: 'other.example.com', type: 'A' }] }),
      'in answer to a question of another type': (packet) =>
        forge(packet, { questions: [{ name, type: 'AAAA' }] }),
      'in what is no answer': (packet) => forge(packet, { type: 'query', flags: 0x0100 }),
      'without a question': (packet) => forge(packet, { questions: [] }),
      'in what is no message': () => Buffer.from('not a message'),
    }
    for (const [how, forged] of Object.entries(forgeries)) {
      it(`${how}, and the true answer is still waited for`, async () => {
        await using both = await startBoth()
        both.resolver.onQuery = ({ packet, send }) => {
          send(forged(packet))
          send(wholeAnswer(both.resolver, packet))
        }
        expect((await ask(both.names)).answers?.[0]).to.include({ data: address })
        expect(both.names.namesOf(evil)).to.deep.equal([])
        expect(both.names.namesOf(address)).to.deep.equal([name])
      })
    }

    it('from anybody but the resolver that was asked, even with everything else right', async () => {
      await using both = await startBoth()
      await using forger = await startResolver()
      both.resolver.onQuery = ({ packet, from, send }) => {
        if (from === undefined) throw new Error('expected a datagram')
        forger.socket.send(forge(packet, {}), from.port, from.address, () => {
          send(wholeAnswer(both.resolver, packet))
        })
      }
      expect((await ask(both.names)).answers?.[0]).to.include({ data: address })
      expect(both.names.namesOf(evil)).to.deep.equal([])
    })

    it('by TCP where they answer something else', async () => {
      await using both = await startBoth()
      both.resolver.onQuery = ({ packet, send }) => {
        send(forge(packet, { id: ((packet.id ?? 0) + 1) % 65_536 }))
      }
      const answer = await both.names.answer(queryFor(name), 'tcp')
      expect(answer !== undefined && failed(decode(answer))).to.equal(true)
      expect(both.names.namesOf(evil)).to.deep.equal([])
    })
  })

  describe('asked for by programs', () => {
    const open = async (names: Pick<NameService, 'answer'>) =>
      await onPortFreeTwice(() => openNameDoor({ host: '127.0.0.1', port: 0 }, names, silentLogger))
    const first = ([one]: readonly HostPort[]): HostPort => {
      if (one === undefined) throw new Error('BUG: no address')
      return one
    }

    it('come by UDP and TCP, several on one connection', async () => {
      await using both = await startBoth()
      const door = await open(both.names)
      const to = first(door.addresses)
      expect((await askUdp(to, queryFor(name))).answers).to.have.length(1)
      const socket = connect(to)
      const answers: Packet[] = []
      const onMessage = (bytes: Buffer): void => {
        answers.push(decode(bytes))
      }
      socket.on(
        'data',
        createMessageReader({ mostBytes: 65_535, onMessage, onTooLong: () => undefined }),
      )
      socket.end(Buffer.concat([framed(queryFor(name, 'A', 1)), framed(queryFor(name, 'A', 2))]))
      await once(socket, 'close')
      expect(answers.map(({ id }) => id)).to.deep.equal([1, 2])
      expect(both.resolver.asked.map(({ transport }) => transport)).to.deep.equal([
        'udp',
        'tcp',
        'tcp',
      ])
      await door.stop()
    })

    it('by TCP get no further answers while those before are not read', async () => {
      const answer = Buffer.alloc(60_000)
      let answered = 0
      const names = {
        answer: () => {
          answered++
          return Promise.resolve(answer)
        },
      }
      const door = await open(names)
      const socket = connect(first(door.addresses)).pause()
      socket.write(Buffer.concat(Array.from({ length: 2_000 }, () => framed(queryFor(name)))))
      await eventually('answers', () => answered > 10)
      for (let before = 0; before < answered;) {
        before = answered
        await setTimeout(100)
      }
      // What fits between the two ends: the kernel's buffers, and one answer that waits.
      expect(answered).to.be.below(1_000)
      socket.destroy()
      await door.stop()
    })

    const bad: Readonly<Record<string, Buffer>> = {
      nothing: Buffer.alloc(0),
      noise: Buffer.alloc(40, 0xff),
      'an answer': wholeAnswer({ addresses: new Map(), ttl: 1 } as never, decode(queryFor(name))),
      'more than a query can be': Buffer.concat([queryFor(name), Buffer.alloc(5_000)]),
    }
    for (const [what, bytes] of Object.entries(bad)) {
      it(`go nowhere where they are ${what}`, async () => {
        await using both = await startBoth()
        const door = await open(both.names)
        const to = first(door.addresses)
        const socket = connect(to)
        socket.on('error', () => undefined).resume()
        socket.write(framed(bytes))
        const udp = createSocket('udp4')
        udp.send(bytes, to.port, to.host)
        await once(socket, 'close')
        udp.close()
        expect((await askUdp(to, queryFor(name))).answers).to.have.length(1)
        expect(both.resolver.asked).to.have.length(1)
        await door.stop()
      })
    }

    it('are refused beyond a number under way, and go on once it is less', async () => {
      await using both = await startBoth()
      const held: Asked[] = []
      both.resolver.onQuery = (asked) => {
        held.push(asked)
      }
      const waiting = Array.from({ length: 256 }, async () => await ask(both.names))
      await eventually('the queries to arrive', () => held.length === 256)
      expect(failed(await ask(both.names))).to.equal(true)
      for (const { packet, send } of held) send(wholeAnswer(both.resolver, packet))
      await Promise.all(waiting)
      both.resolver.onQuery = undefined
      expect((await ask(both.names)).answers).to.have.length(1)
    })
  })
})
