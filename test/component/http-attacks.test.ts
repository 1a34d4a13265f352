import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect } from 'chai'
import type { RequestFault } from '../../src/sidecar/http/request-check.ts'
import { createStrictServer } from '../../src/sidecar/http/strict-server.ts'

/** What a client gets back for raw bytes, and which requests came through. */
interface Outcome {
  readonly answer: string
  readonly passed: readonly string[]
  readonly faults: readonly RequestFault[]
}

const limits = { headerBytes: 16_384, headMs: 500, pipelined: 8 }

async function send(bytes: string): Promise<Outcome> {
  const passed: string[] = []
  const faults: RequestFault[] = []
  const http = createStrictServer(
    {
      onRequest: ({ request }, message, response) => {
        passed.push(`${request.method} ${request.host}/${request.path.join('/')}`)
        if (request.path[0] === 'slow') return
        message.resume().on('end', () => response.end('passed'))
      },
      onUpgrade: (_checked, _message, socket) => {
        passed.push('websocket')
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      },
      onRefused: (fault) => faults.push(fault),
    },
    limits,
  )
  const accepted: Socket[] = []
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket)
    socket.on('error', () => undefined)
    http.serve(socket)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const received: Buffer[] = []
  client.on('data', (chunk: Buffer) => received.push(chunk))
  client.on('error', () => undefined)
  client.write(bytes, 'latin1')
  await once(client, 'close')
  for (const socket of accepted) socket.destroy()
  listener.close()
  await once(listener, 'close')
  return { answer: Buffer.concat(received).toString(), passed, faults }
}

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`
const get = (target: string, ...more: string[]): string =>
  lines(`GET ${target} HTTP/1.1`, 'Host: a.test', 'Connection: close', ...more)
const post = (...more: string[]): string => lines('POST / HTTP/1.1', 'Host: a.test', ...more)
/** What an attacker hides behind a body. */
const second = 'GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n'

describe('a request that can be read in two ways', function () {
  this.timeout(20_000)
  const attacks: Record<string, string> = {
    'Content-Length with Transfer-Encoding':
      post('Content-Length: 4', 'Transfer-Encoding: chunked') + `0\r\n\r\n${second}`,
    'Transfer-Encoding before Content-Length':
      post('Transfer-Encoding: chunked', 'Content-Length: 4') + `0\r\n\r\n${second}`,
    'Transfer-Encoding: gzip, chunked': post('Transfer-Encoding: gzip, chunked') + '0\r\n\r\n',
    'Transfer-Encoding: chunked, identity': post('Transfer-Encoding: chunked, identity') + second,
    'Transfer-Encoding: xchunked': post('Transfer-Encoding: xchunked') + second,
    'Transfer-Encoding: CHUNKED': post('Transfer-Encoding: CHUNKED') + '0\r\n\r\n',
    'Transfer-Encoding twice':
      post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    'Transfer-Encoding with a space before the colon':
      post('Transfer-Encoding : chunked') + `0\r\n\r\n${second}`,
    'Transfer-Encoding after a vertical tab':
      post('Transfer-Encoding: \x0bchunked') + `0\r\n\r\n${second}`,
    'Transfer-Encoding in HTTP/1.0':
      lines('POST / HTTP/1.0', 'Host: a.test', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    'a chunked DELETE':
      lines('DELETE / HTTP/1.1', 'Host: a.test', 'Transfer-Encoding: chunked') +
      `${second.length.toString(16)}\r\n${second}\r\n0\r\n\r\n`,
    'a chunked OPTIONS':
      lines('OPTIONS / HTTP/1.1', 'Host: a.test', 'Transfer-Encoding: chunked') +
      `${second.length.toString(16)}\r\n${second}\r\n0\r\n\r\n`,
    'Content-Length twice': post('Content-Length: 4', 'Content-Length: 5') + 'abcde',
    'the same Content-Length twice': post('Content-Length: 4', 'Content-Length: 4') + 'abcd',
    'Content-Length: 4, 4': post('Content-Length: 4, 4') + 'abcd',
    'Content-Length: +4': post('Content-Length: +4') + 'abcd',
    'Content-Length: -1': post('Content-Length: -1'),
    'Content-Length: 0x4': post('Content-Length: 0x4') + 'abcd',
    'Content-Length beyond any number': post(`Content-Length: ${'9'.repeat(30)}`),
    'obs-fold': post('X-A: b', ' Transfer-Encoding: chunked'),
    'obs-fold with a tab': post('X-A: b', '\tc'),
    'Host twice': lines('GET / HTTP/1.1', 'Host: a.test', 'Host: b.test'),
    'no Host': lines('GET / HTTP/1.1', 'X-A: b'),
    'no Host in HTTP/1.0': lines('GET / HTTP/1.0', 'X-A: b'),
    'Host with a user': lines('GET / HTTP/1.1', 'Host: b@a.test'),
    'Host with a path': lines('GET / HTTP/1.1', 'Host: a.test/x'),
    'Host with two names': lines('GET / HTTP/1.1', 'Host: a.test, b.test'),
    'an empty Host': lines('GET / HTTP/1.1', 'Host:'),
    'lines that end in LF alone': 'GET / HTTP/1.1\nHost: a.test\n\n',
    'a lone CR in a header': post('X-A: b\rTransfer-Encoding: chunked'),
    'a NUL in a header': post('X-A: b\0c'),
    'a space in a header name': post('X A: b'),
    'HTTP/2 with prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/0.9': 'GET /\r\n\r\n',
    'HTTP/1.2': lines('GET / HTTP/1.2', 'Host: a.test'),
    'no HTTP at all': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    CONNECT: lines('CONNECT a.test:443 HTTP/1.1', 'Host: a.test:443'),
    TRACE: lines('TRACE / HTTP/1.1', 'Host: a.test'),
    'absolute form': get('http://a.test/x'),
    'absolute form with another host': get('http://b.test/x'),
    'asterisk form': lines('OPTIONS * HTTP/1.1', 'Host: a.test'),
    'h2c upgrade': lines(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ),
    'an upgrade to two protocols': lines(
      'GET / HTTP/1.1',
      'Host: a.test',
      'Connection: Upgrade',
      'Upgrade: websocket, h2c',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ),
    'Upgrade without Connection': get('/', 'Upgrade: h2c'),
    'a WebSocket handshake with a body':
      lines(
        'GET / HTTP/1.1',
        'Host: a.test',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        'Content-Length: 4',
      ) + 'abcd',
    'Connection that names a header': get('/', 'Connection: X-Forwarded-Client-Cert'),
    'another expectation': get('/', 'Expect: 200-ok'),
    'more than 128 header lines': get('/', ...Array.from({ length: 130 }, () => 'a: b')),
    'headers of more than 16 KiB': get('/', `a: ${'b'.repeat(17_000)}`),
  }
  for (const target of [
    '/..',
    '/a/../b',
    '/a/./b',
    '/.',
    '//a',
    '/a//b',
    '/a\\b',
    '/a;b',
    '/a#b',
    '/%2e%2e/b',
    '/%2E',
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a%00',
    '/a%0d%0aX',
    '/a%3bb',
    '/a%3fb',
    '/a%23b',
    '/a%252fb',
    '/a%',
    '/a%2',
    '/a%zz',
    '/a%u002f',
    '/%c0%ae%c0%ae/b',
    '/%c0%afb',
    '/\xff',
    'a',
    '?a',
    '/?a#b',
    `/${'a/'.repeat(256)}`,
  ]) {
    attacks[`the target ${JSON.stringify(target.slice(0, 20))}`] = get(target)
  }
  for (const [what, bytes] of Object.entries(attacks)) {
    it(`is refused: ${what}`, async () => {
      const { answer, passed, faults } = await send(bytes)
      expect(passed).to.deep.equal([])
      expect(answer).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/)
      expect(answer.match(/HTTP\/1\.1 [0-9]/g)).to.have.length(1)
      expect(faults).to.have.length(1)
    })
  }

  const bodies = {
    'a chunk size that is no number': 'g\r\n',
    'a chunk longer than it says': '1\r\nabc\r\n0\r\n\r\n',
    'a chunk that ends in LF alone': '1\na\n0\n\n',
    'a chunk extension with a line break': '1;a\nb\r\na\r\n0\r\n\r\n',
  }
  for (const [what, body] of Object.entries(bodies)) {
    it(`never comes to its end: ${what}`, async () => {
      const { answer, faults } = await send(post('Transfer-Encoding: chunked') + body + second)
      expect(answer).to.equal('')
      expect(faults).to.deep.equal(['malformed'])
    })
  }

  it('takes what follows it on the connection down with it', async () => {
    const { answer, passed } = await send(get('/a//b').replace('close', 'keep-alive') + get('/c'))
    expect(passed).to.deep.equal([])
    expect(answer.match(/HTTP\/1\.1 [0-9]/g)).to.have.length(1)
  })
})

describe('a client that does not wait for answers', function () {
  this.timeout(20_000)
  const some = (count: number): string => get('/slow').replace('close', 'keep-alive').repeat(count)

  it('is served as far as the limit goes, and cut beyond it', async () => {
    const beyond = await send(some(9))
    expect(beyond.passed).to.have.length(8)
    expect(beyond.faults).to.deep.equal(['pipelining'])
    expect(beyond.answer).to.equal('')
  })
})

describe('a connection that sends no whole head', function () {
  this.timeout(20_000)

  for (const [when, before] of Object.entries({
    'at first': '',
    later: get('/').replace('close', 'keep-alive'),
  })) {
    it(`is closed after a time: ${when}`, async () => {
      const { passed, faults } = await send(`${before}GET /b HTTP/1.1\r\nHost: a.test\r\nX-A: `)
      expect(passed).to.have.length(before === '' ? 0 : 1)
      expect(faults).to.deep.equal([])
    })
  }
})

describe('a request that can be read in one way only', function () {
  this.timeout(20_000)
  const requests: Readonly<Record<string, readonly [bytes: string, passed: string]>> = {
    'with a query': [get('/a/b?c=/../;d%2f'), 'GET a.test/a/b'],
    'with escapes, decoded': [get('/caf%C3%A9/%61%20b'), 'GET a.test/café/a b'],
    'with a trailing slash': [get('/a/'), 'GET a.test/a/'],
    'with a port and capitals in Host': [
      lines('GET / HTTP/1.1', 'Host: A.Test.:8080', 'Connection: close'),
      'GET a.test/',
    ],
    'of HTTP/1.0': [lines('GET / HTTP/1.0', 'Host: a.test'), 'GET a.test/'],
    'with a length': [post('Connection: close', 'Content-Length: 4') + 'abcd', 'POST a.test/'],
    'in chunks': [
      post('Connection: close', 'Transfer-Encoding: chunked') + '1\r\na\r\n0\r\n\r\n',
      'POST a.test/',
    ],
    'DELETE with a length': [
      lines('DELETE /a HTTP/1.1', 'Host: a.test', 'Connection: close', 'Content-Length: 1') + 'a',
      'DELETE a.test/a',
    ],
    'that expects 100-continue': [
      post('Connection: close', 'Expect: 100-continue', 'Content-Length: 1') + 'a',
      'POST a.test/',
    ],
  }
  for (const [what, [bytes, expected]] of Object.entries(requests)) {
    it(`passes: ${what}`, async () => {
      const { answer, passed, faults } = await send(bytes)
      expect(passed).to.deep.equal([expected])
      expect(faults).to.deep.equal([])
      expect(answer).to.match(/200 OK[^]*passed/)
    })
  }

  it('passes: several on one connection', async () => {
    const { passed } = await send(get('/a').replace('close', 'keep-alive') + get('/b'))
    expect(passed).to.deep.equal(['GET a.test/a', 'GET a.test/b'])
  })

  it('is not answered out of turn when a bad one follows before its answer', async () => {
    const { answer, passed } = await send(
      get('/slow').replace('close', 'keep-alive') + get('/a//b'),
    )
    expect(passed).to.deep.equal(['GET a.test/slow'])
    expect(answer).to.not.include('400')
  })

  it('passes: a WebSocket handshake', async () => {
    const { passed } = await send(
      lines(
        'GET / HTTP/1.1',
        'Host: a.test',
        'Connection: keep-alive, Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ),
    )
    expect(passed).to.deep.equal(['websocket'])
  })
})
