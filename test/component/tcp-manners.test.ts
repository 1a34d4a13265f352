import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { initialWindow } from '../../src/tunnel/frame.ts'
import { defaultLimits } from '../../src/tunnel/limits.ts'
import { startBothWays, watchEnd, type BothWays, type End, type Way } from '../support/both-ways.ts'
import { startDeafProgram } from '../support/deaf-program.ts'
import {
  allowWebToDb,
  connectClient,
  recordingLogger,
  startApplication,
  startMesh,
  type TestMesh,
} from '../support/mesh-fixture.ts'
import { keptBufferBytes } from '../support/kept-memory.ts'
import { eventually } from '../support/poll.ts'
import { stalled } from '../support/stalled.ts'

/** Both ends of one connection, opened when the program has it. */
interface Ends {
  readonly client: End
  readonly server: End
}

/** What both programs have seen in the end. */
type Seen = readonly [text: string, ending: string]

/** Something that two programs do to each other. */
interface Manner {
  readonly name: string
  /** A first byte each way, so that nothing of what follows overtakes the opening. */
  readonly greets?: true
  act(ends: Ends): Promise<void> | void
  readonly client: Seen
  readonly server: Seen
}

/** With the reset behind it, within one TLS record. */
const large = 'x'.repeat(12 * 1024)
const huge = 'y'.repeat(2 * 1024 * 1024)

const manners: readonly Manner[] = [
  {
    name: 'a client that ends first still receives',
    act: async ({ client, server }) => {
      client.socket.end('question')
      await server.ended
      server.socket.write('ans')
      server.socket.end('wer')
    },
    client: ['answer', 'end'],
    server: ['question', 'end'],
  },
  {
    name: 'a server that ends first still receives',
    act: async ({ client, server }) => {
      server.socket.end('banner')
      await client.ended
      client.socket.write('late ')
      client.socket.end('words')
    },
    client: ['banner', 'end'],
    server: ['late words', 'end'],
  },
  {
    name: 'a client that ends first still receives much',
    act: async ({ client, server }) => {
      client.socket.end('question')
      await server.ended
      server.socket.end(huge)
    },
    client: [huge, 'end'],
    server: ['question', 'end'],
  },
  {
    name: 'both end at the same time',
    act: ({ client, server }) => {
      client.socket.end('ping')
      server.socket.end('pong')
    },
    client: ['pong', 'end'],
    server: ['ping', 'end'],
  },
  {
    name: 'nothing is said at all',
    act: ({ client, server }) => {
      client.socket.end()
      server.socket.end()
    },
    client: ['', 'end'],
    server: ['', 'end'],
  },
  {
    name: 'a client sends and closes at once',
    act: ({ client, server }) => {
      client.socket.end(huge)
      client.socket.destroySoon()
      server.socket.on('end', () => server.socket.end())
    },
    client: ['', 'closed'],
    server: [huge, 'end'],
  },
  {
    name: 'a server sends and closes at once',
    act: ({ client, server }) => {
      server.socket.end(huge)
      server.socket.destroySoon()
      client.socket.on('end', () => client.socket.end())
    },
    client: [huge, 'end'],
    server: ['', 'closed'],
  },
  {
    name: 'a client resets',
    act: ({ client }) => {
      client.socket.resetAndDestroy()
    },
    client: ['', 'closed'],
    server: ['', 'reset'],
  },
  {
    name: 'a server resets',
    act: ({ server }) => {
      server.socket.resetAndDestroy()
    },
    client: ['', 'reset'],
    server: ['', 'closed'],
  },
  ...['a few bytes', large].flatMap((text): Manner[] => [
    {
      name: `a client sends ${String(text.length)} bytes and resets at once`,
      greets: true,
      act: ({ client }) => {
        client.socket.write(text)
        client.socket.resetAndDestroy()
      },
      client: ['<', 'closed'],
      server: [`>${text}`, 'reset'],
    },
    {
      name: `a server sends ${String(text.length)} bytes and resets at once`,
      greets: true,
      act: ({ server }) => {
        server.socket.write(text)
        server.socket.resetAndDestroy()
      },
      client: [`<${text}`, 'reset'],
      server: ['>', 'closed'],
    },
  ]),
  {
    name: 'a client ends, and is gone when the server answers',
    act: async ({ client, server }) => {
      client.socket.end()
      await server.ended
      client.socket.destroy()
      await eventually('the answer to be refused', () => {
        server.socket.write('answer')
        return server.socket.destroyed
      })
    },
    client: ['', 'closed'],
    server: ['', 'end'],
  },
  {
    name: 'a server ends, and is gone when the client goes on',
    act: async ({ client, server }) => {
      server.socket.end()
      await client.ended
      server.socket.destroy()
      await eventually('the next words to be refused', () => {
        client.socket.write('more')
        return client.socket.destroyed
      })
    },
    client: ['', 'end'],
    server: ['', 'closed'],
  },
  {
    name: 'a server closes without having read what was sent',
    greets: true,
    act: async ({ client, server }) => {
      server.socket.pause()
      client.socket.write(huge)
      // As much as Node reads ahead; there is more of it in the kernel.
      await eventually('bytes that nobody reads', () => server.socket.readableLength >= 65_536)
      server.socket.destroy()
    },
    client: ['<', 'reset'],
    server: ['>', 'closed'],
  },
]

async function greet({ client, server }: Ends): Promise<void> {
  client.socket.write('>')
  server.socket.write('<')
  await eventually('the greetings', () => client.text() === '<' && server.text() === '>')
}

async function seenOf(
  both: BothWays,
  way: Way,
  manner: Manner,
): Promise<Readonly<Record<keyof Ends, Seen>>> {
  const [client, socket] = await Promise.all([both.connect(way), both.next()])
  const server = watchEnd(socket)
  if (manner.greets === true) await greet({ client, server })
  await manner.act({ client, server })
  const seen = { client: await client.seen(), server: await server.seen() }
  socket.destroy()
  client.socket.destroy()
  return seen
}

const stormSize = 400
const idleCount = 500
const stalledCount = 8
const offered = Buffer.alloc(24 * 1024 * 1024, 'z')
/**
 * What two sidecars may keep: of each connection a window on the way and what waits for its socket,
 * and what windows may grow by before their readers fall asleep, as queues that are half empty.
 */
const mostKeptBytes = stalledCount * 2 * initialWindow + 1.5 * defaultLimits.maxGrownBytes

describe('two programs see of each other the same, straight and through two sidecars, when', function () {
  this.timeout(60_000)

  let both: BothWays
  before(async () => {
    both = await startBothWays()
  })
  after(async () => {
    await both[Symbol.asyncDispose]()
  })

  for (const manner of manners) {
    it(manner.name, async () => {
      for (const way of both.ways) {
        const { client, server } = await seenOf(both, way, manner)
        expect(brief(client), `client, ${way.name}`).to.deep.equal(brief(manner.client))
        expect(brief(server), `server, ${way.name}`).to.deep.equal(brief(manner.server))
      }
    })
  }

  for (const [what, text] of [
    ['connects and closes', ''],
    ['connects, sends a little and closes', 'hello'],
    ['connects, sends much and closes', huge],
  ] as const) {
    it(`a client ${what} at once`, async () => {
      for (const way of both.ways) {
        const client = await both.connect(way)
        client.socket.end(text)
        client.socket.destroySoon()
        const server = watchEnd(await both.next())
        expect(brief(await server.seen()), way.name).to.deep.equal(brief([text, 'end']))
        server.socket.destroy()
      }
    })
  }

  it(`${String(stormSize)} clients connect at once`, async () => {
    for (const way of both.ways) {
      const words = Array.from({ length: stormSize }, (_, index) => `client ${String(index)}`)
      const answers = words.map(async (word) => {
        const client = await both.connect(way)
        client.socket.end(word)
        return await client.seen()
      })
      for (let count = 0; count < stormSize; count++) {
        const socket = await both.next()
        socket.pipe(socket)
      }
      expect(await Promise.all(answers), way.name).to.deep.equal(words.map((word) => [word, 'end']))
    }
  })

  it(`${String(idleCount)} connections say nothing for a while, and then a word`, async () => {
    for (const way of both.ways) {
      const open: { readonly client: End; readonly served: Socket }[] = []
      for (let count = 0; count < idleCount; count++) {
        const [client, served] = await Promise.all([both.connect(way), both.next()])
        open.push({ client, served })
      }
      for (const { client, served } of open) {
        served.pipe(served)
        client.socket.end('awake')
      }
      const seen = await Promise.all(open.map(async ({ client }) => await client.seen()))
      expect(seen, way.name).to.deep.equal(open.map(() => ['awake', 'end']))
    }
  })

  for (const reader of ['client', 'server'] as const) {
    it(`the ${reader} does not read, and nobody keeps what waits for it`, async () => {
      for (const way of both.ways) await stallAll(both, way, reader)
    })
  }
})

/** Lets connections stall, looks at the memory of the process (both sidecars are in it), and lets them go on. */
async function stallAll(both: BothWays, way: Way, who: 'client' | 'server'): Promise<void> {
  const keptBefore = keptBufferBytes()
  const pairs = await Promise.all(
    Array.from({ length: stalledCount }, async () => {
      const [{ socket: client }, server] = await Promise.all([both.connect(way), both.next()])
      return who === 'client'
        ? { reader: client, writer: server }
        : { reader: server, writer: client }
    }),
  )
  for (const { reader, writer } of pairs) {
    reader.pause()
    writer.end(offered)
  }
  await eventually('the writers to stall', () => pairs.every(({ writer }) => stalled(writer)))
  for (const { writer } of pairs) expect(writer.writableLength, way.name).to.be.greaterThan(0)
  expect(keptBufferBytes() - keptBefore, way.name).to.be.lessThan(mostKeptBytes)

  // Who does read is served meanwhile.
  const [other, served] = await Promise.all([both.connect(way), both.next()])
  served.pipe(served)
  other.socket.end('quick')
  expect(await other.seen(), way.name).to.deep.equal(['quick', 'end'])

  await Promise.all(
    pairs.map(async ({ reader, writer }) => {
      expect(await countToEnd(reader), way.name).to.equal(offered.length)
      reader.destroy()
      writer.destroy()
    }),
  )
}

async function countToEnd(socket: Socket): Promise<number> {
  let count = 0
  socket.removeAllListeners('data').on('data', (bytes: Buffer) => {
    count += bytes.length
  })
  socket.resume()
  await once(socket, 'end')
  return count
}

describe('where a connection cannot be, a client sees', function () {
  this.timeout(30_000)

  it('a refusal straight, and a reset through two sidecars, when no program listens', async () => {
    const gone = await startApplication()
    await gone[Symbol.asyncDispose]()
    await using mesh = await startMesh({ application: gone.address })
    expect(await connectClient(gone.address, 'hello').ended).to.equal('ECONNREFUSED')
    const client = connectClient(mesh.entrance, 'hello')
    expect([await client.ended, client.text()]).to.deep.equal(['ECONNRESET', ''])
    await recorded(mesh, 'application-refused')
  })

  it('no answer straight, and a reset in time through two sidecars, when the program takes none', async () => {
    await using deaf = await startDeafProgram()
    await using mesh = await startMesh({
      application: deaf.address,
      environment: { BLAZON_APPLICATION_TIMEOUT: '1s' },
    })
    const straight = connectClient(deaf.address, 'hello')
    const client = connectClient(mesh.entrance, 'hello')
    expect([await client.ended, client.text()]).to.deep.equal(['ECONNRESET', ''])
    expect(straight.socket.connecting).to.equal(true)
    straight.socket.destroy()
    await recorded(mesh, 'application-timeout')
  })

  it('a reset when policy denies, of which the program never hears', async () => {
    await using mesh = await startMesh({ policy: allowWebToDb.replace('app: web', 'app: nobody') })
    const client = connectClient(mesh.entrance, 'hello')
    expect([await client.ended, client.text()]).to.deep.equal(['ECONNRESET', ''])
    await recorded(mesh, 'no-policy-matched')
    expect(mesh.application.sockets).to.be.empty
  })

  it('a refusal straight, and a reset through its sidecar, when there is no peer', async () => {
    await using mesh = await startMesh()
    await mesh.db[Symbol.asyncDispose]()
    expect(await connectClient(mesh.ingress, 'hello').ended).to.equal('ECONNREFUSED')
    const client = connectClient(mesh.entrance, 'hello')
    expect([await client.ended, client.text()]).to.deep.equal(['ECONNRESET', ''])
    await recorded(mesh, 'no-tunnel')
  })

  it('nothing when it resets at once, and the program need not hear of it', async () => {
    const log = recordingLogger()
    const heard: End[] = []
    await using mesh = await startMesh({ log, onSocket: (socket) => heard.push(watchEnd(socket)) })
    const client = connectClient(mesh.entrance)
    client.socket.on('connect', () => client.socket.resetAndDestroy())
    expect(await client.ended).to.equal('close')
    await eventually('the end of it', () => log.of('connection').length > 0)
    for (const { ended } of heard) expect(await ended).to.equal('reset')
  })
})

async function recorded(mesh: TestMesh, reason: string): Promise<void> {
  await eventually(`a flow record with ${reason}`, () =>
    mesh.controller.records.some((record) => record.reason === reason),
  )
}

/** Text that a person can read where it differs. */
function brief([text, ending]: Seen): Seen {
  return [text.length < 100 ? text : `${text.slice(0, 20)}... ${String(text.length)}`, ending]
}
