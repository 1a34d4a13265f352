import { expect } from 'chai'
import {
  echoUpgrades,
  handshake,
  head,
  ingressRecord,
  keptRequest,
  mirrored,
  requestsOfWeb,
  requestTo,
  startHttpMesh,
  valuesOf,
} from '../support/http-mesh.ts'
import {
  connectClient,
  recordingLogger,
  startApplication,
  startMesh,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'

const anything = requestsOfWeb("[{ paths: ['/**'] }]")
const forbidden = /^HTTP\/1\.1 403 Forbidden\r\nBlazon-Reason: ([a-z-]+)\r\n/

describe('http rules', () => {
  it('let through what meets one of them, and answer the rest with 403 and the reason', async () => {
    const rules = `
    - { methods: [GET, HEAD], paths: ['/orders/*'] }
    - { methods: [POST], paths: ['/orders'], headers: { x-tenant: [eu, us] } }
    - { hosts: ['*.admin.test'], paths: ['/admin/**'] }`
    await using mesh = await startHttpMesh({ policy: requestsOfWeb(rules) })
    const admin = (host: string): string =>
      head('PUT /admin/a/b HTTP/1.1', `Host: ${host}`, 'Connection: close', 'Content-Length: 0')
    const empty = 'Content-Length: 0'
    const passed = {
      'a method and a path': requestTo('/orders/1'),
      'a query, which is not looked at': requestTo('/orders/1?delete=/../x'),
      'a path in escapes': requestTo('/%6frders/1'),
      'one of two values of a header': requestTo('/orders', 'POST', 'X-Tenant: us', empty),
      'a host below a name, and ** for several segments': admin('a.admin.test:8080'),
    }
    for (const [what, bytes] of Object.entries(passed)) {
      expect(await mesh.exchange(bytes), what).to.match(/^HTTP\/1\.1 200 OK/)
    }
    const denied = {
      'another method': requestTo('/orders/1', 'DELETE'),
      'another path': requestTo('/orders/1/items'),
      'a path in capitals': requestTo('/Orders/1'),
      'no such header': requestTo('/orders', 'POST', empty),
      'another value': requestTo('/orders', 'POST', 'X-Tenant: eu, cn', empty),
      'a second value': requestTo('/orders', 'POST', 'X-Tenant: eu', 'X-Tenant: cn', empty),
      'the name itself as the host': admin('admin.test'),
    }
    for (const [what, bytes] of Object.entries(denied)) {
      const answer = await mesh.exchange(bytes)
      expect(forbidden.exec(answer)?.[1], what).to.equal('no-policy-matched')
    }
    expect(mesh.requests).to.have.length(Object.keys(passed).length)
  })

  it('deny what meets a deny, whatever else allows it, and in every spelling of its path', async () => {
    const allow = anything.replace("  http: [{ paths: ['/**'] }]\n", '')
    const deny = requestsOfWeb("[{ paths: ['/admin/**'] }]", 'no-admin', 'deny')
    await using mesh = await startHttpMesh({ policy: `${allow}---\n${deny}` })
    expect(await mesh.exchange(requestTo('/orders'))).to.match(/^HTTP\/1\.1 200 OK/)
    for (const target of ['/admin', '/admin/x', '/%61dmin/x', '/%61%64%6d%69%6e']) {
      const answer = await mesh.exchange(requestTo(target))
      expect(forbidden.exec(answer)?.[1], target).to.equal('denied-by-policy')
    }
    expect(mesh.requests).to.deep.equal(['GET /orders'])
  })

  it('tell the application who the peer is, and nothing that the peer says of itself', async () => {
    await using mesh = await startHttpMesh({ policy: anything })
    const forged = [
      'X-Forwarded-Client-Cert: URI=spiffe://blazon.test/workload/admin',
      'x_forwarded_client_cert: URI=spiffe://blazon.test/workload/admin',
      'Workload-Identity-Token: forged',
    ]
    const seen = mirrored(await mesh.exchange(requestTo('/', 'GET', ...forged)))
    const peer = String(mesh.web.spiffeId())
    expect(valuesOf(seen, 'x-forwarded-client-cert')).to.deep.equal([`URI=${peer}`])
    expect(valuesOf(seen, 'workload-identity-token')).to.deep.equal([])
    expect(JSON.stringify(seen)).to.not.include('admin')
  })

  it('leave no connection to the application before a request is allowed', async () => {
    await using mesh = await startHttpMesh({ policy: requestsOfWeb('[{ methods: [GET] }]') })
    const client = connectClient(mesh.entrance, keptRequest('/', 'POST', 'Content-Length: 0'))
    await eventually('the refusal', () => client.text().includes('403'))
    expect(mesh.taken).to.have.length(0)
    client.socket.write(keptRequest('/'))
    await eventually('an answer', () => client.text().includes('200 OK'))
    expect(mesh.taken).to.have.length(1)
    client.socket.destroy()
    await eventually('the end of both', () => mesh.taken.every(({ closed }) => closed))
  })
}).timeout(60_000)

describe('a connection on a port in HTTP mode', () => {
  it('is recorded as one allowed flow, and each request that is denied as one denied', async () => {
    const log = recordingLogger()
    await using mesh = await startHttpMesh({ policy: requestsOfWeb('[{ methods: [GET] }]'), log })
    const client = connectClient(mesh.entrance, keptRequest('/a'))
    await eventually('an answer', () => client.text().includes('200 OK'))
    client.socket.write(keptRequest('/secret?token=x', 'DELETE').repeat(2))
    await eventually('refusals', () => client.text().match(/403 Forbidden/g)?.length === 2)
    client.socket.end()
    expect(await client.ended).to.equal('end')
    const closed = await ingressRecord(
      mesh.controller,
      (record) => record.verdict === 'ALLOW' && record.closed === 1,
    )
    expect(closed).to.include({ policy: 'web-to-db', reason: 'allowed-by-policy' })
    const denied = mesh.controller.records.filter(
      ({ direction, verdict }) => direction === 'INGRESS' && verdict === 'DENY',
    )
    expect(denied.map(({ reason }) => reason)).to.include('no-policy-matched')
    expect(denied.reduce((sum, { opened }) => sum + opened, 0)).to.equal(2)
    expect(denied[0]?.flowIds).to.deep.equal(closed.flowIds)
    const records = log.of('request').filter(({ verdict }) => verdict === 'deny')
    expect(records).to.have.length(2)
    expect(records[0]).to.include({ method: 'DELETE', host: 'db.test', path: '/secret' })
    expect(JSON.stringify(log.records)).to.not.include('token')
    const bytes = mesh.controller.records.filter(({ direction }) => direction === 'INGRESS')
    const sent = bytes.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
    const received = bytes.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0)
    expect(sent).to.equal(
      keptRequest('/a').length + 2 * keptRequest('/secret?token=x', 'DELETE').length,
    )
    expect(received).to.equal(client.text().length)
  })

  it('is counted by verdict, reason and fault', async () => {
    await using mesh = await startHttpMesh({
      policy: requestsOfWeb('[{ methods: [GET] }]'),
      environment: { BLAZON_METRICS_LISTEN: '127.0.0.1:0' },
    })
    await mesh.exchange(requestTo('/'))
    await mesh.exchange(requestTo('/', 'DELETE'))
    await mesh.exchange(requestTo('/a/../b'))
    const { host, port } = mesh.db.statusAddress ?? { host: '', port: 0 }
    const page = await (await fetch(`http://${host}:${String(port)}/metrics`)).text()
    for (const line of [
      'blazon_http_requests_total{verdict="allow",reason="allowed-by-policy"} 1',
      'blazon_http_requests_total{verdict="deny",reason="no-policy-matched"} 1',
      'blazon_http_requests_refused_total{fault="target"} 1',
    ]) {
      expect(page).to.include(line)
    }
  })

  it('answers requests that come at once in their order', async () => {
    await using mesh = await startHttpMesh({
      policy: requestsOfWeb("[{ paths: ['/a/*'] }]"),
      answer: (request, response) => {
        // The first takes longest.
        if (request.url === '/a/1') setTimeout(() => response.end('one'), 50)
        else response.end(request.url === '/a/2' ? 'two' : 'four')
      },
    })
    const all = ['/a/1', '/a/2', '/b'].map((path) => keptRequest(path)).join('')
    const answer = await mesh.exchange(all + requestTo('/a/4'))
    expect(answer.match(/one|two|denied by policy|four/g)).to.deep.equal([
      'one',
      'two',
      'denied by policy',
      'four',
    ])
    expect(mesh.requests).to.deep.equal(['GET /a/1', 'GET /a/2', 'GET /a/4'])
  })

  it('answers a client that has ended its side', async () => {
    await using mesh = await startHttpMesh({ policy: anything })
    const client = connectClient(mesh.entrance)
    client.socket.end(keptRequest('/a'))
    expect(await client.ended).to.equal('end')
    expect(mirrored(client.text()).url).to.equal('/a')
  })

  it('carries a body in chunks, trailers, and the answer of HEAD', async () => {
    await using mesh = await startHttpMesh({ policy: anything })
    const chunks = '3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n'
    const post = requestTo('/', 'POST', 'Transfer-Encoding: chunked', 'Trailer: X-Sum')
    const seen = mirrored(await mesh.exchange(post + chunks))
    expect(seen.body).to.equal('abcde')
    expect(seen.rawTrailers.map((text) => text.toLowerCase())).to.deep.equal(['x-sum', '5'])
    expect(await mesh.exchange(requestTo('/', 'HEAD'))).to.match(/^HTTP\/1\.1 200 OK[^]*\r\n\r\n$/)
  })

  it('says 100-continue to what is allowed, and 403 at once to what is not', async () => {
    await using mesh = await startHttpMesh({ policy: requestsOfWeb("[{ paths: ['/yes'] }]") })
    const expecting = ['Expect: 100-continue', 'Content-Length: 4']
    const client = connectClient(mesh.entrance, requestTo('/yes', 'PUT', ...expecting))
    await eventually('100', () => client.text() === 'HTTP/1.1 100 Continue\r\n\r\n')
    client.socket.write('body')
    await client.ended
    client.socket.end()
    expect(mirrored(client.text()).body).to.equal('body')
    expect(await mesh.exchange(requestTo('/no', 'PUT', ...expecting))).to.match(forbidden)
  })

  it('streams both ways at once, and stops a sender whose reader does not read', async () => {
    const size = 32 * 1024 * 1024
    await using mesh = await startHttpMesh({
      policy: anything,
      answer: (request, response) => {
        response.writeHead(200, { 'Content-Length': size })
        request.pipe(response)
      },
    })
    const client = connectClient(mesh.entrance)
    client.socket.removeAllListeners('data').pause()
    client.socket.write(requestTo('/', 'POST', `Content-Length: ${String(size)}`))
    client.socket.write(Buffer.alloc(size, 'x'))
    let before = -1
    await eventually('the writer to stall', () => {
      const isStill = before === client.socket.writableLength
      before = client.socket.writableLength
      return isStill
    })
    expect(client.socket.writableLength).to.be.greaterThan(0)
    let read = 0
    client.socket.on('data', (bytes: Buffer) => {
      read += bytes.length
    })
    client.socket.resume()
    expect(await client.ended).to.equal('end')
    expect(read).to.be.greaterThan(size)
    expect(read).to.be.lessThan(size + 1_000)
    client.socket.end()
  })

  it('ends an answer that the application breaks off with a reset, not as if it were whole', async () => {
    await using mesh = await startHttpMesh({
      policy: anything,
      answer: (_request, response) => {
        response.writeHead(200, { 'Content-Length': 10 })
        response.write('half', () => response.destroy())
      },
    })
    const client = connectClient(mesh.entrance, keptRequest('/'))
    expect(await client.ended).to.equal('ECONNRESET')
  })

  it('answers with 502 and the reason where no application listens', async () => {
    const gone = await startApplication()
    await gone[Symbol.asyncDispose]()
    await using mesh = await startMesh({ policy: anything, application: gone.address })
    for (const bytes of [keptRequest('/'), handshake()]) {
      const client = connectClient(mesh.entrance, bytes)
      const answered = 'HTTP/1.1 502 Bad Gateway\r\nBlazon-Reason: application-refused\r\n'
      await eventually('the answer', () => client.text().startsWith(answered))
      client.socket.destroy()
    }
  })

  it('carries a WebSocket, and bytes in it both ways', async () => {
    await using mesh = await startHttpMesh({ policy: anything, prepareServer: echoUpgrades })
    const client = connectClient(mesh.entrance, handshake())
    await eventually('the handshake', () => client.text().includes('101 Switching Protocols'))
    client.socket.write('hello')
    await eventually('the echo', () => client.text().endsWith('hello'))
    client.socket.end()
    expect(await client.ended).to.equal('end')
    await eventually('its end behind', () => mesh.taken.every(({ closed }) => closed))
  })
}).timeout(60_000)
