import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net'
import { promisify } from 'node:util'
import { expect } from 'chai'
import {
  createOriginalDestination,
  enterNewNetwork,
  loadLibc,
  openSocketOwners,
  peerAccountOf,
  socketFd,
  SysError,
  type Libc,
  type RawEndpoint,
} from '../../src/sys/index.ts'
import { addressBytes } from '../../src/tunnel/endpoint.ts'

interface Pair extends AsyncDisposable {
  readonly client: Socket
  readonly accepted: Socket
}

async function connected(host: '127.0.0.1' | '::1'): Promise<Pair> {
  const server: Server = createServer({ pauseOnConnect: true }).listen(0, host)
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, host)
  const [accepted] = (await once(server, 'connection')) as [Socket]
  if (client.connecting) await once(client, 'connect')
  return {
    client,
    accepted,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      accepted.destroy()
      await once(server.close(), 'close')
    },
  }
}

function endpoint(address: string | undefined, port: number | undefined): RawEndpoint {
  const bytes = addressBytes(address ?? '')
  if (bytes === undefined || port === undefined) throw new Error('BUG: not connected')
  return { address: bytes, port }
}

describe('src/sys', () => {
  let libc: Libc
  before(async () => {
    libc = await loadLibc()
  })

  it('shows the descriptor of an open socket, and none of a closed one', async () => {
    await using pair = await connected('127.0.0.1')
    expect(socketFd(pair.accepted)).to.be.greaterThan(2)
    pair.accepted.destroy()
    expect(socketFd(pair.accepted)).to.equal(undefined)
  })

  it('fails loudly where Node keeps the descriptor somewhere else', () => {
    const socket = new Socket()
    Object.defineProperty(socket, '_handle', { value: {} })
    expect(() => socketFd(socket)).to.throw(SysError, 'shows no descriptor')
  })

  for (const host of ['127.0.0.1', '::1'] as const) {
    const family = host === '::1' ? 'IPv6' : 'IPv4'

    it(`knows of no original destination where nothing was redirected (${family})`, async () => {
      await using pair = await connected(host)
      const original = createOriginalDestination(libc)(socketFd(pair.accepted) ?? -1, family)
      // With connection tracking in this namespace the kernel names the listener itself.
      if (original !== undefined) expect(original.port).to.equal(pair.accepted.localPort)
    })

    it(`finds the owner of a socket by its exact endpoints (${family})`, async () => {
      await using pair = await connected(host)
      const { accepted } = pair
      const client = endpoint(accepted.remoteAddress, accepted.remotePort)
      const server = endpoint(accepted.localAddress, accepted.localPort)
      using owners = openSocketOwners(libc)
      expect(owners.uidOf(client, server)).to.equal(process.getuid?.())
      expect(owners.uidOf(client, { ...server, port: server.port ^ 1 })).to.equal(undefined)
      expect(owners.uidOf(client, server), 'after a miss').to.equal(process.getuid?.())
    })
  }

  it('says which call the kernel refused', () => {
    const read = createOriginalDestination(libc)
    expect(() => read(-1, 'IPv4')).to.throw(SysError, 'errno 9')
  })

  it('says why there is no network namespace', () => {
    const refusing = { unshare: () => -1, errno: () => 1 }
    expect(() => enterNewNetwork(refusing)).to.throw(SysError, 'errno 1')
  })

  it('gives a process a network of its own, and with it what it starts', async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip()
    const module = new URL('../../src/sys/index.ts', import.meta.url).href
    const script = `
      const { enterNewNetwork, loadLibc } = await import('${module}')
      enterNewNetwork(await loadLibc())
      const { execFileSync } = await import('node:child_process')
      process.stdout.write(execFileSync('readlink', ['/proc/self/ns/net']))
      process.stdout.write((await import('node:fs')).readlinkSync('/proc/self/ns/net'))
    `
    const args = ['--input-type=module', '-e', script]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const [ofChild, own] = stdout.split('\n')
    expect(ofChild).to.match(/^net:/)
    expect(own).to.equal(ofChild)
    expect(own).to.not.equal(readlinkSync('/proc/self/ns/net'))
  })

  it('gives the netlink socket back', () => {
    const owners = openSocketOwners(libc)
    owners[Symbol.dispose]()
    const nowhere = { address: new Uint8Array(4), port: 1 }
    expect(() => owners.uidOf(nowhere, nowhere)).to.throw(SysError, 'send failed with errno 9')
  })
})

describe('peerAccountOf()', () => {
  it('is who connected, and who listens', async () => {
    const libc = await loadLibc()
    const path = `\0blazon-test-${String(process.pid)}`
    const server = createServer().listen({ path })
    await once(server, 'listening')
    const client = connect({ path })
    const [accepted] = (await once(server, 'connection')) as [Socket]
    if (client.connecting) await once(client, 'connect')
    const self = { uid: process.getuid?.(), gid: process.getgid?.() }
    expect(peerAccountOf(libc, accepted)).to.deep.equal(self)
    expect(peerAccountOf(libc, client)).to.deep.equal(self)
    client.destroy()
    accepted.destroy()
    await once(server.close(), 'close')
    expect(peerAccountOf(libc, client)).to.equal(undefined)
  })

  it('fails where the kernel does not tell', async () => {
    const libc = { getsockopt: () => -1, errno: () => 92 }
    await using pair = await connected('127.0.0.1')
    expect(() => peerAccountOf(libc, pair.client)).to.throw(SysError, /errno 92/)
  })
})
