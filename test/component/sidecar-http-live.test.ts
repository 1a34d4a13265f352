import { expect } from 'chai'
import {
  echoUpgrades,
  handshake,
  ingressRecord,
  keptRequest,
  requestsOfWeb,
  startHttpMesh,
  type HttpMesh,
} from '../support/http-mesh.ts'
import { allowWebToDb, connectClient, startMesh, type TestMesh } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'

const anything = requestsOfWeb("[{ paths: ['/**'] }]")
const onlyA = requestsOfWeb("[{ paths: ['/a'] }]")

/** Puts a policy in force at both ends and waits until both have taken it. */
async function change({ controller, port }: TestMesh, policy: string): Promise<void> {
  const version = controller.setPolicy(policy.replaceAll('PORT', String(port)))
  await Promise.all(['web', 'db'].map((name) => controller.taken(name, version)))
}

async function openRequest(mesh: HttpMesh): Promise<ReturnType<typeof connectClient>> {
  const client = connectClient(mesh.entrance, keptRequest('/a'))
  await eventually('an answer', () => client.text().includes('200 OK'))
  return client
}

describe('a change of http rules', () => {
  it('holds for the next request on an open connection', async () => {
    await using mesh = await startHttpMesh({ policy: anything })
    const client = await openRequest(mesh)
    await change(mesh, onlyA)
    client.socket.write(keptRequest('/b'))
    await eventually('a refusal', () => client.text().includes('403 Forbidden'))
    await change(mesh, anything)
    client.socket.write(keptRequest('/b'))
    await eventually('an answer', () => client.text().match(/200 OK/g)?.length === 2)
    client.socket.destroy()
  })

  it('ends a WebSocket that they do not allow any more, with the reason at both ends', async () => {
    await using mesh = await startHttpMesh({ policy: anything, prepareServer: echoUpgrades })
    const client = connectClient(mesh.entrance, handshake())
    await eventually('the handshake', () => client.text().includes('101'))
    await change(mesh, anything.replace('web-to-db', 'another'))
    client.socket.write('hello')
    await eventually('the echo', () => client.text().endsWith('hello'))
    await change(mesh, onlyA)
    expect(await client.ended).to.equal('ECONNRESET')
    await eventually('its end behind', () => mesh.taken.every(({ closed }) => closed))
    const fits = { verdict: 'DENY', reason: 'no-policy-matched', opened: 0, closed: 1 }
    for (const direction of ['EGRESS', 'INGRESS']) {
      const record = await eventually(`the record of the ${direction}`, () =>
        mesh.controller.records.find((one) => one.direction === direction && one.closed === 1),
      )
      expect(record).to.include(fits)
    }
  })

  it('ends an answer that is still streaming, and leaves those that are allowed', async () => {
    await using mesh = await startHttpMesh({
      policy: anything,
      answer: (_request, response) => {
        response.write('begun')
      },
    })
    const [a, b] = ['/a', '/b'].map((path) => connectClient(mesh.entrance, keptRequest(path)))
    await eventually('both', () => [a, b].every((one) => one?.text().includes('begun')))
    await change(mesh, onlyA)
    expect(await b?.ended).to.equal('ECONNRESET')
    expect(a?.socket.closed).to.equal(false)
    a?.socket.destroy()
  })

  it('ends a WebSocket at the time its policy expires', async () => {
    await using mesh = await startHttpMesh({ policy: onlyA, prepareServer: echoUpgrades })
    const until = new Date(Date.now() + 1_500).toISOString()
    const brief = requestsOfWeb("[{ paths: ['/socket'] }]", 'brief')
    await change(mesh, `${onlyA}---\n${brief}  expires: ${until}\n`)
    const client = connectClient(mesh.entrance, handshake())
    await eventually('the handshake', () => client.text().includes('101'))
    expect(await client.ended).to.equal('ECONNRESET')
    expect(Date.now()).to.be.greaterThanOrEqual(Date.parse(until) - 20)
  })

  it('cuts connections of a peer that may send no request at all any more', async () => {
    await using mesh = await startHttpMesh({ policy: anything })
    const client = await openRequest(mesh)
    await change(mesh, anything.replace('label.app: web', 'label.app: nobody'))
    expect(await client.ended).to.equal('ECONNRESET')
  })

  it('tells the application the identity that the peer has after a renewal', async () => {
    await using mesh = await startHttpMesh({ policy: anything })
    const client = await openRequest(mesh)
    mesh.controller.renewNow()
    await eventually('the renewals', () => mesh.controller.renewals.length === 2)
    client.socket.write(keptRequest('/a'))
    await eventually('an answer', () => client.text().match(/200 OK/g)?.length === 2)
    const peer = `URI=${String(mesh.web.spiffeId())}`
    expect(client.text().split(peer)).to.have.length(3)
    client.socket.destroy()
  })
}).timeout(60_000)

describe('a sidecar that is shut down', () => {
  it('ends kept connections at once, and those with a request after its answer', async () => {
    const gate = Promise.withResolvers<undefined>()
    await using mesh = await startHttpMesh({
      policy: anything,
      environment: { BLAZON_DRAIN: '30s' },
      answer: (request, response) => {
        if (request.url === '/a') response.end('now')
        else void gate.promise.then(() => response.end('later'))
      },
    })
    const idle = await openRequest(mesh)
    const busy = connectClient(mesh.entrance, keptRequest('/slow'))
    await eventually('the request', () => mesh.requests.includes('GET /slow'))
    const begin = performance.now()
    const shutDown = mesh.db[Symbol.asyncDispose]()
    expect(await idle.ended).to.equal('end')
    idle.socket.end()
    gate.resolve(undefined)
    expect(await busy.ended).to.equal('end')
    busy.socket.end()
    expect(busy.text()).to.match(/200 OK[^]*later/)
    await shutDown
    expect(performance.now() - begin).to.be.lessThan(20_000)
  })

  it('gives a WebSocket the time to drain, and then cuts it', async () => {
    await using mesh = await startHttpMesh({
      policy: anything,
      environment: { BLAZON_DRAIN: '500ms' },
      prepareServer: echoUpgrades,
    })
    const client = connectClient(mesh.entrance, handshake())
    await eventually('the handshake', () => client.text().includes('101'))
    const shutDown = mesh.db[Symbol.asyncDispose]()
    client.socket.write('hello')
    await eventually('the echo', () => client.text().endsWith('hello'))
    expect(await client.ended).to.equal('ECONNRESET')
    await shutDown
  })
}).timeout(60_000)

describe('a port that enters HTTP mode', () => {
  const denied = requestsOfWeb("[{ paths: ['/admin'] }]", 'no-admin', 'deny')
  const both = `${allowWebToDb}---\n${denied}`

  it('cuts connections that were not read, with that reason, and reads the next', async () => {
    await using mesh = await startHttpMesh({ policy: allowWebToDb })
    const client = await openRequest(mesh)
    await change(mesh, both)
    expect(await client.ended).to.equal('ECONNRESET')
    const record = await ingressRecord(mesh.controller, ({ verdict }) => verdict === 'DENY')
    expect(record).to.include({ reason: 'http-required', opened: 0, closed: 1 })
    const next = connectClient(mesh.entrance, keptRequest('/admin') + keptRequest('/a'))
    await eventually('both answers', () => /403[^]*200 OK/.test(next.text()))
    next.socket.destroy()
  })

  it('does not read other ports, nor connections that only share its peer', async () => {
    await using mesh = await startMesh()
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    const elsewhere = both.replaceAll('PORT', String(mesh.port === 1_234 ? 1_235 : 1_234))
    await change(mesh, `${allowWebToDb}---\n${elsewhere.replace('web-to-db', 'elsewhere')}`)
    client.socket.write(' again')
    await eventually('the echo', () => client.text() === 'hello again')
    client.socket.destroy()
  })
}).timeout(60_000)

describe('a port that leaves HTTP mode', () => {
  it('keeps the connections that are read, and carries the next as they are', async () => {
    await using mesh = await startHttpMesh({ policy: anything })
    const client = await openRequest(mesh)
    await change(mesh, allowWebToDb)
    client.socket.write(keptRequest('/b'))
    await eventually('an answer', () => client.text().match(/200 OK/g)?.length === 2)
    const next = connectClient(mesh.entrance, 'GET /a;b HTTP/1.1\r\nHost: db.test\r\n\r\n')
    await eventually('an answer', () => next.text().includes('200 OK'))
    expect(mesh.requests.at(-1)).to.equal('GET /a;b')
    for (const { socket } of [client, next]) socket.destroy()
  })
}).timeout(60_000)
