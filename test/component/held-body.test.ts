import { once } from 'node:events'
import { createServer, request, type ClientRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import {
  createBodyMemory,
  emptyBody,
  holdBody,
  mostHeldBytes,
  type BodyMemory,
  type BodyRefusal,
  type HeldBody,
} from '../../src/sidecar/http/held-body.ts'
import { eventually } from '../support/poll.ts'

interface Setting extends AsyncDisposable {
  /** What has come of each body, in order. */
  readonly held: (HeldBody | BodyRefusal)[]
  post(): ClientRequest
}

/** A server that holds every body, and answers when `answer` lets it. */
async function start(memory: BodyMemory, answer = Promise.resolve()): Promise<Setting> {
  const held: Setting['held'] = []
  const server = createServer((incoming, response) => {
    void holdBody(incoming, response, memory).then(async (body) => {
      held.push(body)
      await answer
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    held,
    post: () => {
      const made = request({ host: '127.0.0.1', port, method: 'POST', agent: false })
      made.on('error', () => undefined)
      return made
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function finish(made: ClientRequest, body: string | Buffer): Promise<void> {
  made.end(body)
  const [response] = (await once(made, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
}

describe('holdBody()', () => {
  it('holds what fits, with its digest, and the beginning of what is longer', async () => {
    await using test = await start(createBodyMemory())
    await finish(test.post(), '')
    await finish(test.post(), 'hello')
    const long = test.post()
    long.setHeader('Transfer-Encoding', 'chunked')
    await finish(long, Buffer.alloc(mostHeldBytes + 1))
    const [none, short, beginning] = test.held
    expect(none).to.equal(emptyBody)
    if (typeof short !== 'object' || typeof beginning !== 'object') throw new Error('expected both')
    expect(Buffer.concat(short.chunks).toString()).to.equal('hello')
    // printf hello | openssl dgst -sha256 -binary | basenc --base64url
    expect(short.hash).to.equal('LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ')
    expect(beginning.hash).to.equal(undefined)
    expect(Buffer.concat(beginning.chunks).length).to.be.greaterThan(mostHeldBytes)
  })

  it('holds nothing of a body that says how long it is, and is too long', async () => {
    await using test = await start(createBodyMemory())
    const made = test.post()
    made.setHeader('Content-Length', mostHeldBytes + 1)
    made.write('x')
    await eventually('the refusal to hold', () => test.held.length === 1)
    expect(test.held[0]).to.deep.equal({ chunks: [], hash: undefined })
    made.destroy()
  })

  it('takes no more than there is room for, and gives it back with the answer', async () => {
    const memory = createBodyMemory(10)
    const { promise, resolve } = Promise.withResolvers<undefined>()
    await using test = await start(memory, promise)
    const first = finish(test.post(), '12345678')
    await eventually('the first', () => test.held.length === 1)
    const second = finish(test.post(), '12345678')
    await eventually('the second', () => test.held.length === 2)
    expect(test.held[1]).to.equal('limit-reached')
    resolve(undefined)
    await Promise.all([first, second])
    await finish(test.post(), '1234567890')
    expect(test.held[2]).to.be.an('object')
  })

  it('gives it back where the sender goes away', async () => {
    const memory = createBodyMemory(10)
    await using test = await start(memory)
    const made = test.post()
    made.setHeader('Content-Length', 9)
    made.write('12345')
    await eventually('the first bytes', () => {
      const isFree = memory.take(6)
      if (isFree) memory.give(6)
      return !isFree
    })
    made.destroy()
    await eventually('its end', () => test.held.length === 1)
    expect(test.held[0]).to.equal('connection-reset')
    expect(memory.take(10)).to.equal(true)
  })
})
