import { once } from 'node:events'
import {
  createServer,
  request,
  type Agent,
  type ClientRequest,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createSenderAgents } from '../../src/sidecar/http/application-agent.ts'
import { eventually } from '../support/poll.ts'

/** An application that takes requests and answers them when the test says so. */
async function startApplication() {
  const waiting: ServerResponse[] = []
  let connections = 0
  const server = createServer((_, response) => waiting.push(response))
  server.on('connection', () => (connections += 1))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    waiting,
    connections: () => connections,
    ask: (agent: Agent): ClientRequest => {
      const asked = request({ host: '127.0.0.1', port, agent }).on('error', () => undefined)
      asked.end()
      return asked
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('createSenderAgents()', () => {
  it('opens no connection for a request of a former sender that still waits when all is over', async () => {
    await using application = await startApplication()
    const agents = createSenderAgents(5_000)
    const first = application.ask(agents.of('a'))
    const second = application.ask(agents.of('a'))
    application.ask(agents.of('b'))
    await eventually('a request of each', () => application.waiting.length === 2)
    const failed = once(second, 'error')
    const answered = once(second, 'socket').then(() => {
      throw new Error('the request that waited has a connection')
    })
    agents.destroy()
    first.destroy()
    await Promise.race([failed, answered])
    expect(application.connections()).to.equal(2)
  })

  it('lets the requests of a former sender end with their answers', async () => {
    await using application = await startApplication()
    const agents = createSenderAgents(5_000)
    const asked = ['a', 'a', 'b', 'a', 'b'].map((sender) => application.ask(agents.of(sender)))
    const answers = asked.map(async (one) => {
      const [response] = (await once(one, 'response')) as [{ statusCode: number; resume(): void }]
      response.resume()
      return response.statusCode
    })
    const ended = asked.map(async () => {
      const response = await eventually('a request', () => application.waiting.shift())
      response.end()
    })
    await Promise.all(ended)
    expect(await Promise.all(answers)).to.deep.equal([200, 200, 200, 200, 200])
    agents.destroy()
  })
})
