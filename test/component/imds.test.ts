import { once } from 'node:events'
import * as http from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { expect } from 'chai'
import { AwsError, createImds, openInstanceMetadata, type Imds } from '../../src/aws/index.ts'
import type { HostPort } from '../../src/base/env.ts'
import { messageOf } from '../../src/base/errors.ts'
import { expectRejection } from '../support/expect-error.ts'
import { startFakeImds, type FakeImds } from '../support/fake-imds.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const { signal } = new AbortController()
const mac = '/latest/meta-data/mac'
const content = { 'meta-data/mac': '02:29:96:8f:6a:2d' }

const imdsAt = (...endpoints: readonly HostPort[]): Imds =>
  createImds({ endpoints, timeoutMs: 200, firstPauseMs: 1 })

async function closedPort(): Promise<HostPort> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { host: '127.0.0.1', port }
}

const count = ({ requests }: FakeImds, what: string): number =>
  requests.filter((request) => request.startsWith(what)).length

describe('the metadata service client', () => {
  it('gets a token by PUT and reads with it', async () => {
    await using fake = await startFakeImds(content)
    const value = await imdsAt(fake.address).read(mac, signal)
    expect(value?.toString()).to.equal(content['meta-data/mac'])
    expect(fake.requests).to.deep.equal(['PUT /latest/api/token', `GET ${mac}`])
    expect(Number(fake.headers[0]?.['x-aws-ec2-metadata-token-ttl-seconds'])).to.be.within(
      1,
      21_600,
    )
    expect(fake.headers[0]).to.not.have.property('x-forwarded-for')
  })

  it('uses a token again', async () => {
    await using fake = await startFakeImds(content)
    const imds = imdsAt(fake.address)
    for (let times = 0; times < 3; times += 1) await imds.read(mac, signal)
    expect(count(fake, 'PUT')).to.equal(1)
  })

  it('gets a new token before the old one expires', async () => {
    await using fake = await startFakeImds(content)
    const clock = createFakeClock(0)
    const imds = createImds({ endpoints: [fake.address], clock })
    await imds.read(mac, signal)
    clock.advance(300_000)
    await imds.read(mac, signal)
    expect(fake.requests).to.deep.equal([
      'PUT /latest/api/token',
      `GET ${mac}`,
      'PUT /latest/api/token',
      `GET ${mac}`,
    ])
  })

  it('gets a new token when the service does not know the old one any more', async () => {
    await using fake = await startFakeImds(content)
    const imds = imdsAt(fake.address)
    await imds.read(mac, signal)
    fake.pass(6 * 3_600_000)
    expect(await imds.read(mac, signal)).to.be.instanceOf(Buffer)
    expect(count(fake, 'PUT')).to.equal(2)
  })

  it('does not ask for ever with tokens that are refused', async () => {
    await using fake = await startFakeImds(content)
    fake.fault = ({ method }) => (method === 'GET' ? { status: 401, body: '' } : undefined)
    await expectRejection(imdsAt(fake.address).read(mac, signal), AwsError, 'ERR_IMDS_TOKEN')
    expect(count(fake, 'GET')).to.equal(2)
  })

  it('says undefined for what is not there', async () => {
    await using fake = await startFakeImds()
    expect(await imdsAt(fake.address).read(mac, signal)).to.equal(undefined)
  })

  it('says when the service is turned off', async () => {
    await using fake = await startFakeImds(content)
    fake.enabled = false
    await expectRejection(imdsAt(fake.address).read(mac, signal), AwsError, 'ERR_IMDS_OFF')
  })

  for (const status of [429, 500, 503]) {
    it(`asks again after ${String(status)}, for the token and for the value`, async () => {
      await using fake = await startFakeImds(content)
      fake.fault = () => {
        const { length } = fake.requests
        return length === 1 || length === 3 ? { status, body: '' } : undefined
      }
      expect(await imdsAt(fake.address).read(mac, signal)).to.be.instanceOf(Buffer)
      expect(count(fake, 'PUT')).to.equal(2)
      expect(count(fake, 'GET')).to.equal(2)
    })
  }

  it('gives up after four tries', async () => {
    await using fake = await startFakeImds(content)
    fake.fault = ({ method }) => (method === 'GET' ? { status: 503, body: '' } : undefined)
    await expectRejection(imdsAt(fake.address).read(mac, signal), AwsError, 'ERR_IMDS_BUSY')
    expect(count(fake, 'GET')).to.equal(4)
  })

  it('follows no redirect', async () => {
    await using elsewhere = await startFakeImds(content)
    await using fake = await startFakeImds(content)
    const location = `http://127.0.0.1:${String(elsewhere.address.port)}${mac}`
    fake.fault = ({ method }) =>
      method === 'GET' ? { status: 307, body: '', headers: { location } } : undefined
    await expectRejection(imdsAt(fake.address).read(mac, signal), AwsError, 'ERR_IMDS_ANSWER')
    expect(elsewhere.requests).to.deep.equal([])
  })

  it('takes no proxy from the environment', async () => {
    await using proxy = await startFakeImds(content)
    await using fake = await startFakeImds(content)
    const restore = http.setGlobalProxyFromEnv({
      http_proxy: `http://127.0.0.1:${String(proxy.address.port)}`,
    })
    try {
      expect(await imdsAt(fake.address).read(mac, signal)).to.be.instanceOf(Buffer)
    } finally {
      restore()
    }
    expect(proxy.requests).to.deep.equal([])
  })

  it('stops reading an answer that is too large', async () => {
    await using fake = await startFakeImds(content)
    fake.fault = ({ method }, response) => {
      if (method !== 'GET') return undefined
      response.writeHead(200)
      response.write(Buffer.alloc(1024 * 1024)) // and no end
      return 'handled'
    }
    const read = imdsAt(fake.address).read(mac, signal)
    await expectRejection(read, AwsError, 'ERR_IMDS_TOO_LARGE')
  })

  it('refuses a token that is too long', async () => {
    await using fake = await startFakeImds(content)
    fake.fault = () => ({ status: 200, body: 'a'.repeat(2_000) })
    const read = imdsAt(fake.address).read(mac, signal)
    await expectRejection(read, AwsError, 'ERR_IMDS_TOO_LARGE')
  })

  for (const body of ['', 'a token', 'töken', '<html>\r\nx: y']) {
    it(`refuses ${JSON.stringify(body)} as a token`, async () => {
      await using fake = await startFakeImds(content)
      fake.fault = () => ({ status: 200, body })
      const read = imdsAt(fake.address).read(mac, signal)
      await expectRejection(read, AwsError, 'ERR_IMDS_ANSWER')
    })
  }

  it('names the hop limit when nothing answers', async () => {
    await using fake = await startFakeImds(content)
    fake.fault = () => 'silence'
    const failure: unknown = await imdsAt(fake.address)
      .read(mac, signal)
      .catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(AwsError).with.property('code', 'ERR_IMDS_UNREACHABLE')
    expect(messageOf(failure)).to.match(
      /no answer within 200 ms.*hop limit.*HttpPutResponseHopLimit/,
    )
  })

  it('asks at the next address when nobody listens at the first, and stays there', async () => {
    await using fake = await startFakeImds(content, '::1')
    const imds = imdsAt(await closedPort(), fake.address)
    await imds.read(mac, signal)
    expect(await imds.read(mac, signal)).to.be.instanceOf(Buffer)
    expect(fake.headers[0]?.host).to.equal(`[::1]:${String(fake.address.port)}`)
  })

  it('says which addresses it tried', async () => {
    const [first, second] = [await closedPort(), await closedPort()]
    const failure: unknown = await imdsAt(first, second)
      .read(mac, signal)
      .catch((error: unknown) => error)
    expect(messageOf(failure))
      .to.include(`127.0.0.1:${String(first.port)}`)
      .and.to.include(`127.0.0.1:${String(second.port)}`)
  })

  it('ends when it is told to', async () => {
    await using fake = await startFakeImds(content)
    fake.fault = () => 'silence'
    const stop = new AbortController()
    const imds = createImds({ endpoints: [fake.address], timeoutMs: 60_000 })
    const read = imds.read(mac, stop.signal).catch((error: unknown) => error)
    const reason = new Error('enough')
    stop.abort(reason)
    expect(await read).to.equal(reason)
  })

  it('reads the document in each of its forms', async () => {
    await using fake = await startFakeImds({
      'dynamic/instance-identity/document': '{}',
      'dynamic/instance-identity/rsa2048': 'cg==',
      'dynamic/instance-identity/pkcs7': 'cA==',
      'dynamic/instance-identity/signature': 'cw==',
    })
    const metadata = openInstanceMetadata(imdsAt(fake.address))
    const read = async (form: Parameters<typeof metadata.identity>[0]): Promise<string> =>
      String(await metadata.identity(form, signal))
    expect(await read('document')).to.equal('{}')
    expect(await read('rsa2048')).to.equal('cg==')
    expect(await read('pkcs7')).to.equal('cA==')
    expect(await read('signature')).to.equal('cw==')
  })
})

describe('the simulated metadata service', () => {
  const ask = async (
    { address }: FakeImds,
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: string }> => {
    const request = http.request({ ...address, method, path, headers, agent: false }).end()
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    let body = ''
    for await (const chunk of response as AsyncIterable<Buffer>) body += chunk.toString()
    return { status: response.statusCode ?? 0, body }
  }
  const ttl = 'x-aws-ec2-metadata-token-ttl-seconds'
  const tokenHeader = 'x-aws-ec2-metadata-token'

  it('wants a token for every read', async () => {
    await using fake = await startFakeImds(content)
    expect((await ask(fake, 'GET', mac)).status).to.equal(401)
    expect((await ask(fake, 'GET', mac, { [tokenHeader]: 'made-up' })).status).to.equal(401)
    const { body: token } = await ask(fake, 'PUT', '/latest/api/token', { [ttl]: '60' })
    expect((await ask(fake, 'GET', mac, { [tokenHeader]: token })).status).to.equal(200)
    expect((await ask(fake, 'GET', '/latest/x', { [tokenHeader]: token })).status).to.equal(404)
    fake.pass(60_000)
    expect((await ask(fake, 'GET', mac, { [tokenHeader]: token })).status).to.equal(401)
  })

  for (const value of ['', '0', '-1', '21601', '1.5', 'x', '999999']) {
    it(`refuses a token for ${JSON.stringify(value)} seconds`, async () => {
      await using fake = await startFakeImds(content)
      const headers: Record<string, string> = value === '' ? {} : { [ttl]: value }
      expect((await ask(fake, 'PUT', '/latest/api/token', headers)).status).to.equal(400)
    })
  }

  it('gives no token to a request that a proxy has passed on', async () => {
    await using fake = await startFakeImds(content)
    const headers = { [ttl]: '60', 'x-forwarded-for': '10.0.0.1' }
    const { status, body } = await ask(fake, 'PUT', '/latest/api/token', headers)
    expect({ status, body }).to.deep.equal({ status: 403, body: '' })
  })

  it('answers nothing but 403 when it is off', async () => {
    await using fake = await startFakeImds(content)
    fake.enabled = false
    expect((await ask(fake, 'PUT', '/latest/api/token', { [ttl]: '60' })).status).to.equal(403)
    expect((await ask(fake, 'GET', mac)).status).to.equal(403)
  })

  it('has no other methods', async () => {
    await using fake = await startFakeImds(content)
    expect((await ask(fake, 'POST', mac)).status).to.equal(405)
    expect((await ask(fake, 'PUT', mac, { [ttl]: '60' })).status).to.equal(404)
  })
})
