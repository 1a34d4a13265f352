import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import {
  startCapturedMesh,
  workloadId,
  type CapturedMesh,
  type RunningSidecar,
} from '../support/captured-mesh.ts'
import { whyNoNetwork, type Machine, type Program } from '../support/network.ts'
import { allowToOffice } from '../support/office-policy.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'

const policy = allowToOffice('dns: [office.example.com], private: true, sni: false')
const fakeResolver = fileURLToPath(new URL('../support/fake-resolver.ts', import.meta.url))
const stream = fileURLToPath(new URL('../../src/sidecar/names/dns-stream.ts', import.meta.url))

/** Serves names at port 53, and says what it is asked by whom. */
const nameServer = `
const [address, ...names] = process.argv.slice(1)
import('${fakeResolver}').then(async ({ startResolver, wholeAnswer }) => {
  const resolver = await startResolver(address, 53)
  for (const name of names) resolver.addresses.set(...name.split('=').map((part, at) => at ? part.split('+') : part))
  resolver.onQuery = ({ packet, transport, from, send }) => {
    console.log('asked by ' + transport + ' for ' + packet.questions[0].name + ' from ' + from?.port)
    send(wholeAnswer(resolver, packet))
  }
  console.log('serving')
})
`
const echoServer = `
require('net').createServer((socket) => {
  socket.on('error', () => {}).pipe(socket)
}).listen(9000, '::', () => console.log('listening'))
`
/** Asks a server from a given port, over and over, and says whether it is answered. */
const askFromPort = `
const [server, name, port] = process.argv.slice(1)
const { encode } = require('dns-packet')
const socket = require('dgram').createSocket('udp4')
const query = encode({ type: 'query', id: 7, flags: 256, questions: [{ name, type: 'A' }] })
socket.on('error', ({ code }) => console.log(code)).on('message', () => console.log('answered'))
socket.bind(Number(port), () => {
  let left = 20
  const again = setInterval(() => {
    socket.send(query, 53, server, (error) => error && console.log(error.code))
    if (--left === 0) { clearInterval(again); setTimeout(() => socket.close(), 200) }
  }, 20)
})
`
/** Looks a name up at a server, connects to each address, and says what comes of it. */
const program = `
const [server, name, transport] = process.argv.slice(1)
const { Resolver } = require('dns/promises')
const net = require('net')
const overTcp = async () => {
  const { createMessageReader, framed } = await import('${stream}')
  const { decode, encode } = require('dns-packet')
  const socket = net.connect(53, server)
  const query = encode({ type: 'query', id: 7, flags: 256, questions: [{ name, type: 'A' }] })
  socket.write(framed(query))
  return await new Promise((resolve, reject) => {
    const onMessage = (bytes) => { socket.destroy(); resolve(decode(bytes).answers.map(({ data }) => data)) }
    socket.on('error', reject).on('data', createMessageReader({ mostBytes: 65535, onMessage, onTooLong: reject }))
  })
}
const overUdp = async () => {
  const resolver = new Resolver({ timeout: 2000, tries: 1 })
  resolver.setServers([server])
  const all = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  const found = all.flatMap(({ value }) => value ?? [])
  if (found.length === 0) throw all[0].reason
  return found
}
const tryOut = (host) => new Promise((resolve) => {
  const socket = net.connect(9000, host, () => socket.write('hello'))
  socket.on('data', (bytes) => { socket.destroy(); resolve('got ' + bytes) }).on('error', ({ code }) => resolve(code))
})
;(transport === 'tcp' ? overTcp() : overUdp()).then(async (addresses) => {
  for (const address of addresses) console.log(address + ': ' + await tryOut(address))
}, ({ code }) => console.log('no answer: ' + code))
`

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

const why = reason === undefined ? '' : ` (${reason})`

for (const workers of [1, 2])
  suite(`capture of questions for names, ${String(workers)} carry them${why}`, function () {
    this.timeout(180_000)

    let mesh: CapturedMesh<'web' | 'office' | 'names'>
    let web: Machine
    let office: Machine
    let names: Machine
    let resolver: Program
    let rogue: Program
    let sidecar: RunningSidecar

    const node = (script: string, ...args: readonly string[]): string[] => [
      process.execPath,
      '-e',
      script,
      ...args,
    ]
    const outcome = async (...args: readonly string[]): Promise<string[]> => {
      const { stdout } = await web.run(node(program, ...args), {
        as: workloadId,
        timeoutMs: 30_000,
      })
      return stdout.trim().split('\n')
    }

    before(async () => {
      await findPrograms('nft', 'curl')
      mesh = await startCapturedMesh(['web', 'office', 'names'])
      ;({ web, office, names } = mesh.machines)
      await mesh.apply(policy)
      const server = office.start(node(echoServer))
      const both = `office.example.com=${office.v4}+${office.v6}`
      const known = [both, `other.example.com=${names.v4}`]
      resolver = names.start(node(nameServer, names.v4, ...known))
      rogue = office.start(node(nameServer, office.v4, both))
      await eventually('the servers', () =>
        [server.text(), resolver.text(), rogue.text()].every((text) =>
          /listening|serving/.test(text),
        ),
      )
      await mesh.intercept('web', '--resolvers', names.v4)
      sidecar = await mesh.startSidecar('web', {
        BLAZON_WORKLOAD_UID: String(workloadId),
        BLAZON_RESOLVERS: names.v4,
        BLAZON_DIAL_TIMEOUT: '2s',
        BLAZON_WORKERS: String(workers),
      })
    })
    after(async () => {
      await mesh[Symbol.asyncDispose]()
    })

    it('lets nobody reach a service at an address that was not looked up', async () => {
      const ran = await web.run(['curl', '-sS', '--max-time', '10', `http://${office.v4}:9000/`], {
        as: workloadId,
      })
      expect(ran.code).to.be.oneOf([7, 52, 56])
    })

    it('lets a program reach a service by the name that it looked up, in both families', async () => {
      expect(await outcome(names.v4, 'office.example.com')).to.have.members([
        `${office.v4}: got hello`,
        `${office.v6}: got hello`,
      ])
      expect(resolver.text()).to.include('asked by udp for office.example.com')
      const record = await eventually('the record', () =>
        sidecar.records().find(({ verdict }) => verdict === 'allow'),
      )
      expect(record).to.include({ peer: 'external:office', policy: 'web-to-office' })
    })

    it('carries questions over TCP', async () => {
      expect(await outcome(names.v4, 'office.example.com', 'tcp')).to.deep.equal([
        `${office.v4}: got hello`,
      ])
      expect(resolver.text()).to.include('asked by tcp for office.example.com')
    })

    it('answers for names of no service, and lets nobody connect there', async () => {
      expect(await outcome(names.v4, 'other.example.com')).to.deep.equal([
        `${names.v4}: ECONNRESET`,
      ])
    })

    it('leaves no way to the resolver behind, not even at the port it asked from', async () => {
      await outcome(names.v4, 'office.example.com')
      const [port] =
        resolver
          .text()
          .match(/(?<=by udp .* from )\d+$/gm)
          ?.slice(-1) ?? []
      const asking = [names.v4, 'hidden.example.com', port ?? 'none']
      const { stdout } = await web.run(node(askFromPort, ...asking), { as: workloadId })
      expect(new Set(stdout.trim().split('\n'))).to.deep.equal(new Set(['EPERM']))
      expect(resolver.text()).to.not.include('hidden')
    })

    it('asks no other server than the resolvers', async () => {
      const [said] = await outcome(office.v4, 'office.example.com')
      expect(said).to.match(/^no answer: /)
      expect(rogue.text()).to.not.include('asked')
    })
  })
