import { expect } from 'chai'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connectClient } from '../../support/mesh-fixture.ts'
import {
  allowToService,
  startOutside,
  startOutsideMesh,
  type OutsideMesh,
} from '../../support/outside-mesh.ts'
import { eventually } from '../../support/poll.ts'

const office = '198.51.100.7'
const officeBytes = Buffer.from([198, 51, 100, 7])

/** What nobody may ever see in clear. */
const secret = 'the secret of the program'

describe('egress to peers outside the mesh', function () {
  this.timeout(30_000)

  const firstEntrance = ({ entrances: [entrance] }: OutsideMesh) => {
    if (entrance === undefined) throw new Error('BUG: no entrance')
    return entrance
  }

  it('carries bytes both ways, with half-close, and records the service as the peer', async () => {
    await using outside = await startOutside(office, (socket) => {
      socket.write('server speaks first\n')
      socket.on('end', () => socket.end('and last'))
    })
    const policy = allowToService('198.51.100.0/24')
    await using mesh = await startOutsideMesh({ egress: [outside.address], policy })
    const client = connectClient(firstEntrance(mesh), 'hello')
    await eventually(
      'what was to come',
      () => outside.received().toString() === 'hello' && client.text() !== '',
    )
    client.socket.end()
    expect(await client.ended).to.equal('end')
    expect(client.text()).to.equal('server speaks first\nand last')
    await eventually('what was to come', () =>
      mesh.controller.records.some(({ closed }) => closed > 0),
    )
    const [record] = mesh.controller.records
    expect(record).to.include({
      direction: 'EGRESS',
      peerSpiffeId: 'external:office',
      peerWorkloadId: '',
      destinationAddress: office,
      destinationPort: outside.address.port,
      verdict: 'ALLOW',
      reason: 'allowed-by-policy',
      policy: 'web-to-office',
      encryption: 'OPTIONAL',
    })
    const sum = (key: 'bytesSent' | 'bytesReceived'): number =>
      mesh.controller.records.reduce((total, each) => total + each[key], 0)
    expect([sum('bytesSent'), sum('bytesReceived')]).to.deep.equal([5, 28])
  })

  it('passes a reset on, either way', async () => {
    await using outside = await startOutside(office)
    const policy = allowToService(`${office}/32`)
    await using mesh = await startOutsideMesh({ egress: [outside.address], policy })
    const first = connectClient(firstEntrance(mesh), 'x')
    await eventually('what was to come', () => outside.received().length === 1)
    outside.sockets[0]?.resetAndDestroy()
    expect(await first.ended).to.equal('ECONNRESET')
    const second = connectClient(firstEntrance(mesh), 'y')
    await eventually('what was to come', () => outside.received().length === 2)
    const [, peer] = outside.sockets
    if (peer === undefined) throw new Error('expected a second connection')
    const broken = once(peer, 'error')
    second.socket.resetAndDestroy()
    const [error] = (await broken) as [unknown]
    expect(error).to.have.property('code', 'ECONNRESET')
  })

  it('is let end within the time to drain when the sidecar stops', async () => {
    await using outside = await startOutside(office)
    const policy = allowToService(`${office}/32`)
    const environment = { BLAZON_DRAIN: '20s' }
    await using mesh = await startOutsideMesh({ egress: [outside.address], policy, environment })
    const client = connectClient(firstEntrance(mesh), 'x')
    await eventually('what was to come', () => outside.received().length === 1)
    const stopped = mesh.web[Symbol.asyncDispose]()
    await eventually('the end of listening', async () => {
      return (await connectClient(firstEntrance(mesh), '').ended) === 'ECONNREFUSED'
    })
    client.socket.write('y')
    await eventually('what was to come', () => outside.received().toString() === 'xy')
    outside.sockets[0]?.end('last')
    client.socket.end()
    expect(await client.ended).to.equal('end')
    expect(client.text()).to.equal('last')
    await stopped
  })

  it('refuses with the reason where nobody listens', async () => {
    const port = await startOutside(office).then(async (gone) => {
      await gone[Symbol.asyncDispose]()
      return gone.address.port
    })
    const policy = allowToService('198.51.100.0/24')
    await using mesh = await startOutsideMesh({ egress: [{ host: office, port }], policy })
    expect(await connectClient(firstEntrance(mesh)).ended).to.equal('ECONNRESET')
    expect(mesh.log.of('connection').at(-1)).to.include({
      peer: 'external:office',
      verdict: 'allow',
      reason: 'application-refused',
    })
  })

  describe('never sends a byte of the program in clear', () => {
    const cases: Record<string, string> = {
      'to an address in no service': allowToService('203.0.113.0/24'),
      'to a port that the service does not have': allowToService(
        '198.51.100.0/24',
        ', ports: [tcp/1]',
      ),
      'without a policy': allowToService('198.51.100.0/24').split('---')[0] ?? '',
      'for another workload': allowToService('198.51.100.0/24').replace('app: web', 'app: db'),
      'against a deny': `${allowToService('198.51.100.0/24')}---
kind: NetworkPolicy
name: never
spec: { from: { label.app: web }, to: {}, action: deny }
`,
      'where a guardrail wants encryption': `${allowToService('198.51.100.0/24')}---
kind: Guardrail
name: encrypt
spec: { encryption: required }
`,
    }
    const reasonsOf: Record<string, string> = {
      'without a policy': 'no-policy-matched',
      'for another workload': 'no-policy-matched',
      'against a deny': 'denied-by-policy',
      'where a guardrail wants encryption': 'encryption-required',
    }
    const endings = {
      'resets tunnels': (socket: Socket) => {
        socket.once('data', () => socket.resetAndDestroy())
      },
      'resets connections': (socket: Socket) => socket.resetAndDestroy(),
      'swallows everything': () => undefined,
      'closes after the first bytes': (socket: Socket) => {
        socket.once('data', () => socket.end())
      },
      'answers in plain text': (socket: Socket) => {
        socket.write('220 welcome\r\n')
      },
    }
    for (const [how, policy] of Object.entries(cases)) {
      it(how, async () => {
        await using outside = await startOutside(office, endings['resets tunnels'])
        await using mesh = await startOutsideMesh({ egress: [outside.address], policy })
        const client = connectClient(firstEntrance(mesh), secret)
        expect(await client.ended).to.equal('ECONNRESET')
        expect(mesh.log.of('connection').at(-1)).to.include({
          verdict: 'deny',
          reason: reasonsOf[how] ?? 'no-tunnel',
        })
        expect(outside.received().includes(secret)).to.equal(false)
      })
    }
    for (const [what, onSocket] of Object.entries(endings)) {
      it(`to a mesh address in an allowed service, whoever is there ${what}, however often it is tried`, async () => {
        await using outside = await startOutside(office, onSocket)
        await using mesh = await startOutsideMesh({ egress: [outside.address] })
        mesh.controller.meshAddresses = [officeBytes]
        await mesh.setPolicy(allowToService('198.51.100.0/24'))
        for (let attempt = 0; attempt < 3; attempt++) {
          expect(await connectClient(firstEntrance(mesh), secret).ended).to.equal('ECONNRESET')
        }
        expect(mesh.log.of('connection').map(({ reason }) => reason)).to.deep.equal([
          'no-tunnel',
          'no-tunnel',
          'no-tunnel',
        ])
        expect(outside.sockets.length).to.be.at.least(1)
        expect(outside.received().includes(secret)).to.equal(false)
      })
    }
  })

  describe('decides again about what is open', () => {
    const open = allowToService('198.51.100.0/24')
    const changes: Record<string, readonly [policy: string, reason: string, policy: string]> = {
      'its allow is gone': [open.split('---')[0] ?? '', 'no-policy-matched', ''],
      'its service is elsewhere': [allowToService('203.0.113.0/24'), 'no-policy-matched', ''],
      'its service has other attributes': [
        open.replace('label.kind: office }', 'label.kind: other }'),
        'no-policy-matched',
        '',
      ],
      'it has to be encrypted': [
        `${open}---\nkind: Guardrail\nname: encrypt\nspec: { encryption: required }\n`,
        'encryption-required',
        'encrypt',
      ],
    }
    for (const [what, [policy, reason, name]] of Object.entries(changes)) {
      it(`cuts a connection once ${what}`, async () => {
        await using outside = await startOutside(office)
        await using mesh = await startOutsideMesh({ egress: [outside.address], policy: open })
        const client = connectClient(firstEntrance(mesh), 'x')
        await eventually('what was to come', () => outside.received().length === 1)
        await mesh.setPolicy(policy)
        expect(await client.ended).to.equal('ECONNRESET')
        await eventually('what was to come', () => mesh.log.of('connection').length === 1)
        expect(mesh.log.of('connection')[0]).to.include({ verdict: 'deny', reason, policy: name })
      })
    }

    it('cuts a connection once its service has expired, and opens no other', async () => {
      await using outside = await startOutside(office)
      const ends = new Date(Date.now() + 4_000).toISOString()
      const policy = allowToService('198.51.100.0/24', `, expires: ${ends}`)
      await using mesh = await startOutsideMesh({ egress: [outside.address], policy })
      const client = connectClient(firstEntrance(mesh), 'x')
      await eventually('what was to come', () => outside.received().length === 1)
      expect(await client.ended).to.equal('ECONNRESET')
      expect(Date.now()).to.be.at.least(Date.parse(ends))
      await eventually('what was to come', () => mesh.log.of('connection').length === 1)
      expect(mesh.log.of('connection')[0]).to.include({ reason: 'no-policy-matched' })
      connectClient(firstEntrance(mesh), secret)
      await eventually('what was to come', () => outside.received().length > 100)
      expect(outside.received().includes(secret)).to.equal(false)
    })

    it('cuts a connection to what turns out to be a workload, and dials a tunnel the next time', async () => {
      await using outside = await startOutside(office)
      await using mesh = await startOutsideMesh({ egress: [outside.address], policy: open })
      const client = connectClient(firstEntrance(mesh), 'x')
      await eventually('what was to come', () => outside.received().length === 1)
      mesh.controller.meshAddresses = [officeBytes]
      await mesh.setPolicy(open)
      expect(await client.ended).to.equal('ECONNRESET')
      expect(mesh.log.of('connection')[0]).to.include({ reason: 'encryption-required' })
      connectClient(firstEntrance(mesh), secret)
      await eventually('what was to come', () => outside.received().length > 100)
      expect(outside.received()[1]).to.equal(0x16)
      expect(outside.received().includes(secret)).to.equal(false)
    })

    it('keeps a connection that another policy allows', async () => {
      await using outside = await startOutside(office, (socket) => socket.pipe(socket))
      await using mesh = await startOutsideMesh({ egress: [outside.address], policy: open })
      const client = connectClient(firstEntrance(mesh), 'x')
      await eventually('what was to come', () => client.text() === 'x')
      await mesh.setPolicy(open.replace('name: web-to-office', 'name: another'))
      client.socket.write('y')
      await eventually('what was to come', () => client.text() === 'xy')
      client.socket.destroy()
    })
  })

  it('lets an Observe that is open to the outside through to any address but those of the mesh', async () => {
    const observe = `
kind: Observe
name: first-week
spec: { scope: { label.app: web }, external: true, expires: 2099-01-01T00:00:00Z }
`
    await using outside = await startOutside(office)
    await using mesh = await startOutsideMesh({ egress: [outside.address], policy: observe })
    const client = connectClient(firstEntrance(mesh), 'x')
    await eventually('what was to come', () => outside.received().length === 1)
    await eventually('what was to come', () => mesh.controller.records.length > 0)
    expect(mesh.controller.records[0]).to.include({
      peerSpiffeId: 'external:(unlisted)',
      reason: 'allowed-by-observe',
      policy: 'first-week',
    })
    mesh.controller.meshAddresses = [officeBytes]
    await mesh.setPolicy(observe)
    expect(await client.ended).to.equal('ECONNRESET')
  })
})
