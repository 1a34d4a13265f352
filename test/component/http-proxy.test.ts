import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import type { HttpRequest } from '../../src/policy/index.ts'
import { clientCertOf } from '../../src/sidecar/http/header-lines.ts'
import { createBodyMemory } from '../../src/sidecar/http/held-body.ts'
import { serveRequests, type ServedRequests } from '../../src/sidecar/http/request-proxy.ts'
import { eventually } from '../support/poll.ts'

const peer = 'spiffe://a.test/workload/web'

interface Setting extends AsyncDisposable {
  /** Connections that the application has taken. */
  readonly taken: Socket[]
  readonly decided: string[]
  readonly served: ServedRequests[]
  client(bytes?: string): { socket: Socket; text: () => string; closed: Promise<unknown> }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function start(
  application: RequestListener,
  decide: (request: HttpRequest) => boolean = () => true,
  prepare: (behind: HttpServer) => void = () => undefined,
): Promise<Setting> {
  const [taken, sockets, decided]: [Socket[], Socket[], string[]] = [[], [], []]
  const served: ServedRequests[] = []
  const behind = createHttpServer(application)
  prepare(behind)
  behind.on('connection', (socket: Socket) => taken.push(socket))
  const port = await listening(behind)
  const front = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    const one = serveRequests(socket, {
      application: { host: '127.0.0.1', port },
      connectMs: 5_000,
      bodies: createBodyMemory(),
      decide: ({ checked: { request } }) => {
        const verdict = decide(request) ? 'allow' : 'deny'
        decided.push(verdict)
        return {
          verdict,
          reason: verdict === 'allow' ? 'allowed-by-policy' : 'denied-by-policy',
          headers: clientCertOf(peer),
        }
      },
      refused: () => undefined,
    })
    served.push(one)
  })
  const entrance = await listening(front)
  return {
    taken,
    decided,
    served,
    client: (bytes = '') => {
      const socket = connect(entrance, '127.0.0.1')
      sockets.push(socket)
      const received: Buffer[] = []
      socket.on('data', (chunk: Buffer) => received.push(chunk))
      socket.on('error', () => undefined)
      socket.write(bytes, 'latin1')
      return {
        socket,
        text: () => Buffer.concat(received).toString('latin1'),
        closed: once(socket, 'close'),
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      behind.closeAllConnections()
      const ended = [once(front, 'close'), once(behind, 'close')]
      front.close()
      behind.close()
      await Promise.all(ended)
    },
  }
}

const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`
const get = (path: string, ...more: string[]): string =>
  head(`GET ${path} HTTP/1.1`, 'Host: a.test', ...more)
const last = 'Connection: close'

/** An application that answers with what it saw. */
const mirror: RequestListener = (request, response) => {
  void bodyOf(request).then((body) => {
    const { method, url, rawHeaders, rawTrailers } = request
    response.end(JSON.stringify({ method, url, rawHeaders, rawTrailers, body }))
  })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

interface Seen {
  readonly url: string
  readonly body: string
  readonly rawHeaders: readonly string[]
  readonly rawTrailers: readonly string[]
}

async function seenBy(setting: Setting, bytes: string): Promise<Seen> {
  const client = setting.client(bytes)
  await client.closed
  return JSON.parse(/\{.*\}/s.exec(client.text())?.[0] ?? '') as Seen
}

describe('requests through the sidecar', function () {
  this.timeout(20_000)

  it('reach the application as they were decided on, with who sent them', async () => {
    await using setting = await start(mirror)
    const forged = ['X-Forwarded-Client-Cert: URI=x', 'x_forwarded_client_cert: URI=y']
    const more = ['Cookie: a', 'X-A: 1', 'x-a: 2', ...forged, last]
    const { url, rawHeaders } = await seenBy(setting, get('/x/http:/b?c=//d', ...more))
    expect(url).to.equal('/x/http:/b?c=//d')
    const values = (name: string): string[] =>
      rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase().replaceAll('_', '-') === name)
    expect(values('x-forwarded-client-cert')).to.deep.equal([`URI=${peer}`])
    expect(values('x-a')).to.deep.equal(['1', '2'])
    expect(values('host')).to.deep.equal(['a.test'])
  })

  it('are decided one by one on an open connection, by the policy of that moment', async () => {
    let isOpen = true
    await using setting = await start(
      (_request, response) => response.end('served'),
      () => isOpen,
    )
    const client = setting.client(get('/'))
    await eventually('an answer', () => client.text().includes('served'))
    isOpen = false
    client.socket.write(get('/'))
    await eventually('a refusal', () => client.text().includes('403 Forbidden'))
    expect(client.text()).to.include('Blazon-Reason: denied-by-policy')
    isOpen = true
    client.socket.write(get('/', last))
    await client.closed
    expect(client.text().match(/served/g)).to.have.length(2)
    expect(setting.decided).to.deep.equal(['allow', 'deny', 'allow'])
    expect(setting.taken).to.have.length(1)
  })

  it('carry a body in chunks with trailers, without those that are not theirs', async () => {
    await using setting = await start(mirror)
    const chunked = head('POST / HTTP/1.1', 'Host: a.test', last, 'Transfer-Encoding: chunked')
    const body = '3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Forwarded-Client-Cert: URI=x\r\n\r\n'
    const seen = await seenBy(setting, chunked + body)
    expect(seen.body).to.equal('abc')
    expect(seen.rawTrailers.map((text) => text.toLowerCase())).to.deep.equal(['x-sum', '1'])
  })

  it('are answered with each header line, and with trailers', async () => {
    await using setting = await start((_request, response) => {
      response.writeHead(201, ['Set-Cookie', 'a', 'Set-Cookie', 'b', 'Trailer', 'X-Sum'])
      response.write('abc')
      response.addTrailers({ 'X-Sum': '1' })
      response.end()
    })
    const client = setting.client(get('/', last))
    await client.closed
    expect(client.text()).to.match(/^HTTP\/1\.1 201 Created\r\n/)
    expect(client.text().match(/set-cookie: [ab]/gi)).to.have.length(2)
    expect(client.text()).to.match(/3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n$/i)
  })

  it('with HEAD are answered without a body', async () => {
    await using setting = await start((_request, response) => {
      response.writeHead(200, { 'Content-Length': 5 })
      response.end()
    })
    const client = setting.client(head('HEAD / HTTP/1.1', 'Host: a.test', last))
    await client.closed
    expect(client.text()).to.match(/content-length: 5\r\n[^]*\r\n\r\n$/i)
  })

  it('that expect 100-continue get it once they are allowed, and not if they are denied', async () => {
    await using setting = await start(mirror, ({ path }) => path[0] !== 'no')
    const expecting = (path: string): string =>
      head(
        `POST ${path} HTTP/1.1`,
        'Host: a.test',
        last,
        'Expect: 100-continue',
        'Content-Length: 1',
      )
    const client = setting.client(expecting('/'))
    await eventually('100', () => client.text().startsWith('HTTP/1.1 100 Continue'))
    client.socket.write('a')
    await client.closed
    expect(client.text()).to.include('"body":"a"')
    const denied = setting.client(expecting('/no'))
    await denied.closed
    expect(denied.text()).to.match(/^HTTP\/1\.1 403 Forbidden/)
  })

  it('never share a connection to the application with another connection', async () => {
    await using setting = await start((_request, response) => response.end('served'))
    const clients = [setting.client(get('/')), setting.client(get('/'))]
    await eventually('answers', () => clients.every(({ text }) => text().includes('served')))
    expect(setting.taken).to.have.length(2)
    for (const { socket } of clients) socket.destroy()
    await eventually('the end of both', () => setting.taken.every(({ closed }) => closed))
  })

  it('are answered with 502 when the application breaks off, and cut where it has begun', async () => {
    await using setting = await start((request, response) => {
      if (request.url === '/part') {
        response.writeHead(200, { 'Content-Length': 10 })
        response.write('half', () => response.destroy())
      } else response.destroy()
    })
    const none = setting.client(get('/', last))
    await none.closed
    expect(none.text()).to.match(/^HTTP\/1\.1 502 Bad Gateway/)
    const part = setting.client(get('/part'))
    await part.closed
    expect(part.text()).to.match(/half$/)
  })

  it('are answered with 502 where nobody could pass the answer on', async () => {
    const heads = ['HTTP/1.1 000 None', 'HTTP/1.1 099 Early', 'HTTP/1.1 200 O\x01K']
    for (const head of heads) {
      await using setting = await start((_request, response) => {
        response.socket?.end(`${head}\r\nContent-Length: 2\r\n\r\nok`, 'latin1')
      })
      const client = setting.client(get('/', last))
      await client.closed
      expect(client.text(), head).to.match(/^HTTP\/1\.1 502 Bad Gateway/)
    }
  })

  it('are sent once more where a kept connection just ended, if they have neither body nor effect', async () => {
    const counts = new Map<Socket, number>()
    await using setting = await start((request, response) => {
      const count = (counts.get(request.socket) ?? 0) + 1
      counts.set(request.socket, count)
      if (count > 1) request.socket.destroy()
      else request.resume().on('end', () => response.end('served'))
    })
    const client = setting.client(get('/'))
    await eventually('an answer', () => client.text().includes('served'))
    client.socket.write(get('/again'))
    await eventually('an answer', () => client.text().match(/served/g)?.length === 2)
    expect(setting.taken).to.have.length(2)
    client.socket.write(head('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 1') + 'a')
    await eventually('a refusal', () => client.text().includes('502 Bad Gateway'))
    expect(setting.taken).to.have.length(2)
    client.socket.destroy()
  })

  it('stream 50 MB each way, and wait for a reader that does not read', async () => {
    const size = 50 * 1024 * 1024
    await using setting = await start((request, response) => {
      response.writeHead(200, { 'Content-Length': size })
      request.pipe(response)
    })
    const client = setting.client(
      head('POST / HTTP/1.1', 'Host: a.test', `Content-Length: ${String(size)}`),
    )
    client.socket.removeAllListeners('data').pause()
    const piece = Buffer.alloc(64 * 1024, 'x')
    let [sent, read] = [0, 0]
    const fill = (): boolean => {
      while (sent < size) {
        sent += piece.length
        if (!client.socket.write(piece)) return false
      }
      return true
    }
    client.socket.on('drain', fill)
    fill()
    let before = -1
    await eventually('the writer to stall', () => {
      const isStill = before === sent
      before = sent
      return isStill
    })
    expect(sent).to.be.lessThan(size)
    client.socket.on('data', (bytes: Buffer) => {
      read += bytes.length
    })
    client.socket.resume()
    await eventually('all of it', () => read > size)
  })
})

describe('a WebSocket through the sidecar', function () {
  this.timeout(20_000)

  const handshake = (path = '/'): string =>
    get(
      path,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    )
  const accepted =
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  const seen: Record<string, unknown>[] = []
  /** Takes the handshake, then sends back what it gets. */
  const echo = (behind: HttpServer): void => {
    behind.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      seen.push({ url: request.url, peer: request.headers['x-forwarded-client-cert'] })
      socket.on('error', () => undefined)
      socket.write(accepted)
      socket.pipe(socket)
    })
  }
  const refuse: RequestListener = (_request, response) => response.writeHead(404).end('no')

  it('carries bytes both ways once the application has accepted it', async () => {
    await using setting = await start(refuse, () => true, echo)
    const client = setting.client(handshake('/x/http:/b'))
    await eventually('the handshake', () => client.text().includes('101 Switching Protocols'))
    expect(seen.at(-1)).to.deep.equal({ url: '/x/http:/b', peer: `URI=${peer}` })
    client.socket.write('hello')
    await eventually('the echo', () => client.text().endsWith('hello'))
    client.socket.end()
    await client.closed
    await eventually('its end behind', () => setting.taken.every(({ closed }) => closed))
  })

  it('ends behind when the client breaks off, and in front when the application does', async () => {
    await using setting = await start(refuse, () => true, echo)
    const first = setting.client(handshake())
    await eventually('the handshake', () => first.text().includes('101'))
    first.socket.resetAndDestroy()
    await eventually('its end behind', () => setting.taken[0]?.closed)
    const second = setting.client(handshake())
    await eventually('the handshake', () => second.text().includes('101'))
    setting.taken[1]?.resetAndDestroy()
    await second.closed
  })

  it('is refused by policy before the application hears of it', async () => {
    await using setting = await start(refuse, () => false, echo)
    const client = setting.client(handshake())
    await client.closed
    expect(client.text()).to.match(/^HTTP\/1\.1 403 Forbidden\r\nBlazon-Reason: denied-by-policy/)
    expect(setting.taken).to.be.empty
  })

  it('is under way until it ends', async () => {
    await using setting = await start(refuse, () => true, echo)
    const client = setting.client(handshake('/socket'))
    await eventually('the handshake', () => client.text().includes('101'))
    const underWay = setting.served[0]?.underWay ?? new Set()
    expect(Array.from(underWay, ({ path }) => path)).to.deep.equal([['socket']])
    client.socket.destroy()
    await eventually('its end', () => underWay.size === 0)
  })

  it('gets the answer of an application that does not accept it, whole', async () => {
    await using setting = await start(
      refuse,
      () => true,
      (behind) => {
        behind.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
          const body = '2\r\nno\r\n0\r\n\r\n'
          socket.end(`HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n${body}`)
        })
      },
    )
    const client = setting.client(handshake())
    await client.closed
    expect(client.text()).to.match(/^HTTP\/1\.1 404 Not Found\r\nconnection: close\r\n\r\nno$/)
  })

  it('is answered with 502 where the application breaks off', async () => {
    await using setting = await start(
      refuse,
      () => true,
      (behind) => {
        behind.on('upgrade', (_request: IncomingMessage, socket: Socket) => socket.destroy())
      },
    )
    const client = setting.client(handshake())
    await client.closed
    expect(client.text()).to.match(/^HTTP\/1\.1 502 Bad Gateway/)
  })
})
