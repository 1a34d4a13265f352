import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import {
  startCapturedMesh,
  workloadId,
  type CapturedMesh,
  type RunningSidecar,
} from '../support/captured-mesh.ts'
import { whyNoNetwork, type Machine, type Program } from '../support/network.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'

const blazon = [
  process.execPath,
  fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url)),
]
const services = (office: Machine, stranger: Machine): string => `
kind: ExternalService
name: lan
spec: { cidrs: [10.77.0.0/24, 'fd77::/64'] }
---
kind: ExternalService
name: stranger
spec: { cidrs: [${stranger.v4}/32, '${stranger.v6}/128'] }
---
kind: ExternalService
name: office
spec: { cidrs: [${office.v4}/32, '${office.v6}/128'] }
`
const policy = (name: string, to: string, ports: string, action = 'allow'): string => `
kind: NetworkPolicy
name: ${name}
spec:
  from: { label.app: web }
  to: { external: { name: ${to} } }
  ${ports === '' ? '' : `ports: [${ports}]`}
  action: ${action}
  ${action === 'allow' ? 'encryption: optional' : ''}
`
const ports = 'udp/5300, icmp, tcp/5301'

/** Answers each datagram with itself, and says that it came; `call HOST` has it send one there, unasked, from port to port. */
const echo = `
for (const port of [5300, 5301]) {
  const socket = require('dgram').createSocket('udp6')
  socket.on('message', (bytes, { address, port: from }) => {
    console.log('got ' + bytes + ' on ' + port)
    const [word, host] = String(bytes).split(' ')
    if (word === 'call') return socket.send('unasked', port, host, (error) => console.log('called ' + error))
    socket.send(bytes, from, address)
  }).bind(port, '::', () => console.log('listening'))
}
`
/** Sends so many datagrams, one each 100 ms and all from one port, and says what comes back, and when. */
const client = `
const [host, port, count, local] = process.argv.slice(1)
const socket = require('dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4')
socket.on('error', ({ code }) => console.log('failed ' + code))
socket.on('message', (bytes) => console.log('echo ' + bytes + ' at ' + Date.now()))
let sent = 0
const send = () => {
  socket.send('n' + ++sent, +port, host, (error) => error && console.log('refused ' + error.code))
  if (sent >= +count) { clearInterval(timer); setTimeout(() => process.exit(), 500) }
}
const timer = setInterval(send, 100)
socket.bind(+local || 0)
`
/** One echo request by a ping socket, which needs no capability. */
const ping = `
use Socket; my ($host) = @ARGV; my $six = $host =~ /:/;
socket(S, $six ? AF_INET6 : AF_INET, SOCK_DGRAM, $six ? 58 : 1) or die "socket: $!";
my $to = $six ? pack_sockaddr_in6(0, Socket::inet_pton(AF_INET6, $host)) : pack_sockaddr_in(0, inet_aton($host));
send(S, pack('CCnnn', $six ? 128 : 8, 0, 0, 0, 1) . 'blazon12', 0, $to) or do { print 'refused'; exit };
my $set = ''; vec($set, fileno(S), 1) = 1;
select($set, undef, undef, 1.5) or do { print 'silence'; exit };
print defined(recv(S, my $bytes, 100, 0)) ? 'answered' : 'refused';
`
/** A timestamp request (type 13): by root, for no ping socket sends one. */
const timestamp = `
use Socket; socket(S, AF_INET, SOCK_RAW, 1) or die "socket: $!";
my $body = pack('CCnnnNNN', 13, 0, 0, 7, 1, 0, 0, 0); my $sum = 0; $sum += $_ for unpack('n*', $body);
$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16; substr($body, 2, 2) = pack('n', ~$sum & 0xffff);
print send(S, $body, 0, pack_sockaddr_in(0, inet_aton($ARGV[0]))) ? 'sent' : 'refused';
`
/** Asks the gate for everything, and says what it answers. */
const intruder = `
const socket = require('net').connect('\\0blazon-datagrams')
socket.on('connect', () => socket.write('[[5301,"10.77.0.0","10.77.0.255"]]\\n'))
socket.on('data', (bytes) => console.log('answer ' + bytes)).on('error', () => {})
socket.on('close', () => { console.log('closed'); process.exit() })
setTimeout(() => process.exit(), 3000)
`

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip
const title = 'datagrams of a captured workload'

suite(reason === undefined ? title : `${title} (${reason})`, function () {
  this.timeout(120_000)

  let mesh: CapturedMesh<'web' | 'office' | 'stranger'>
  let web: Machine
  let office: Machine
  let stranger: Machine
  let sidecar: RunningSidecar
  let gate: Program
  const servers = new Map<Machine, Program>()

  const startGate = async (): Promise<void> => {
    const words = ['intercept', '--hold', '--datagrams', '--resolvers', mesh.machines.controller.v4]
    gate = web.start([...blazon, ...words])
    await eventually(`the gate: ${gate.text()}`, () => gate.text().includes('captured'))
  }
  const udp = (host: string, port = 5300, count = 1, local = 0): Program =>
    web.start([process.execPath, '-e', client, host, String(port), String(count), String(local)], {
      as: workloadId,
    })
  const isEchoed = async (host: string, port = 5300): Promise<boolean> => {
    const program = udp(host, port)
    await eventually('an end', () => program.child.exitCode !== null)
    return program.text().includes('echo')
  }
  const isPinged = async (host: string): Promise<string> =>
    (await web.run(['perl', '-e', ping, host], { as: workloadId })).stdout
  const allowed = async (set = 'datagrams_udp4'): Promise<string> =>
    (await web.run(['nft', 'list', 'set', 'inet', 'blazon', set])).stdout
  const isOpen = async (): Promise<boolean> => (await allowed()).includes('elements')
  const eventuallyOpen = async (): Promise<void> => {
    await eventually(`the gate to let out: ${sidecar.program.text().slice(-600)}`, isOpen, 30_000)
  }

  before(async () => {
    await findPrograms('nft', 'curl', 'perl')
    mesh = await startCapturedMesh(['web', 'office', 'stranger'])
    ;({ web, office, stranger } = mesh.machines)
    const range = 'echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range'
    expect(await web.run(['sh', '-c', range])).to.include({ code: 0 })
    for (const machine of [web, office, stranger]) {
      const program = machine.start([process.execPath, '-e', echo], { as: workloadId })
      servers.set(machine, program)
      await eventually('a server', () => program.text().split('listening').length === 3)
    }
    await mesh.apply(services(office, stranger))
    await startGate()
    sidecar = await mesh.startSidecar('web')
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  it('are refused where no policy names them', async () => {
    await mesh.apply(policy('web-to-lan', 'lan', ''))
    expect(await isEchoed(office.v4)).to.equal(false)
    expect(await isPinged(office.v4)).to.equal('refused')
    expect(await isOpen()).to.equal(false)
  })

  describe('with a policy that names some', () => {
    before(async () => {
      await mesh.apply(policy('web-to-lan', 'lan', ports))
      await mesh.apply(policy('not-to-stranger', 'stranger', '', 'deny'))
      await eventually('what policy says', async () => {
        const text = await allowed('datagrams_udp6')
        return text.includes('elements') && (await allowed()).includes('10.77.0.')
      })
    })

    for (const family of ['v4', 'v6'] as const) {
      it(`go where it lets them, and come back (${family})`, async () => {
        expect(await isEchoed(office[family])).to.equal(true)
        expect(await isPinged(office[family])).to.equal('answered')
      })

      it(`go to no other port, such as that of QUIC where TCP is allowed (${family})`, async () => {
        expect(await isEchoed(office[family], 5301)).to.equal(false)
      })

      it(`do not go where a deny is within what is allowed (${family})`, async () => {
        expect(await isEchoed(stranger[family])).to.equal(false)
        expect(await isPinged(stranger[family])).to.not.equal('answered')
      })
    }

    it('do not go to a workload of the mesh, and not beyond what is allowed', async () => {
      const { stdout } = await web.run(['nft', 'list', 'set', 'inet', 'blazon', 'datagrams_udp4'])
      expect(stdout).to.not.match(/10\.77\.1\.|0\.0\.0\.0/)
      const beyond = await web.run([process.execPath, '-e', client, '10.78.0.1', '5300', '1'], {
        as: workloadId,
      })
      expect(beyond.stdout).to.not.contain('echo')
    })

    it('of another type of ICMP are refused, whoever sends them', async () => {
      expect((await web.run(['perl', '-e', timestamp, office.v4])).stdout).to.equal('refused')
    })

    for (const family of ['v4', 'v6'] as const) {
      it(`from outside that answer nothing are refused, from an allowed place too (${family})`, async () => {
        const host = { v4: `::ffff:${web.v4}`, v6: web.v6 }[family]
        const call = `require('dgram').createSocket('udp6').send('call ${host}', 5300, '::1', () => process.exit())`
        await office.run([process.execPath, '-e', call])
        const server = servers.get(office)
        await eventually('a call', () => server?.text().includes(`got call ${host}`))
        await eventually('its end', () => server?.text().includes('called null'))
        expect(await isEchoed(office[family])).to.equal(true)
        expect(servers.get(web)?.text()).to.not.contain('unasked')
      })
    }

    it('are let out for nobody else who asks the gate', async () => {
      for (const as of [workloadId, undefined]) {
        const options = as === undefined ? {} : { as }
        const { stdout } = await web.run([process.execPath, '-e', intruder], options)
        expect(stdout).to.equal('closed\n')
      }
      expect(gate.text()).to.contain(`refused a connection of uid ${String(workloadId)}`)
      expect(await allowed()).to.not.contain('5301')
      expect(await isEchoed(office.v4)).to.equal(true)
    })

    it('are recorded by destination', async () => {
      const flows = await eventually(
        'a flow',
        async () => {
          const text = await mesh.administer('flows', '-o', 'json')
          const { flows: list } = JSON.parse(text) as { flows: Record<string, unknown>[] }
          const found = list.filter(({ protocol }) => protocol !== 'tcp')
          return ['udp', 'icmp'].every((one) => found.some(({ protocol }) => protocol === one))
            ? found
            : undefined
        },
        40_000,
      )
      for (const flow of flows) {
        expect(flow['destinationAddress']).to.be.oneOf([office.v4, office.v6])
        expect(flow['destinationPort']).to.equal(flow['protocol'] === 'udp' ? 5300 : 0)
        expect(flow['from']).to.deep.include({ verdict: 'allow', policy: 'web-to-lan' })
        expect(flow['to']).to.deep.include({ spiffeId: 'external:lan' })
      }
      expect(await mesh.administer('flows')).to.match(/ udp\/5300 /)
    })

    it('end within a second of the policy, a flow under way included', async () => {
      const flow = udp(office.v4, 5300, 60, 7_777)
      await eventually('a flow', () => flow.text().includes('echo'))
      await mesh.apply(policy('web-to-lan', 'lan', 'tcp/5301'))
      const revokedAt = Date.now()
      await eventually('its end', () => flow.child.exitCode !== null)
      const last = Math.max(
        ...Array.from(flow.text().matchAll(/echo n\d+ at (\d+)/g), ([, at]) => Number(at)),
      )
      expect(last - revokedAt).to.be.lessThan(1_000)
      expect(flow.text()).to.match(/refused|failed/)
      expect(await isPinged(office.v4)).to.equal('refused')
    })
  })

  describe('when something fails', () => {
    before(async () => {
      await mesh.apply(policy('web-to-lan', 'lan', ports))
      await eventuallyOpen()
    })

    it('are refused once a sidecar that stands still has not renewed them', async () => {
      const pid = sidecar.program.child.pid ?? 0
      process.kill(pid, 'SIGSTOP')
      try {
        expect(await isEchoed(office.v4)).to.equal(true)
        const stoppedAt = Date.now()
        await eventually('an end', async () => !(await isEchoed(office.v4)), 30_000)
        expect(Date.now() - stoppedAt).to.be.lessThan(17_000)
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await eventuallyOpen()
    })

    it('are refused once the gate is killed, and the sidecar says why', async () => {
      await gate.end('SIGKILL')
      const killedAt = Date.now()
      await eventually('an end', async () => !(await isEchoed(office.v4)), 30_000)
      expect(Date.now() - killedAt).to.be.lessThan(17_000)
      expect(sidecar.program.text()).to.contain('blazon intercept --datagrams is not there')
      await startGate()
      await eventuallyOpen()
    })

    it('are let out by no gate that somebody else has opened in its name', async () => {
      await gate.end()
      expect(await isOpen()).to.equal(false)
      const fake = `require('net').createServer((s) => s.on('data', (d) => console.log('told ' + d)).on('error', () => {})).listen('\\0blazon-datagrams')`
      const program = web.start([process.execPath, '-e', fake], { as: workloadId })
      await eventually('a refusal', () =>
        sidecar.program.text().includes('expected the gate of root'),
      )
      expect(program.text()).to.not.contain('told')
      await program.end('SIGKILL')
      await startGate()
      await eventuallyOpen()
    })

    it('are refused at once when the sidecar is killed', async () => {
      await sidecar.program.end('SIGKILL')
      await eventually('an end', async () => !(await isOpen()), 1_000)
      expect(await isEchoed(office.v4)).to.equal(false)
    })
  })
})
