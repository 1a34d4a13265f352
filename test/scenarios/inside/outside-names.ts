import { connect as connectTls } from 'node:tls'
import { connect } from 'node:net'
import { expect } from 'chai'
import { startResolver, type FakeResolver } from '../../support/fake-resolver.ts'
import { connectClient } from '../../support/mesh-fixture.ts'
import { allowToOffice } from '../../support/office-policy.ts'
import { startOutside, startOutsideMesh, type OutsideMesh } from '../../support/outside-mesh.ts'
import { eventually } from '../../support/poll.ts'

const office = '198.51.100.7'
const privateOffice = '10.0.0.7'
const name = 'api.example.com'
const secret = 'the secret of the program'

/** A service that is known by names, and an allow of `web` to it. */
const allowToNames = (names: string, more = ''): string => allowToOffice(`dns: [${names}]${more}`)

/** `web` with a listener that stands for a name, and the resolver that it asks. */
async function startNamed(wish: {
  readonly port: number
  readonly addresses: readonly string[]
  readonly policy: string
}): Promise<OutsideMesh & { readonly resolver: FakeResolver }> {
  const resolver = await startResolver('203.0.113.5')
  resolver.addresses.set(name, wish.addresses)
  const mesh = await startOutsideMesh({
    egress: [{ host: name, port: wish.port }],
    environment: { BLAZON_RESOLVERS: `203.0.113.5:${String(resolver.address.port)}` },
    policy: wish.policy,
  })
  return {
    ...mesh,
    resolver,
    [Symbol.asyncDispose]: async () => {
      await mesh[Symbol.asyncDispose]()
      await resolver[Symbol.asyncDispose]()
    },
  }
}

const firstEntrance = ({ entrances: [entrance] }: OutsideMesh) => {
  if (entrance === undefined) throw new Error('BUG: no entrance')
  return entrance
}

describe('egress to peers outside the mesh that are known by name', function () {
  this.timeout(30_000)

  for (const [what, names] of Object.entries({
    'by its own name': name,
    'by a name above it': "'*.example.com'",
    'among others': `other.example.org, ${name}`,
  })) {
    it(`reaches a service ${what}, and records it as the peer`, async () => {
      await using outside = await startOutside(office, (socket) => socket.pipe(socket))
      const { port } = outside.address
      await using mesh = await startNamed({
        ...{ port, addresses: [office], policy: allowToNames(names) },
      })
      const client = connectClient(firstEntrance(mesh), 'hello')
      await eventually('the echo', () => client.text() === 'hello')
      client.socket.end()
      expect(await client.ended).to.equal('end')
      await eventually('the record', () => mesh.log.of('connection').length === 1)
      expect(mesh.log.of('connection')[0]).to.include({
        peer: 'external:office',
        verdict: 'allow',
        policy: 'web-to-office',
      })
    })
  }

  it('reaches a private address where the service says that DNS may answer with one', async () => {
    await using outside = await startOutside(privateOffice)
    const { port } = outside.address
    const policy = allowToNames(name, ', private: true')
    await using mesh = await startNamed({ port, addresses: [privateOffice], policy })
    connectClient(firstEntrance(mesh), 'hello')
    await eventually('what was to come', () => outside.received().toString() === 'hello')
  })

  it('refuses where the name has no address', async () => {
    await using mesh = await startNamed({ port: 9, addresses: [], policy: allowToNames(name) })
    expect(await connectClient(firstEntrance(mesh), secret).ended).to.equal('ECONNRESET')
    expect(mesh.log.of('connection')[0]).to.include({ reason: 'application-unreachable' })
  })

  describe('never sends a byte of the program in clear', () => {
    const elsewhere: Readonly<Record<string, readonly [address: string, policy: string]>> = {
      'to a private address that nobody spoke of': [privateOffice, allowToNames(name)],
      'to a name that the service does not have': [office, allowToNames('other.example.com')],
      'to the name itself under "*."': [office, allowToNames("'*.api.example.com'")],
      'to a port that the service does not have': [office, allowToNames(name, ', ports: [tcp/1]')],
      'without a policy': [office, allowToNames(name).split('---')[0] ?? ''],
    }
    for (const [what, [address, policy]] of Object.entries(elsewhere)) {
      it(what, async () => {
        await using outside = await startOutside(address, (socket) => {
          socket.once('data', () => socket.resetAndDestroy())
        })
        const { port } = outside.address
        await using mesh = await startNamed({ port, addresses: [address], policy })
        expect(await connectClient(firstEntrance(mesh), secret).ended).to.equal('ECONNRESET')
        expect(outside.received().includes(secret)).to.equal(false)
      })
    }

    it('to a workload whose address DNS is made to answer with', async () => {
      await using outside = await startOutside(office, (socket) => {
        socket.once('data', () => socket.resetAndDestroy())
      })
      const { port } = outside.address
      await using mesh = await startNamed({ port, addresses: [office], policy: '' })
      mesh.controller.meshAddresses = [Buffer.from([198, 51, 100, 7])]
      await mesh.setPolicy(allowToNames(name, ', private: true'))
      expect(await connectClient(firstEntrance(mesh), secret).ended).to.equal('ECONNRESET')
      expect(mesh.log.of('connection').at(-1)).to.include({ reason: 'no-tunnel' })
      expect(outside.received().includes(secret)).to.equal(false)
    })

    for (const address of ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1']) {
      it(`to ${address}, whatever DNS says`, async () => {
        await using outside = await startOutside('0.0.0.0')
        const { port } = outside.address
        const policy = allowToNames(name, ', private: true')
        await using mesh = await startNamed({ port, addresses: [address], policy })
        expect(await connectClient(firstEntrance(mesh), secret).ended).to.equal('ECONNRESET')
        expect(outside.sockets).to.have.length(0)
      })
    }
  })

  it('cuts a connection to what turns out to be a workload', async () => {
    await using outside = await startOutside(office)
    const { port } = outside.address
    const policy = allowToNames(name)
    await using mesh = await startNamed({ port, addresses: [office], policy })
    const client = connectClient(firstEntrance(mesh), 'x')
    await eventually('what was to come', () => outside.received().length === 1)
    mesh.controller.meshAddresses = [Buffer.from([198, 51, 100, 7])]
    await mesh.setPolicy(policy)
    expect(await client.ended).to.equal('ECONNRESET')
    expect(mesh.log.of('connection')[0]).to.include({ reason: 'encryption-required' })
  })

  describe('to a service that may share its address', () => {
    const policy = allowToNames(`${name}, '*.example.net'`, ', sni: true')
    const shared = async () => {
      const outside = await startOutside(office, (socket) => {
        // Who dials a tunnel here is told that this is no sidecar.
        socket.once('data', (bytes) => {
          if (bytes.includes('blazon/1')) socket.resetAndDestroy()
        })
      })
      const { port } = outside.address
      return { outside, mesh: await startNamed({ port, addresses: [office], policy }) }
    }

    for (const asked of [name, 'API.example.COM', 'cdn.example.net']) {
      it(`lets a TLS client through that asks for ${asked}`, async () => {
        const { outside, mesh } = await shared()
        const to = firstEntrance(mesh)
        const client = connectTls({ socket: connect(to), servername: asked })
        client.on('error', () => undefined)
        await eventually('its first message', () => outside.received().includes(asked))
        client.destroy()
        await mesh[Symbol.asyncDispose]()
        await outside[Symbol.asyncDispose]()
      })
    }

    it('refuses a TLS client that asks for another, or for none', async () => {
      const { outside, mesh } = await shared()
      for (const servername of ['evil.example.org', 'example.net', '']) {
        const client = connectTls({ socket: connect(firstEntrance(mesh)), servername })
        const error = await new Promise<Error>((resolve) => client.on('error', resolve))
        expect(error).to.have.property('code', 'ECONNRESET')
        expect(mesh.log.of('connection').at(-1)).to.include({
          verdict: 'deny',
          reason: 'wrong-server-name',
        })
      }
      expect(outside.received().includes('evil.example.org')).to.equal(false)
      await mesh[Symbol.asyncDispose]()
      await outside[Symbol.asyncDispose]()
    })

    it('refuses what is not TLS', async () => {
      const { outside, mesh } = await shared()
      expect(await connectClient(firstEntrance(mesh), secret).ended).to.equal('ECONNRESET')
      expect(mesh.log.of('connection').at(-1)).to.include({ reason: 'wrong-server-name' })
      expect(outside.received().includes(secret)).to.equal(false)
      await mesh[Symbol.asyncDispose]()
      await outside[Symbol.asyncDispose]()
    })
  })
})
