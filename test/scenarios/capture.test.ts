import { expect } from 'chai'
import {
  startCapturedMesh,
  workloadId,
  type CapturedMesh,
  type RunningSidecar,
} from '../support/captured-mesh.ts'
import { whyNoNetwork, type Machine, type Program, type Ran } from '../support/network.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'

const interceptModule = new URL('../../src/intercept/index.ts', import.meta.url).href
const nftModule = new URL('../../src/intercept/nft.ts', import.meta.url).href

const policy = `
kind: NetworkPolicy
name: web-to-db
spec: { from: { label.app: web }, to: { label.app: db }, ports: [tcp/8080], action: allow }
`
/** Answers with the address that it sees, and says on stdout that it was asked. */
const httpServer = `
for (const port of [8080, 8081])
  require('http').createServer((request, response) => {
    console.log('asked on ' + port)
    response.end('hello ' + request.socket.remoteAddress)
  }).listen(port, '::')
`
/** Sends what it is told on its input, and says how the connection ends. */
const tcpClient = `
const socket = require('net').connect(process.argv[2], process.argv[1])
socket.on('connect', () => console.log('connected'))
socket.on('data', (bytes) => console.log('got ' + bytes))
socket.on('error', (error) => console.log('failed ' + error.code))
socket.on('close', () => process.exit())
process.stdin.pipe(socket)
`
const echoServer = `
require('net').createServer((socket) => {
  socket.on('error', () => {}).on('data', (bytes) => { console.log('heard ' + bytes); socket.write(bytes) })
}).listen(9000, '::', () => console.log('listening'))
`
/** Sends one datagram and waits a moment for an answer. */
const udpClient = `
const [address, port] = process.argv.slice(1)
const socket = require('dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
socket.on('message', (bytes) => { console.log('got ' + bytes); process.exit() })
socket.on('error', (error) => { console.log('failed ' + error.code); process.exit() })
socket.connect(Number(port), address, () => socket.send('ping'))
setTimeout(() => { console.log('silence'); process.exit() }, 1000)
`
const udpServer = `
const [port] = process.argv.slice(1)
for (const type of ['udp4', 'udp6']) {
  const socket = require('dgram').createSocket({ type, ipv6Only: type === 'udp6' })
  socket.on('message', (bytes, { port, address }) => { console.log('heard ' + bytes); socket.send(bytes, port, address) })
  socket.bind(Number(port))
}
`

/** Loads rules that do not stay as they were loaded, and says what can still be reached after the failure. */
const installWhileSomebodyRemovesRules = `
(async () => {
  const { install, remove, defaultOptions } = await import('${interceptModule}')
  const { runNft } = await import('${nftModule}')
  const { connect, createServer } = require('net')
  const nft = async (args, input) => {
    if (args[0] === '-j') await runNft(['flush', 'chain', 'inet', 'blazon', 'egress_capture'])
    return await runNft(args, input)
  }
  const dial = () => new Promise((resolve) => {
    const socket = connect(server.address().port, '127.0.0.1')
    const end = (text) => { clearTimeout(timer); socket.destroy(); resolve(text) }
    const timer = setTimeout(end, 1000, 'EPERM or silence')
    socket.on('connect', () => end('connected'))
    socket.on('error', ({ code }) => end(code === 'EPERM' ? 'EPERM or silence' : code))
  })
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.on('listening', resolve))
  const options = { ...defaultOptions, resolvers: { v4: [], v6: [] } }
  await install(options, nft).catch(({ code, message }) => console.log(code + ':' + message.split(';').at(-1)))
  console.log('loopback: ' + await dial())
  await remove()
  console.log('removed: ' + await dial())
  server.close()
})()
`

/** How curl says that it was refused, depending on how far it had come: connecting, before an answer, reset. */
const cut = [7, 52, 56]

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

suite(`transparent capture${reason === undefined ? '' : ` (${reason})`}`, function () {
  this.timeout(180_000)

  let mesh: CapturedMesh<'web' | 'db'>
  let web: Machine
  let db: Machine
  let server: Program
  let webSidecar: RunningSidecar
  let dbSidecar: RunningSidecar

  const node = (script: string, ...args: readonly string[]): string[] => [
    process.execPath,
    '-e',
    script,
    ...args,
  ]
  const asWorkload = { as: workloadId }
  const curl = async (url: string, as = workloadId): Promise<Ran> =>
    await web.run(['curl', '-sS', '-g', '--max-time', '10', url], { as })
  const asked = (): number => server.text().split('asked').length
  const hostIn = (machine: Machine, family: 'IPv4' | 'IPv6'): string =>
    family === 'IPv4' ? machine.v4 : `[${machine.v6}]`
  /** The access record of a connection, which is written at its end. */
  const recordOf = async (
    sidecar: RunningSidecar,
    facts: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, unknown>>> =>
    await eventually(`a record with ${JSON.stringify(facts)}`, () =>
      sidecar
        .records()
        .find((record) => Object.entries(facts).every(([key, value]) => record[key] === value)),
    )
  const refusals = async (machine: Machine): Promise<Record<string, number>> => {
    const { stdout } = await machine.run([
      'nft',
      '-j',
      'list',
      'counters',
      'table',
      'inet',
      'blazon',
    ])
    const { nftables } = JSON.parse(stdout) as {
      nftables: { counter?: { name: string; packets: number } }[]
    }
    return Object.fromEntries(
      nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])),
    )
  }

  /** A connection that was made before there were any rules. */
  let older: Program
  let olderServer: Program

  before(async () => {
    await findPrograms('nft', 'curl', 'ping')
    mesh = await startCapturedMesh(['web', 'db'])
    ;({ web, db } = mesh.machines)
    await mesh.apply(policy)
    server = db.start(node(httpServer), asWorkload)
    olderServer = db.start(node(echoServer), asWorkload)
    await eventually('the server', () => olderServer.text().includes('listening'))
    older = web.start(node(tcpClient, db.v4, '9000'), asWorkload)
    await eventually('a connection in clear', () => older.text().includes('connected'))
    older.child.stdin?.write('before')
    await eventually('an answer in clear', () => older.text().includes('got before'))
    for (const name of ['web', 'db'] as const) {
      await mesh.intercept(
        name,
        '--resolvers',
        mesh.machines.controller.v4,
        '--dns-port',
        'off',
        '--workload-uid',
        String(workloadId),
      )
    }
    webSidecar = await mesh.startSidecar('web', { BLAZON_WORKLOAD_UID: String(workloadId) })
    dbSidecar = await mesh.startSidecar('db')
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  it('ends connections that are older than the rules', async () => {
    older.child.stdin?.write('after')
    await eventually('its end', () => /failed E\w+/.test(older.text()))
    expect(olderServer.text()).to.not.contain('after')
  })

  for (const family of ['IPv4', 'IPv6'] as const) {
    it(`carries what policy allows, without the program knowing (${family})`, async () => {
      const ran = await curl(`http://${hostIn(db, family)}:8080/`)
      expect(ran).to.include({ code: 0, stderr: '' })
      // Not a loopback address: programs trust those.
      expect(ran.stdout).to.contain(family === 'IPv4' ? db.v4 : db.v6)
      const record = await recordOf(dbSidecar, {
        direction: 'ingress',
        verdict: 'allow',
        destination: `${hostIn(db, family)}:8080`,
      })
      expect(record['peer']).to.match(/web$/)
    })

    it(`refuses what policy does not allow, before the server hears of it (${family})`, async () => {
      const before = asked()
      expect((await curl(`http://${hostIn(db, family)}:8081/`)).code).to.be.oneOf(cut)
      await recordOf(webSidecar, {
        destination: `${hostIn(db, family)}:8081`,
        verdict: 'deny',
        reason: 'no-policy-matched',
      })
      expect(asked()).to.equal(before)
    })

    it(`refuses UDP at once, QUIC included, and counts it (${family})`, async () => {
      const listener = db.start(node(udpServer, '443'))
      const before = await refusals(web)
      const { stdout } = await web.run(
        node(udpClient, family === 'IPv4' ? db.v4 : db.v6, '443'),
        asWorkload,
      )
      expect(stdout).to.match(/^failed E/)
      const after = await refusals(web)
      expect(after['refused_out_udp']).to.be.greaterThan(before['refused_out_udp'] ?? 0)
      expect(listener.text()).to.equal('')
      await listener.end()
    })

    it(`refuses a ping (${family})`, async () => {
      const to = family === 'IPv4' ? db.v4 : db.v6
      const { code } = await web.run(['ping', '-c', '1', '-W', '1', to])
      expect(code).to.not.equal(0)
      expect((await refusals(web))['refused_out_icmp']).to.be.greaterThan(0)
    })
  }

  it('refuses who is not the workload', async () => {
    expect((await curl(`http://${db.v4}:8080/`, workloadId + 1)).code).to.be.oneOf(cut)
    await recordOf(webSidecar, { verdict: 'deny', reason: 'not-the-workload' })
  })

  it('leaves connections within a machine as they are', async () => {
    for (const host of ['127.0.0.1', '[::1]', db.v4, `[${db.v6}]`]) {
      const ran = await db.run(['curl', '-sS', '-g', `http://${host}:8081/`], asWorkload)
      expect(ran).to.include({ code: 0, stderr: '' })
    }
  })

  it('lets programs resolve names where the sidecar does not, by the resolvers that were named and nobody else', async () => {
    const { controller } = mesh.machines
    const resolver = controller.start(node(udpServer, '53'))
    const other = db.start(node(udpServer, '53'))
    const answer = await eventually('the resolver', async () => {
      const { stdout } = await web.run(node(udpClient, controller.v4, '53'), asWorkload)
      return stdout.startsWith('got') && stdout
    })
    expect(answer).to.equal('got ping\n')
    const { stdout } = await web.run(node(udpClient, db.v4, '53'), asWorkload)
    expect(stdout).to.match(/^failed E/)
    expect(other.text()).to.equal('')
    await Promise.all([resolver.end(), other.end()])
  })

  it('keeps the workload from metadata services, but not its sidecar', async () => {
    const { controller } = mesh.machines
    await controller.run(['ip', 'addr', 'add', '169.254.169.254/32', 'dev', 'eth0'])
    await web.run(['ip', 'route', 'add', '169.254.0.0/16', 'dev', 'eth0'])
    const service = controller.start(node(httpServer))
    const url = 'http://169.254.169.254:8080/'
    await eventually('the service', async () => (await curl(url, 1_337)).code === 0)
    for (const as of [workloadId, 0]) expect((await curl(url, as)).code, String(as)).to.equal(7)
    expect((await refusals(web))['refused_metadata']).to.be.greaterThan(0)
    await service.end()
  })

  it('refuses the sidecar dialled directly, from inside and from outside', async () => {
    for (const port of [15_001, 15_006]) {
      for (const host of ['127.0.0.1', '[::1]', web.v4]) {
        expect((await curl(`http://${host}:${String(port)}/`)).code).to.equal(7)
      }
      const outside = ['curl', '-sS', '--max-time', '1', `http://${web.v4}:${String(port)}/`]
      expect((await mesh.machines.controller.run(outside)).code).to.equal(28)
    }
    expect((await refusals(web))['refused_direct']).to.be.greaterThan(0)
  })

  it('takes nothing but tunnels from outside', async () => {
    const before = asked()
    const outside = ['curl', '-sS', '--max-time', '10', `http://${db.v4}:8080/`]
    expect((await mesh.machines.controller.run(outside)).code).to.not.equal(0)
    expect(asked()).to.equal(before)
  })

  it('loads the rules again without a connection noticing', async () => {
    const listed = async (): Promise<string> =>
      (await web.run(['nft', '-s', 'list', 'table', 'inet', 'blazon'])).stdout
    const before = await listed()
    await mesh.apply(policy.replace('8080', '8080, tcp/9000'))
    const connection = web.start(node(tcpClient, db.v4, '9000'), asWorkload)
    const hears = async (text: string): Promise<void> => {
      connection.child.stdin?.write(text)
      await eventually(`${text}: ${connection.text()}`, () =>
        connection.text().includes(`got ${text}`),
      )
    }
    await hears('one')
    const { v4 } = mesh.machines.controller
    await mesh.intercept('web', '--resolvers', v4, '--dns-port', 'off')
    expect(await listed()).to.equal(before)
    await hears('two')
    await connection.end()
  })

  it('refuses a workload that would pass for the sidecar, and changes nothing', async () => {
    const refusal = await mesh.intercept('web', '--workload-uid', '1337').catch(String)
    expect(refusal).to.match(/ended with 2: .*would pass for the sidecar/)
    expect((await curl(`http://${db.v4}:8080/`)).code).to.equal(0)
  })

  it('refuses everything where the rules cannot be verified', async () => {
    const { controller } = mesh.machines
    const own = (command: string, ...args: readonly string[]): string[] => [
      ...['unshare', '--net', 'sh', '-c', `ip link set lo up && exec "$@"`, 'sh'],
      ...[process.execPath, '-e', command, ...args],
    ]
    const { code, stdout } = await controller.run(own(installWhileSomebodyRemovesRules))
    expect({ code, said: stdout.split('\n') }).to.deep.equal({
      code: 0,
      said: [
        'ERR_VERIFY: everything is refused in this network namespace until rules are loaded or removed',
        'loopback: EPERM or silence',
        'removed: connected',
        '',
      ],
    })
  })

  it('does not start a sidecar whose own connections would be captured', async () => {
    const failure: unknown = await mesh
      .startSidecar('web', {}, workloadId)
      .catch((error: unknown) => error)
    expect(String(failure)).to.contain('expected to run with uid and gid 1337, got 2000 and 2000')
  })

  it('refuses connections when a sidecar is killed, and lets none go round it', async () => {
    const before = asked()
    await dbSidecar.program.end('SIGKILL')
    expect((await curl(`http://${db.v4}:8080/`)).code).to.be.oneOf(cut)
    await webSidecar.program.end('SIGKILL')
    for (const family of ['IPv4', 'IPv6'] as const) {
      expect((await curl(`http://${hostIn(db, family)}:8080/`)).code).to.equal(7)
    }
    expect(asked()).to.equal(before)
  })

  it('lets everything go as it is once the rules are removed', async () => {
    for (const name of ['web', 'db'] as const) {
      await mesh.intercept(name, '--remove')
      await mesh.intercept(name, '--remove')
    }
    expect(await curl(`http://${db.v4}:8081/`)).to.include({ code: 0 })
  })
})
