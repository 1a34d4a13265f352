import { expect } from 'chai'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { clientHello } from '../../support/tunnel-client-hello.ts'
import {
  connectClient,
  startApplication,
  startTestSidecar,
  temporaryDirectory,
} from '../../support/mesh-fixture.ts'
import { startOutsideMesh } from '../../support/outside-mesh.ts'
import { eventually } from '../../support/poll.ts'

const scanner = '203.0.113.5'
const stranger = '203.0.113.66'

const fromOffice = `
kind: ExternalService
name: office
spec: { cidrs: [203.0.113.0/26], attributes: { label.kind: office } }
---
kind: NetworkPolicy
name: office-to-web
spec:
  from: { external: { label.kind: office } }
  to: { label.app: web }
  action: allow
  encryption: optional
`

async function fixture(policy: string, onSocket?: (socket: Socket) => void) {
  await using stack = new AsyncDisposableStack()
  const application = stack.use(await startApplication(onSocket))
  const mesh = stack.use(await startOutsideMesh({ ingress: [application.address], policy }))
  const [listener] = mesh.web.ingressAddresses
  if (listener === undefined) throw new Error('BUG: no listener')
  const parts = stack.move()
  return {
    application,
    mesh,
    listener,
    call: (from: string, greeting?: string) =>
      connectClient({ ...listener, localAddress: from }, greeting),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

describe('ingress from peers outside the mesh', function () {
  this.timeout(30_000)

  it('passes an allowed connection through, and records the service as the peer', async () => {
    await using test = await fixture(fromOffice)
    const caller = test.call(scanner, 'hello')
    await eventually('the echo', () => caller.text() === 'hello')
    caller.socket.end()
    expect(await caller.ended).to.equal('end')
    const { records } = test.mesh.controller
    await eventually('the record', () => records.some(({ closed }) => closed > 0))
    expect(records[0]).to.include({
      direction: 'INGRESS',
      peerSpiffeId: 'external:office',
      verdict: 'ALLOW',
      policy: 'office-to-web',
    })
  })

  it('lets the server speak first', async () => {
    await using test = await fixture(fromOffice, (socket) => socket.write('220 welcome'))
    const caller = test.call(scanner)
    await eventually('the greeting', () => caller.text() === '220 welcome')
    caller.socket.destroy()
  })

  it('passes the whole of what a client says before it ends', async () => {
    await using test = await fixture(fromOffice)
    const caller = test.call(scanner)
    caller.socket.end('all of it')
    expect(await caller.ended).to.equal('end')
    expect(caller.text()).to.equal('all of it')
  })

  it('passes the TLS of others through', async () => {
    const received: Buffer[] = []
    await using test = await fixture(fromOffice, (socket) => {
      socket.on('data', (bytes: Buffer) => received.push(bytes))
    })
    const caller = test.call(scanner)
    // A record that is whole and no ClientHello.
    caller.socket.write(Buffer.from('16030100050200000100', 'hex'))
    await eventually('the record', () => Buffer.concat(received).length === 10)
    caller.socket.destroy()
  })

  it('takes tunnels from the same addresses', async () => {
    await using test = await fixture(`${fromOffice}---
kind: NetworkPolicy
name: db-to-web
spec: { from: { label.app: db }, to: { label.app: web }, action: allow }
---
kind: ExternalService
name: everything-local
spec: { cidrs: [10.0.0.7/32], attributes: { label.kind: office } }
`)
    await using directory = await temporaryDirectory()
    await using db = await startTestSidecar(test.mesh.controller, {
      name: 'db',
      egress: [test.listener],
      stateDirectory: join(directory.path, 'db'),
    })
    await db.whenReady(AbortSignal.timeout(10_000))
    const [entrance] = db.egressAddresses
    if (entrance === undefined) throw new Error('BUG: no entrance')
    const client = connectClient(entrance, 'by tunnel')
    await eventually('the echo', () => client.text() === 'by tunnel')
    client.socket.end()
    expect(await client.ended).to.equal('end')
    await eventually('the record', () => test.mesh.log.of('connection').length === 1)
    expect(test.mesh.log.of('connection')[0]).to.include({ peer: db.spiffeId() })
  })

  for (const [what, from, policy] of [
    ['from an address in no service', stranger, fromOffice],
    ['without an allow', scanner, fromOffice.split('---')[0] ?? ''],
    [
      'that a guardrail wants encrypted',
      scanner,
      `${fromOffice}---\nkind: Guardrail\nname: g\nspec: { encryption: required }\n`,
    ],
  ] as const) {
    it(`gives no byte to the program ${what}`, async () => {
      await using test = await fixture(policy)
      const caller = test.call(from, 'hello')
      expect(await caller.ended).to.not.equal('')
      await eventually('the refusal', () => test.mesh.log.of('tunnel refused').length === 1)
      expect(test.application.sockets).to.have.length(0)
    })
  }

  it('denies a workload that speaks in clear, whatever service covers its address', async () => {
    await using test = await fixture(fromOffice)
    test.mesh.controller.meshAddresses = [Buffer.from([203, 0, 113, 5])]
    await test.mesh.setPolicy(fromOffice)
    const caller = test.call(scanner, 'hello')
    expect(await caller.ended).to.equal('ECONNRESET')
    expect(test.mesh.log.of('connection').at(-1)).to.include({ reason: 'mesh-peer-in-clear' })
    expect(test.application.sockets).to.have.length(0)
  })

  it('cuts an open connection once its allow is gone, or its source is a workload', async () => {
    for (const isMesh of [false, true]) {
      await using test = await fixture(fromOffice)
      const caller = test.call(scanner, 'x')
      await eventually('the echo', () => caller.text() === 'x')
      if (isMesh) test.mesh.controller.meshAddresses = [Buffer.from([203, 0, 113, 5])]
      await test.mesh.setPolicy(isMesh ? fromOffice : (fromOffice.split('---')[0] ?? ''))
      expect(await caller.ended).to.equal('ECONNRESET')
      expect(test.mesh.log.of('connection').at(-1)).to.include({
        verdict: 'deny',
        reason: isMesh ? 'mesh-peer-in-clear' : 'no-policy-matched',
      })
    }
  })

  /** As long as the first flight of a client may be under way. */
  const wholeMs = 3_000

  it('has three seconds for the whole of what could be a tunnel, and passes it on then', async () => {
    await using test = await fixture(fromOffice)
    const half = (await clientHello()).subarray(0, 150)
    const caller = test.call(scanner)
    const startedAt = performance.now()
    caller.socket.write(half)
    await eventually('what was sent', () => caller.text().length > 0)
    expect(performance.now() - startedAt).to.be.within(wholeMs - 50, 2 * wholeMs)
    expect(test.application.sockets).to.have.length(1)
    caller.socket.end()
    expect(await caller.ended).to.equal('end')
  })

  it('is closed when it leaves in the middle of what could be a tunnel', async () => {
    await using test = await fixture(fromOffice)
    const caller = test.call(scanner)
    caller.socket.end((await clientHello()).subarray(0, 150))
    expect(await caller.ended).to.not.equal('')
    expect(test.application.sockets).to.have.length(0)
  })

  it('of a workload that begins a tunnel and does not go on is refused after three seconds', async () => {
    await using test = await fixture(fromOffice)
    test.mesh.controller.meshAddresses = [Buffer.from([203, 0, 113, 5])]
    await test.mesh.setPolicy(fromOffice)
    const caller = test.call(scanner)
    const startedAt = performance.now()
    caller.socket.write((await clientHello()).subarray(0, 150))
    expect(await caller.ended).to.equal('ECONNRESET')
    expect(performance.now() - startedAt).to.be.within(wholeMs - 50, 2 * wholeMs)
    expect(test.mesh.log.of('connection').at(-1)).to.include({ reason: 'mesh-peer-in-clear' })
    expect(test.application.sockets).to.have.length(0)
  })

  it('of one address takes no more than its share of those that are looked at', async () => {
    await using test = await fixture(fromOffice.replace('.0/26', '.0/25'))
    const half = (await clientHello()).subarray(0, 150)
    const hogs = Array.from({ length: 64 }, () => test.call(scanner))
    for (const { socket } of hogs) socket.write(half)
    const refusals = (): unknown[] => test.mesh.log.of('tunnel refused').map(({ reason }) => reason)
    await eventually('a refusal', async () => {
      const another = test.call(scanner, 'hello')
      await Promise.race([another.ended, eventually('the echo', () => another.text() === 'hello')])
      another.socket.destroy()
      return refusals().includes('limit-reached')
    })
    const other = test.call(stranger, 'hello')
    await eventually('the echo', () => other.text() === 'hello')
    for (const { socket } of hogs) socket.destroy()
    await eventually('room again', async () => {
      const another = test.call(scanner, 'hello')
      await Promise.race([another.ended, eventually('the echo', () => another.text() === 'hello')])
      another.socket.destroy()
      return another.text() === 'hello'
    })
    other.socket.destroy()
  })
})
