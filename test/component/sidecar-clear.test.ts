import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import {
  connectClient,
  recordingLogger,
  startMesh,
  type MeshWish,
  type TestMesh,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { startHop, type RecordingHop } from '../support/recording-hop.ts'

const secret = 'the secret of the program'

const allow = (encryption: string, more = ''): string => `
kind: NetworkPolicy
name: web-to-db
spec:
  from: { label.app: web }
  to: { label.app: db }
  action: allow
  encryption: ${encryption}
${more}`
const required = `
---
kind: Guardrail
name: encrypt
spec: { encryption: required }
`

interface SeenMesh extends TestMesh {
  readonly hop: RecordingHop
  readonly log: ReturnType<typeof recordingLogger>
  setPolicy(text: string): Promise<void>
}

/** Two sidecars with a hop between them that sees everything. */
async function startSeen(policy: string, wish: MeshWish = {}): Promise<SeenMesh> {
  const hop = await startHop()
  const log = recordingLogger()
  const mesh = await startMesh({
    ...{ policy: policy.replaceAll('HOP', String(hop.address.port)), log, ...wish },
    environment: {
      BLAZON_DIAL_TIMEOUT: '1s',
      BLAZON_APPLICATION_TIMEOUT: '1500ms',
      ...wish.environment,
    },
    through: (ingress) => {
      hop.target = ingress
      return hop.address
    },
  })
  return {
    ...mesh,
    hop,
    log,
    setPolicy: async (text) => {
      const version = mesh.controller.setPolicy(text)
      await eventually(
        'both acknowledgements',
        () => mesh.controller.acknowledged.filter((each) => each.version === version).length >= 2,
      )
    },
    [Symbol.asyncDispose]: async () => {
      await mesh[Symbol.asyncDispose]()
      await hop[Symbol.asyncDispose]()
    },
  }
}

async function echo(mesh: TestMesh, text = secret): Promise<ReturnType<typeof connectClient>> {
  const client = connectClient(mesh.entrance, text)
  await eventually('the echo', () => client.text() === text)
  return client
}

describe('a pair that policy lets speak in clear', function () {
  this.timeout(30_000)

  it('does, once it has proven itself in a tunnel, and is recorded so at both ends', async () => {
    await using mesh = await startSeen(allow('none'))
    const client = await echo(mesh)
    expect(mesh.hop.connections).to.have.length(2)
    const [tunnel, data] = mesh.hop.connections
    expect(tunnel?.forth()[0]).to.equal(0x16)
    expect(data?.forth().subarray(-secret.length).toString()).to.equal(secret)
    expect(data?.back().subarray(-secret.length).toString()).to.equal(secret)
    client.socket.end()
    expect(await client.ended).to.equal('end')
    for (const direction of ['EGRESS', 'INGRESS'] as const) {
      const record = await eventually('its record', () =>
        mesh.controller.records.find((one) => one.direction === direction && one.closed === 1),
      )
      expect(record).to.include({ verdict: 'ALLOW', policy: 'web-to-db', encryption: 'NONE' })
    }
  })

  it('carries many connections at once, each in one of its own', async () => {
    await using mesh = await startSeen(allow('none'))
    const texts = Array.from({ length: 20 }, (_, at) => `${secret} ${String(at)}`)
    const clients = await Promise.all(texts.map(async (text) => await echo(mesh, text)))
    const inClear = mesh.hop.connections.filter((one) => one.forth().includes(secret))
    expect(inClear).to.have.length(20)
    for (const { socket } of clients) socket.end()
    for (const { ended } of clients) expect(await ended).to.equal('end')
  })

  it('carries much, in half-closed connections too, to the last byte', async () => {
    const bytes = Buffer.alloc(8 * 1024 * 1024, 'x')
    const onSocket = (socket: Socket): void => {
      let count = 0
      socket.on('data', (chunk: Buffer) => (count += chunk.length))
      socket.on('end', () => {
        socket.write(`${String(count)} `)
        socket.end(bytes)
      })
    }
    await using mesh = await startSeen(allow('none'), { onSocket })
    const client = connectClient(mesh.entrance)
    client.socket.end(bytes)
    expect(await client.ended).to.equal('end')
    expect(client.text().length).to.equal(`${String(bytes.length)} `.length + bytes.length)
  })

  it('is reset where its program or its application resets', async () => {
    let accepted: Socket | undefined
    await using mesh = await startSeen(allow('none'), {
      onSocket: (socket) => {
        accepted = socket
        socket.pipe(socket)
      },
    })
    const first = await echo(mesh)
    accepted?.resetAndDestroy()
    expect(await first.ended).to.equal('ECONNRESET')
    const second = await echo(mesh)
    if (accepted === undefined) throw new Error('expected a connection')
    const broken = once(accepted, 'error')
    second.socket.resetAndDestroy()
    expect(((await broken) as [NodeJS.ErrnoException])[0].code).to.equal('ECONNRESET')
  })

  describe('speaks through the tunnel', () => {
    const encrypted: Readonly<Record<string, string>> = {
      'where policy asks for encryption': allow('required'),
      'where policy would do without it only outside the mesh': allow('optional'),
      'where a guardrail asks for it': allow('none', required),
      'where another allow asks for it': `${allow('none')}---${allow('required').replace('web-to-db', 'other')}`,
      'where only the dialling end would do without it': `${allow('none', '  ports: [tcp/HOP]')}
---${allow('required', '  ports: [tcp/PORT]').replace('web-to-db', 'other')}`,
      'where only the accepting end would do without it': `${allow('required', '  ports: [tcp/HOP]')}
---${allow('none', '  ports: [tcp/PORT]').replace('web-to-db', 'other')}`,
      'under an Observe': `
kind: Observe
name: week
spec: { scope: {}, expires: 2099-01-01T00:00:00Z }
`,
    }
    for (const [what, policy] of Object.entries(encrypted)) {
      it(what, async () => {
        await using mesh = await startSeen(policy)
        const client = await echo(mesh)
        expect(mesh.hop.connections).to.have.length(1)
        expect(mesh.hop.seen().includes(secret)).to.equal(false)
        client.socket.end()
        expect(await client.ended).to.equal('end')
      })
    }
  })

  for (const [what, policy] of Object.entries({
    'a policy': allow('required'),
    'a guardrail': allow('none', required),
  })) {
    it(`is cut once ${what} asks for encryption, and encrypted when it connects again, without a restart`, async () => {
      await using mesh = await startSeen(allow('none'))
      const client = await echo(mesh, 'in clear')
      expect(mesh.hop.seen().includes('in clear')).to.equal(true)
      await mesh.setPolicy(policy)
      expect(await client.ended).to.equal('ECONNRESET')
      for (const direction of ['egress', 'ingress']) {
        const record = await eventually('its end', () =>
          mesh.log.of('connection').find((one) => one['direction'] === direction),
        )
        expect(record).to.include({ verdict: 'deny', reason: 'encryption-required' })
      }
      const again = await echo(mesh)
      expect(mesh.hop.seen().includes(secret)).to.equal(false)
      again.socket.destroy()
    })
  }

  it('is cut with its reason where it is denied', async () => {
    await using mesh = await startSeen(allow('none'))
    const client = await echo(mesh)
    await mesh.setPolicy(allow('none').replace('app: web', 'app: nobody'))
    expect(await client.ended).to.equal('ECONNRESET')
    await eventually('its end', () =>
      mesh.log.of('connection').some(({ reason }) => reason === 'no-policy-matched'),
    )
  })

  it('ends with its tunnel', async () => {
    await using mesh = await startSeen(allow('none'))
    const client = await echo(mesh)
    mesh.hop.connections[0]?.near.resetAndDestroy()
    expect(await client.ended).to.equal('ECONNRESET')
  })

  describe('never says a byte in clear', () => {
    for (const fate of ['reset', 'swallow'] as const) {
      it(`where the tunnel is ${fate === 'reset' ? 'reset' : 'swallowed'} on the way`, async () => {
        await using mesh = await startSeen(allow('none'))
        mesh.hop.onConnection = () => fate
        for (let attempt = 0; attempt < 3; attempt++) {
          expect(await connectClient(mesh.entrance, secret).ended).to.equal('ECONNRESET')
        }
        expect(mesh.hop.seen().includes(secret)).to.equal(false)
      })

      it(`where the connection in clear is ${fate === 'reset' ? 'reset' : 'swallowed'}`, async () => {
        await using mesh = await startSeen(allow('none'))
        mesh.hop.onConnection = (index) => (index === 0 ? 'pass' : fate)
        expect(await connectClient(mesh.entrance, secret).ended).to.equal('ECONNRESET')
        expect(mesh.hop.seen().includes(secret)).to.equal(false)
        expect(mesh.log.of('connection').at(-1)).to.include({ reason: 'no-tunnel' })
      })
    }

    it('more, once somebody in between has ended it for the other end', async () => {
      await using mesh = await startSeen(allow('none'))
      const client = await echo(mesh, 'x')
      let isEnded = false
      client.socket.on('end', () => (isEnded = true))
      const data = mesh.hop.connections[1]
      data?.far.unpipe(data.near)
      data?.near.end()
      client.socket.write('y')
      await eventually('what was to come', () => data?.forth().toString().endsWith('xy') === true)
      expect(isEnded).to.equal(false)
      client.socket.destroy()
    })

    it('to somebody in between who answers in the place of the other end', async () => {
      await using mesh = await startSeen(allow('none'))
      mesh.hop.onConnection = (index) => (index === 0 ? 'pass' : 'swallow')
      const client = connectClient(mesh.entrance, secret)
      const taken = await eventually('the connection in clear', () => {
        const second = mesh.hop.connections[1]
        return second !== undefined && second.forth().length > 0 ? second : undefined
      })
      taken.near.write(Buffer.alloc(32, 1))
      expect(await client.ended).to.equal('ECONNRESET')
      expect(taken.forth().includes(secret)).to.equal(false)
    })
  })

  describe('is not taken for it by the accepting end', () => {
    const endOf = async (socket: Socket): Promise<string> => {
      const { promise, resolve } = Promise.withResolvers<string>()
      socket.on('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? '')
      })
      socket.on('close', () => {
        resolve('close')
      })
      socket.resume()
      return await promise
    }

    it('where a preamble is played again', async () => {
      await using mesh = await startSeen(allow('none'))
      const client = await echo(mesh, 'x')
      const used = mesh.hop.connections[1]?.forth().subarray(0, -1)
      if (used === undefined) throw new Error('expected a connection in clear')
      // Another connection is waited for, so that arrivals are looked at; and another tunnel is tried.
      mesh.hop.onConnection = (index) => (index >= 2 ? 'swallow' : 'pass')
      const waiting = connectClient(mesh.entrance, secret)
      await eventually('another', () => mesh.hop.connections.length === 4)
      const before = mesh.application.sockets.length
      const replay = connect(mesh.ingress)
      replay.write(Buffer.concat([used, Buffer.from('GET / HTTP/1.1')]))
      expect(await endOf(replay)).to.be.oneOf(['ECONNRESET', 'close'])
      expect(mesh.application.sockets.length).to.equal(before)
      expect(await waiting.ended).to.equal('ECONNRESET')
      client.socket.destroy()
    })

    it('where its proof is wrong; who has the right one is still taken', async () => {
      await using mesh = await startSeen(allow('none'))
      mesh.hop.onConnection = (index) => (index === 1 ? 'swallow' : 'pass')
      const client = connectClient(mesh.entrance, secret)
      const held = await eventually('the connection in clear', () => {
        const second = mesh.hop.connections[1]
        return second !== undefined && second.forth().length > 0 ? second : undefined
      })
      const preamble = held.forth()
      const wrong = Buffer.from(preamble)
      wrong.writeUInt8(wrong.readUInt8(wrong.length - 1) ^ 1, wrong.length - 1)
      const forged = connect(mesh.ingress)
      forged.write(wrong)
      expect(await endOf(forged)).to.be.oneOf(['ECONNRESET', 'close'])
      const right = connect(mesh.ingress)
      right.pipe(held.near)
      held.near.pipe(right)
      right.write(preamble)
      await eventually('the echo', () => client.text() === secret)
      client.socket.destroy()
    })

    it('where nothing was agreed on', async () => {
      await using mesh = await startSeen(allow('none'))
      const stranger = connect(mesh.ingress)
      stranger.write(Buffer.concat([Buffer.from('\0blazon-clear/1\n'), Buffer.alloc(52)]))
      expect(await endOf(stranger)).to.be.oneOf(['ECONNRESET', 'close'])
      expect(mesh.application.sockets).to.have.length(0)
    })
  })
})
