import { join } from 'node:path'
import { expect } from 'chai'
import { startCapturedMesh, workloadId, type CapturedMesh } from '../support/captured-mesh.ts'
import { testTrustDomain } from '../support/enrolment-client.ts'
import { whyNoNetwork, type Machine, type Ran } from '../support/network.ts'
import { nginxPorts, startNginx } from '../support/nginx.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'

const machineNames = ['client', 'balancer', 'one', 'two'] as const
type Name = (typeof machineNames)[number]
const ports = nginxPorts

const toBackends = `
kind: NetworkPolicy
name: balancer-to-backends
spec:
  from: { label.app: balancer }
  to: { label.app: [one, two] }
  ports: [tcp/${String(ports.backend)}]
  http: [{ paths: ['/**'] }]
  action: allow
`
const toBalancer = (rule: string): string => `
kind: NetworkPolicy
name: client-to-balancer
spec:
  from: { label.app: client }
  to: { label.app: balancer }
  ports: [tcp/${String(ports.balancer)}]
  http: [${rule}]
  action: allow
`

/** Says its name, and who the sidecar says is asking. */
const backend = `
const [name] = process.argv.slice(-1)
require('http').createServer((request, response) => {
  const peer = request.headers['x-forwarded-client-cert']
  const all = Object.keys(request.headers).filter((key) => /client.cert/.test(key)).length
  request.resume().on('end', () => response.end([name, request.method, peer, all].join(' ') + '\\n'))
}).listen(${String(ports.backend)}, '::')
`
const identityOf = (name: Name): string =>
  `URI=spiffe://${testTrustDomain}/ns/default/workload/${name}`

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

suite(
  `curl, nginx as a balancer and two servers, unchanged${reason === undefined ? '' : ` (${reason})`}`,
  function () {
    this.timeout(180_000)

    let mesh: CapturedMesh<Name>
    let programs: Readonly<Record<'curl', string>>
    let nginx: Awaited<ReturnType<typeof startNginx>>

    const curl = async (at: Machine, port: number, ...words: readonly string[]): Promise<Ran> =>
      await mesh.machines.client.run(
        [
          ...[programs.curl, '-q', '-sS', '--max-time', '10', ...words],
          `http://${at.v4}:${String(port)}/orders/1`,
        ],
        { as: workloadId },
      )
    const ask = async (...words: readonly string[]): Promise<string> =>
      (await curl(mesh.machines.balancer, ports.balancer, ...words)).stdout
    const logged = async (): Promise<string[]> => await nginx.log()

    before(async () => {
      programs = await findPrograms('curl')
      mesh = await startCapturedMesh(machineNames)
      const { one, two, balancer } = mesh.machines
      nginx = await startNginx({
        machine: balancer,
        backends: [one, two],
        directory: join(mesh.directory, 'nginx'),
        logged: '$request_method $http_x_forwarded_client_cert',
        headers: ['X-Forwarded-Client-Cert', 'X_Forwarded_Client_Cert'].map(
          (name) => `${name} "URI=spiffe://${testTrustDomain}/workload/forged"`,
        ),
        keptConnections: 8,
      })
      for (const name of ['one', 'two'] as const) {
        mesh.machines[name].start([process.execPath, '-e', backend, name], { as: workloadId })
      }
      for (const name of machineNames) {
        await mesh.intercept(name, '--resolvers', balancer.v4)
        await mesh.startSidecar(name)
      }
      await mesh.apply(`${toBalancer('{ methods: [GET] }')}---${toBackends}`)
      await eventually('an answer', async () => (await ask()).includes('GET'), 30_000)
    })
    after(async () => {
      await mesh[Symbol.asyncDispose]()
    })

    it('a GET is answered by both servers, each request on its way decided twice', async () => {
      const answers = await Promise.all([ask(), ask(), ask(), ask()])
      expect(new Set(answers.map((text) => text.split(' ')[0]))).to.deep.equal(
        new Set(['one', 'two']),
      )
    })

    it('the balancer is told who the client is, and the servers that it is the balancer', async () => {
      const forged = `x-forwarded-client-cert: ${identityOf('one')}`
      const answer = await ask('-H', forged)
      expect(answer).to.match(/^(?:one|two) GET /)
      // Neither what the client has forged, nor what the balancer has: one header line, and it is true.
      expect(answer.split(' ').slice(2)).to.deep.equal([identityOf('balancer'), '1\n'])
      expect((await logged()).at(-1)).to.equal(`GET ${identityOf('client')}`)
    })

    it('a POST is denied with the reason, and nginx does not hear of it', async () => {
      const before = (await logged()).length
      const answer = await ask('-i', '--data', 'item=1')
      expect(answer).to.match(/^HTTP\/1\.1 403 Forbidden\r\nBlazon-Reason: no-policy-matched\r\n/)
      expect(await logged()).to.have.length(before)
      await mesh.apply(toBalancer('{ methods: [GET, POST] }'))
      await eventually('the policy to arrive', async () =>
        (await ask('--data', 'item=1')).includes(' POST '),
      )
    })

    it('a client that goes past the balancer gets nothing', async () => {
      const { one } = mesh.machines
      const { code, stderr } = await curl(one, ports.backend)
      expect(code, stderr).to.equal(56) // a reset
    })

    it('HTTP/2 is refused where requests are read', async () => {
      const { balancer } = mesh.machines
      const { code } = await curl(balancer, ports.balancer, '--http2-prior-knowledge')
      expect(code).to.not.equal(0)
      expect((await logged()).at(-1)).to.not.include('PRI')
    })
  },
)
