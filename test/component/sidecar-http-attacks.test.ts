import { expect } from 'chai'
import {
  head,
  ingressRecord,
  keptRequest,
  requestsOfWeb,
  requestTo,
  startHttpMesh,
} from '../support/http-mesh.ts'
import { connectClient } from '../support/mesh-fixture.ts'

/** What an attacker wants the application to see. */
const hidden = keptRequest('/admin')
const postTo = (...lines: readonly string[]): string => keptRequest('/public', 'POST', ...lines)
const hexLength = hidden.length.toString(16)

const attacks: Readonly<Record<string, string>> = {
  'Content-Length with Transfer-Encoding':
    postTo('Content-Length: 4', 'Transfer-Encoding: chunked') + `0\r\n\r\n${hidden}`,
  'Transfer-Encoding that not everybody reads as chunked':
    postTo('Transfer-Encoding: \x0bchunked') + hidden,
  'a chunked DELETE that hides a second request':
    keptRequest('/public', 'DELETE', 'Transfer-Encoding: chunked') +
    `${hexLength}\r\n${hidden}\r\n0\r\n\r\n`,
  'two lengths': postTo('Content-Length: 0', `Content-Length: ${String(hidden.length)}`) + hidden,
  'a folded header': postTo('X-A: b', ' Transfer-Encoding: chunked') + hidden,
  'two hosts': head('GET /public HTTP/1.1', 'Host: db.test', 'Host: admin.test'),
  'dot segments': requestTo('/public/../admin'),
  'dot segments in escapes': requestTo('/public/%2e%2e/admin'),
  'a slash in escapes': requestTo('/public/..%2fadmin'),
  'escapes twice': requestTo('/public/%252e%252e/admin'),
  'an empty segment': requestTo('//admin'),
  'a backslash': requestTo('/public/..\\admin'),
  'a path parameter': requestTo('/public/..;/admin'),
  'absolute form': requestTo('http://db.test/admin'),
  'Connection that names a header that policy went by': requestTo('/public').replace(
    'Connection: close',
    'Connection: close, X-Forwarded-Client-Cert',
  ),
  'an upgrade to HTTP/2': keptRequest(
    '/public',
    'GET',
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
  ),
  'HTTP/2 with prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'TLS of its own': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'a tunnel by CONNECT': head('CONNECT db.test:80 HTTP/1.1', 'Host: db.test:80'),
}

describe('an allowed peer that attacks by HTTP, through both sidecars', () => {
  const policy = requestsOfWeb("[{ paths: ['/public', '/public/**'] }]")

  for (const [what, bytes] of Object.entries(attacks)) {
    it(`is refused before the application hears of it: ${what}`, async () => {
      await using mesh = await startHttpMesh({ policy })
      const answer = await mesh.exchange(bytes + requestTo('/public'))
      expect(answer).to.match(/^HTTP\/1\.1 400 Bad Request\r\nBlazon-Reason: [a-z]+\r\n/)
      expect(answer.match(/HTTP\/1\.1 [0-9]/g)).to.have.length(1)
      expect(mesh.requests).to.deep.equal([])
      const record = await ingressRecord(mesh.controller, ({ verdict }) => verdict === 'DENY')
      expect(record).to.include({ reason: 'protocol-error', opened: 1, closed: 1 })
    })
  }

  it('is cut when it floods requests without waiting for answers', async () => {
    await using mesh = await startHttpMesh({ policy, answer: () => undefined })
    const client = connectClient(mesh.entrance, keptRequest('/public').repeat(1_000))
    expect(await client.ended).to.equal('ECONNRESET')
    expect(mesh.requests.length).to.be.lessThan(65)
    expect(mesh.taken.length).to.equal(1)
  })
}).timeout(60_000)
