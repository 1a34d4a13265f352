import { expect } from 'chai'
import {
  startCapturedMesh,
  workloadId,
  type CapturedMesh,
  type RunningSidecar,
} from '../support/captured-mesh.ts'
import { whyNoNetwork, type Program, type Ran } from '../support/network.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'
import { must, putBehind, translateSources } from '../support/translation.ts'

const allow = (name: string, from: string, to: string, port: number): string => `
kind: NetworkPolicy
name: ${name}
spec: { from: { label.app: ${from} }, to: { label.app: ${to} }, ports: [tcp/${String(port)}], action: allow }
`
const echoServer = `
require('net').createServer((socket) => {
  socket.on('error', () => {}).on('data', (bytes) => { console.log('heard ' + bytes); socket.write(bytes) })
}).listen(Number(process.argv[1]), process.argv[2], () => console.log('listening'))
`
/** Sends what it is told on its input from port 40000, and says how the connection ends. */
const echoClient = `
const [host, port] = process.argv.slice(1)
const socket = require('net').connect({ host, port: Number(port), localPort: 40000 })
socket.on('connect', () => console.log('connected from ' + socket.localAddress + ':' + socket.localPort))
socket.on('data', (bytes) => console.log('got ' + bytes))
socket.on('error', (error) => console.log('failed ' + error.code))
socket.on('close', () => { console.log('closed'); process.exit() })
process.stdin.pipe(socket)
`
const node = (script: string, ...args: readonly string[]): string[] => [
  process.execPath,
  '-e',
  script,
  ...args,
]
const asWorkload = { as: workloadId }

async function says(program: Program, text: string): Promise<void> {
  await eventually(`${text} from ${program.text()}`, () => program.text().includes(text))
}

async function echoes(client: Program, text: string): Promise<void> {
  client.child.stdin?.write(text)
  await says(client, `got ${text}`)
}

async function recordOf(
  sidecar: RunningSidecar,
  facts: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  return await eventually(`a record with ${JSON.stringify(facts)}`, () =>
    sidecar
      .records()
      .find((record) =>
        Object.entries(facts).every(([key, value]) => String(record[key]).endsWith(value)),
      ),
  )
}

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip
const titled = (title: string): string => (reason === undefined ? title : `${title} (${reason})`)

suite(titled('two networks with the same addresses behind one NAT address'), function () {
  this.timeout(180_000)

  type Name = 'left' | 'right' | 'leftgate' | 'rightgate' | 'gate' | 'db'
  let mesh: CapturedMesh<Name>
  let dbSidecar: RunningSidecar
  let server: Program
  const clients = ['left', 'right'] as const

  const start = (name: (typeof clients)[number]): Program =>
    mesh.machines[name].start(node(echoClient, mesh.machines.db.v4, '9000'), asWorkload)
  /** The first that gets through, where policy has only just been told. */
  const connected = async (name: (typeof clients)[number]): Promise<Program> =>
    await eventually(`${name} to get through`, async () => {
      const client = start(name)
      client.child.stdin?.write('hello')
      await eventually('an answer or the end', () => /got hello|closed/.test(client.text()))
      return client.text().includes('got hello') && client
    })

  before(async () => {
    await findPrograms('nft', 'ip')
    mesh = await startCapturedMesh(['left', 'right', 'leftgate', 'rightgate', 'gate', 'db'])
    const { left, right, leftgate, rightgate, gate, db, controller } = mesh.machines
    await translateSources(gate)
    await putBehind({ machine: leftgate, gate, link: 'toleft' }, '192.168.1')
    await putBehind({ machine: rightgate, gate, link: 'toright' }, '192.168.2')
    await putBehind({ machine: left, gate: leftgate, link: 'inner' }, '10.1.1')
    await putBehind({ machine: right, gate: rightgate, link: 'inner' }, '10.1.1')
    await Promise.all([leftgate, rightgate].map(translateSources))
    server = db.start(node(echoServer, '9000', '::'), asWorkload)
    await says(server, 'listening')
    await mesh.apply(allow('left-to-db', 'left', 'db', 9_000))
    for (const name of ['left', 'right', 'db'] as const) {
      await mesh.intercept(name, '--resolvers', controller.v4)
    }
    dbSidecar = await mesh.startSidecar('db')
    for (const name of clients) await mesh.startSidecar(name)
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  it('admits one and denies the other by what they are', async () => {
    const left = await connected('left')
    const right = start('right')
    right.child.stdin?.write('never heard')
    await says(right, 'closed')
    for (const client of [left, right]) {
      expect(client.text()).to.contain('connected from 10.1.1.2:40000')
    }
    await echoes(left, 'still')
    expect(server.text()).to.not.contain('never heard')
    await left.end()
    await recordOf(dbSidecar, { peer: '/workload/left', verdict: 'allow' })
  })

  it('cuts the one that is revoked, and leaves the other as it is', async () => {
    await mesh.apply(allow('right-to-db', 'right', 'db', 9_000))
    const [left, right] = [await connected('left'), await connected('right')]
    const { stdout } = await must(mesh.machines.db, 'ss', '-Htn', 'sport', '=', ':15006')
    const peers = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[4] ?? '')
    expect(peers.length).to.be.at.least(2)
    for (const peer of peers) expect(peer).to.contain(mesh.machines.gate.v4)

    await mesh.administer('revoke', 'left', '--refuse-renewal')
    await says(left, 'closed')
    await echoes(right, 'and on')
    const again = start('left')
    await says(again, 'closed')
    expect(again.text()).to.not.contain('got')
    await echoes(right, 'and further')
    await right.end()
  })
})

suite(titled('workloads that share the address of their host'), function () {
  this.timeout(180_000)

  let mesh: CapturedMesh<'host' | 'peer'>
  const statusAt = { alpha: '127.0.0.1:15020', beta: '127.0.0.1:15021' } as const
  const accounts = { alpha: 2_001, beta: 2_002 } as const
  const outbound = { alpha: '127.0.0.1:7001', beta: '127.0.0.1:7002' } as const
  const inbound = { alpha: 8_001, beta: 8_002 } as const

  const ask = async (from: 'host' | 'peer', address: string, as: number): Promise<Ran> => {
    const { machines } = mesh
    const [host = '', port = ''] = address.split(':')
    const script = `echo hello | timeout 5 "$0" -e "$1" ${host} ${port}`
    return await machines[from].run(['sh', '-c', script, process.execPath, oneQuestion], { as })
  }

  before(async () => {
    mesh = await startCapturedMesh(['host', 'peer'])
    const { host, peer, controller } = mesh.machines
    for (const name of ['alpha', 'beta'] as const) {
      const server = host.start(node(echoServer, String(inbound[name] + 10_000), '127.0.0.1'), {
        as: accounts[name],
      })
      await says(server, 'listening')
    }
    const server = peer.start(node(echoServer, '9000', '::'), asWorkload)
    await says(server, 'listening')
    await mesh.apply(allow('alpha-to-peer', 'alpha', 'peer', 9_000))
    await mesh.apply(allow('peer-to-beta', 'peer', 'beta', inbound.beta))
    await mesh.intercept('peer', '--resolvers', controller.v4)
    await mesh.startSidecar('peer')
    for (const name of ['alpha', 'beta'] as const) {
      const port = String(inbound[name])
      const environment = {
        BLAZON_CAPTURE: 'explicit',
        BLAZON_METRICS_LISTEN: statusAt[name],
        BLAZON_EGRESS: `${outbound[name]}=${peer.v4}:9000`,
        BLAZON_INGRESS: `${host.v4}:${port}=127.0.0.1:1${port.padStart(4, '0')}`,
      }
      await mesh.startSidecar('host', environment, accounts[name], name)
    }
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  it('are told apart as clients', async () => {
    expect((await ask('host', outbound.alpha, accounts.alpha)).stdout).to.equal('hello\n')
    expect((await ask('host', outbound.beta, accounts.beta)).stdout).to.equal('')
  })

  it('are told apart as servers, each at its port', async () => {
    const { v4 } = mesh.machines.host
    const reach = async (port: number): Promise<Ran> =>
      await ask('peer', `${v4}:${String(port)}`, workloadId)
    expect((await reach(inbound.beta)).stdout).to.equal('hello\n')
    expect((await reach(inbound.alpha)).stdout).to.equal('')
  })
})

/** Sends its input, and prints the answer to it. */
const oneQuestion = `
const [host, port] = process.argv.slice(1)
const socket = require('net').connect(Number(port), host)
socket.on('error', () => process.exit(1)).on('data', (bytes) => { process.stdout.write(bytes); socket.end() })
process.stdin.on('data', (bytes) => socket.write(bytes))
`
