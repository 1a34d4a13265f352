import { execFile } from 'node:child_process'
import { chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { startCapturedMesh, type CapturedMesh } from '../support/captured-mesh.ts'
import { whyNoNetwork, type Machine, type Ran } from '../support/network.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'

const ports = { redis: 6379, postgres: 5432, ssh: 2222, webSocket: 8080 } as const
const names = [
  'initdb',
  'postgres',
  'psql',
  'redis-server',
  'redis-cli',
  'ssh',
  'ssh-keygen',
  'sshd',
] as const

const allow = (listed: readonly number[]): string => `
kind: NetworkPolicy
name: client-to-server
spec:
  from: { label.app: client }
  to: { label.app: server }
  ports: [${listed.map((port) => `tcp/${String(port)}`).join(', ')}]
  action: allow
`
/** Answers the opening handshake (RFC 6455) and sends back each short text frame. */
const webSocketServer = `
const { createHash } = require('crypto')
require('http').createServer().on('upgrade', (request, socket) => {
  const accept = createHash('sha1')
    .update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n')
  socket.on('error', () => {}).on('data', (frame) => {
    if ((frame[0] & 15) !== 1) return socket.end(Buffer.from([0x88, 0]))
    const length = frame[1] & 127
    const text = Buffer.from(frame.subarray(6, 6 + length).map((byte, index) => byte ^ frame[2 + (index % 4)]))
    socket.write(Buffer.concat([Buffer.from([0x81, length]), text]))
  })
}).listen(${String(ports.webSocket)}, '::')
`
const webSocketClient = `
const socket = new WebSocket(process.argv[1])
socket.onopen = () => socket.send('through the mesh')
socket.onmessage = ({ data }) => { console.log('got ' + data); socket.close() }
socket.onerror = () => { console.log('failed'); process.exit(1) }
`

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

suite(`unchanged programs, captured${reason === undefined ? '' : ` (${reason})`}`, function () {
  this.timeout(180_000)

  let mesh: CapturedMesh<'client' | 'server'>
  let client: Machine
  let server: Machine
  let programs: Awaited<ReturnType<typeof findPrograms<(typeof names)[number]>>>
  /** PostgreSQL refuses root, and it and OpenSSH want an account with a name. */
  let account: number
  let directory: string

  const run = async (...command: readonly string[]): Promise<Ran> =>
    await client.run(command, { as: account, timeoutMs: 20_000 })
  const start = (...command: readonly string[]): unknown => server.start(command, { as: account })

  async function startPostgres(): Promise<void> {
    const data = join(directory, 'postgres')
    const { initdb, postgres } = programs
    const options = { as: account, timeoutMs: 60_000 }
    const made = await server.run(
      [initdb, '-D', data, '-U', 'app', '-A', 'trust', '--no-sync'],
      options,
    )
    if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`)
    const anyone = 'host all all all trust\n'
    await writeFile(join(data, 'pg_hba.conf'), anyone)
    start(postgres, '-D', data, '-h', '*', '-k', '', '-p', String(ports.postgres), '-F')
  }

  async function startSshd(): Promise<void> {
    for (const name of ['host-key', 'client-key']) {
      const file = join(directory, name)
      await promisify(execFile)(programs['ssh-keygen'], [
        '-q',
        '-t',
        'ed25519',
        '-N',
        '',
        '-f',
        file,
      ])
      await chown(file, account, account)
    }
    await copyFile(join(directory, 'client-key.pub'), join(directory, 'authorized-keys'))
    const hostKey = await readFile(join(directory, 'host-key.pub'), 'utf8')
    await writeFile(join(directory, 'known-hosts'), `server ${hostKey}`)
    const lines = [
      `Port ${String(ports.ssh)}`,
      `HostKey ${directory}/host-key`,
      `AuthorizedKeysFile ${directory}/authorized-keys`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PrintLastLog no',
    ]
    await writeFile(join(directory, 'sshd_config'), `${lines.join('\n')}\n`)
    start(programs.sshd, '-D', '-e', '-f', join(directory, 'sshd_config'))
  }

  const redis = async (): Promise<Ran> => await run(programs['redis-cli'], '-h', server.v4, 'ping')
  const psql = async (host: string): Promise<Ran> =>
    await run(
      programs.psql,
      '-X',
      '-At',
      '-h',
      host,
      '-U',
      'app',
      '-d',
      'postgres',
      '-c',
      'select 6 * 7',
    )
  const ssh = async (): Promise<Ran> => {
    const options = [
      'BatchMode=yes',
      'HostKeyAlias=server',
      `UserKnownHostsFile=${directory}/known-hosts`,
    ]
    return await run(
      programs.ssh,
      ...['-F', 'none', '-i', `${directory}/client-key`, '-p', String(ports.ssh)],
      ...options.flatMap((option) => ['-o', option]),
      ...[`postgres@${server.v4}`, 'echo $((6 * 7))'],
    )
  }
  const webSocket = async (host: string): Promise<Ran> =>
    await run(process.execPath, '-e', webSocketClient, `ws://${host}:${String(ports.webSocket)}/`)

  before(async () => {
    programs = await findPrograms(...names)
    account = Number((await promisify(execFile)('id', ['-u', 'postgres'])).stdout)
    mesh = await startCapturedMesh(['client', 'server'])
    ;({ client, server } = mesh.machines)
    directory = join(mesh.directory, 'programs')
    await mkdir(directory)
    await chown(directory, account, account)
    start(
      programs['redis-server'],
      '--port',
      String(ports.redis),
      '--bind',
      '*',
      '--save',
      '',
      '--protected-mode',
      'no',
    )
    start(process.execPath, '-e', webSocketServer)
    await Promise.all([startPostgres(), startSshd()])
    for (const name of ['client', 'server'] as const) {
      await mesh.intercept(name, '--resolvers', server.v4)
      await mesh.startSidecar(name)
    }
    await mesh.apply(allow(Object.values(ports)))
    await eventually('PostgreSQL', async () => (await psql(server.v4)).code === 0)
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  it('Redis answers redis-cli', async () => {
    expect(await redis()).to.deep.equal({ code: 0, stdout: 'PONG\n', stderr: '' })
  })

  it('PostgreSQL answers psql, in both IP versions', async () => {
    for (const host of [server.v4, server.v6]) {
      expect(await psql(host)).to.deep.equal({ code: 0, stdout: '42\n', stderr: '' })
    }
  })

  it('OpenSSH logs in and runs a command', async () => {
    expect(await ssh()).to.deep.include({ code: 0, stdout: '42\n' })
  })

  it('a WebSocket carries messages, in both IP versions', async () => {
    for (const host of [server.v4, `[${server.v6}]`]) {
      expect(await webSocket(host)).to.include({ code: 0, stdout: 'got through the mesh\n' })
    }
  })

  it('each is refused by policy alone', async () => {
    await mesh.apply(allow([1]))
    await eventually('the policy to arrive', async () => (await redis()).code !== 0)
    expect((await psql(server.v4)).code).to.equal(2)
    expect((await ssh()).code).to.equal(255)
    expect((await webSocket(server.v4)).stdout).to.equal('failed\n')
  })
})
