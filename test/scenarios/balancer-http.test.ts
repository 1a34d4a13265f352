import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { startCapturedMesh, workloadId, type CapturedMesh } from '../support/captured-mesh.ts'
import { testTrustDomain } from '../support/enrolment-client.ts'
import { whyNoNetwork, type Machine, type Ran } from '../support/network.ts'
import { nginxPorts, startNginx } from '../support/nginx.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'

const machineNames = ['client', 'other', 'one', 'two', 'balancer', 'stranger'] as const
type Name = (typeof machineNames)[number]
const workloads = ['client', 'other', 'one', 'two'] as const
const ports = nginxPorts

const policy = (balancer: Machine, methods: string): string => `
kind: ExternalService
name: front
spec:
  cidrs: [${balancer.v4}]
  l7: true
---
kind: NetworkPolicy
name: to-front
spec:
  from: { label.app: [client, other] }
  to: { external: { name: front } }
  ports: [tcp/${String(ports.balancer)}]
  action: allow
  encryption: optional
---
kind: NetworkPolicy
name: front-connects
spec:
  from: { external: { name: front } }
  to: { label.app: [one, two] }
  ports: [tcp/${String(ports.backend)}]
  http: [{ methods: [GET], paths: [/health] }]
  action: allow
  encryption: optional
---
kind: NetworkPolicy
name: client-to-backends
spec:
  from: { label.app: client }
  to: { label.app: [one, two] }
  ports: [tcp/${String(ports.backend)}]
  http: [{ methods: ${methods}, paths: ['/orders/**'] }]
  action: allow
  relay: trusted
`

/** Says its name, and who the sidecar says is asking. */
const backend = `
const [name] = process.argv.slice(-1)
require('http').createServer((request, response) => {
  const peer = request.headers['x-forwarded-client-cert']
  const tokens = Object.keys(request.headers).filter((key) => /token/.test(key)).length
  let bytes = 0
  request.on('data', (chunk) => { bytes += chunk.length })
  request.on('end', () => response.end([name, request.method, peer, tokens, bytes].join(' ') + '\\n'))
}).listen(${String(ports.backend)}, '::')
`

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

suite(
  `nginx outside the mesh, between workloads${reason === undefined ? '' : ` (${reason})`}`,
  function () {
    this.timeout(180_000)

    let mesh: CapturedMesh<Name>
    let programs: Readonly<Record<'curl', string>>
    let nginx: Awaited<ReturnType<typeof startNginx>>

    const curl = async (by: Name, path: string, ...words: readonly string[]): Promise<Ran> =>
      await mesh.machines[by].run(
        [
          ...[programs.curl, '-q', '-sS', '--max-time', '10', ...words],
          `http://${mesh.machines.balancer.v4}:${String(ports.balancer)}${path}`,
        ],
        { as: workloadId },
      )
    const ask = async (by: Name, path: string, ...words: readonly string[]): Promise<string> =>
      (await curl(by, path, ...words)).stdout
    const identityOf = (name: Name): string =>
      `URI=spiffe://${testTrustDomain}/ns/default/workload/${name}`
    /** The reason in an answer, or all of it where it has none. */
    const denial = (answer: string): string =>
      /^HTTP\/1\.1 403 [^]*?\r\nBlazon-Reason: ([a-z-]+)\r\n/i.exec(answer)?.[1] ?? answer

    before(async () => {
      programs = await findPrograms('curl')
      mesh = await startCapturedMesh(machineNames)
      const { one, two, balancer } = mesh.machines
      nginx = await startNginx({
        machine: balancer,
        backends: [one, two],
        directory: join(mesh.directory, 'nginx'),
        logged:
          '$request_method $request_uri $http_workload_identity_token $http_workload_proof_token',
        headers: ['Host $http_host'],
        keptConnections: 1,
      })
      for (const name of ['one', 'two'] as const) {
        mesh.machines[name].start([process.execPath, '-e', backend, name], { as: workloadId })
      }
      for (const name of workloads) {
        await mesh.intercept(name, '--resolvers', balancer.v4)
        await mesh.startSidecar(name)
      }
      await mesh.apply(policy(balancer, '[GET]'))
      await eventually(
        'an answer',
        async () => (await ask('client', '/orders/1')).includes(' GET '),
        30_000,
      )
    })
    after(async () => {
      await mesh[Symbol.asyncDispose]()
    })

    it('both servers are told which workload is asking, and get no tokens', async () => {
      const answers: string[] = []
      for (let count = 0; count < 6; count++) answers.push(await ask('client', '/orders/1?a=b'))
      expect(new Set(answers)).to.deep.equal(
        new Set(['one', 'two'].map((name) => `${name} GET ${identityOf('client')} 0 0\n`)),
      )
    })

    it('another workload through the same balancer is denied by its own identity', async () => {
      expect(denial(await ask('other', '/orders/1', '-i'))).to.equal('no-policy-matched')
      expect(denial(await ask('other', '/health', '-i'))).to.equal('no-policy-matched')
      expect(await ask('client', '/orders/1')).to.include(identityOf('client'))
    })

    it('a program without a sidecar has only what the balancer may, whatever it claims', async () => {
      const health = await ask('stranger', '/health')
      expect(health).to.match(/^(?:one|two) GET {2}0 0\n$/)
      expect(denial(await ask('stranger', '/orders/1', '-i'))).to.equal('token-missing')
      const forged = ['-H', `X-Forwarded-Client-Cert: ${identityOf('client')}`]
      expect(denial(await ask('stranger', '/orders/1', '-i', ...forged))).to.equal('token-missing')
    })

    it('tokens that were seen at the balancer are good for nothing a second time', async () => {
      const line = (await nginx.log()).findLast((each) => each.startsWith('GET /orders/1 ey'))
      const [, , identity = '', proof = ''] = line?.split(' ') ?? []
      expect(identity.split('.')).to.have.length(3)
      const tokens = [
        '-H',
        `Workload-Identity-Token: ${identity}`,
        '-H',
        `Workload-Proof-Token: ${proof}`,
      ]
      const other = await ask('stranger', '/orders/2', '-i', ...tokens)
      expect(denial(other)).to.be.oneOf(['proof-mismatch', 'proof-expired'])
      // Each server takes a proof once: the one that has seen it refuses, the other may not have.
      const again = [
        await ask('stranger', '/orders/1', '-i', ...tokens),
        await ask('stranger', '/orders/1', '-i', ...tokens),
        await ask('stranger', '/orders/1', '-i', ...tokens),
        await ask('stranger', '/orders/1', '-i', ...tokens),
      ].map(denial)
      expect(again.filter((each) => each.includes('200 OK')).length).to.be.at.most(1)
      expect(again.at(-1)).to.be.oneOf(['proof-replayed', 'proof-expired'])
    })

    it('a body passes whole, and a change of policy holds for the next request', async () => {
      expect(denial(await ask('client', '/orders/1', '-i', '--data', 'item=1'))).to.equal(
        'no-policy-matched',
      )
      await mesh.apply(policy(mesh.machines.balancer, '[GET, POST]'))
      await eventually('the policy to arrive', async () =>
        (await ask('client', '/orders/1', '--data', 'item=1')).endsWith(
          ` POST ${identityOf('client')} 0 6\n`,
        ),
      )
      const file = join(mesh.directory, 'body')
      await writeFile(file, Buffer.alloc(3_000_000, 'x'))
      expect(await ask('client', '/orders/1', '--data-binary', `@${file}`)).to.match(/ 3000000\n$/)
    })
  },
)
