import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  startCapturedMesh,
  workloadId,
  type CapturedMesh,
  type RunningSidecar,
} from '../support/captured-mesh.ts'
import { whyNoNetwork, type Ran } from '../support/network.ts'
import { eventually } from '../support/poll.ts'
import { findPrograms } from '../support/programs.ts'
import { balance } from '../support/translation.ts'

const policy = (backends: readonly string[]): string => `
kind: NetworkPolicy
name: client-to-backends
spec: { from: { label.app: client }, to: { label.app: [${backends.join(', ')}] }, ports: [tcp/8080], action: allow }
`
/** Says which backend it is. */
const backendServer = `
require('http').createServer((request, response) => response.end(process.argv[1])).listen(8080, '::')
`
const haproxyConfig = (listen: string, backends: readonly string[]): string => `
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen backends
  bind ${listen}:8080
  balance roundrobin
${backends.map((address, index) => `  server backend${String(index)} ${address}:8080`).join('\n')}
`

const names = ['one', 'two'] as const
const requests = 12
const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

suite(`behind L4 balancers${reason === undefined ? '' : ` (${reason})`}`, function () {
  this.timeout(180_000)

  let mesh: CapturedMesh<'client' | 'one' | 'two' | 'nat' | 'haproxy'>
  let sidecar: RunningSidecar

  const curl = async (host: string): Promise<Ran> =>
    await mesh.machines.client.run(['curl', '-sS', '--max-time', '10', `http://${host}:8080/`], {
      as: workloadId,
    })
  const answers = async (host: string): Promise<readonly string[]> => {
    const said: string[] = []
    for (let request = 0; request < requests; request++) {
      const { code, stdout } = await curl(host)
      said.push(code === 0 ? stdout : 'refused')
    }
    return said
  }
  const count = (said: readonly string[], answer: string): number =>
    said.filter((one) => one === answer).length

  before(async () => {
    const { haproxy } = await findPrograms('nft', 'haproxy', 'curl')
    mesh = await startCapturedMesh(['client', 'one', 'two', 'nat', 'haproxy'])
    const { machines } = mesh
    const backends = names.map((name) => machines[name])
    await balance(machines.nat, 8_080, backends)
    const file = join(mesh.directory, 'haproxy.cfg')
    const addresses = backends.map(({ v4 }) => v4)
    await writeFile(file, haproxyConfig(machines.haproxy.v4, addresses))
    machines.haproxy.start([haproxy, '-db', '-f', file])
    for (const name of names) {
      machines[name].start([process.execPath, '-e', backendServer, name], { as: workloadId })
    }
    await mesh.apply(policy(names))
    for (const name of ['client', ...names] as const) {
      await mesh.intercept(name, '--resolvers', machines.controller.v4)
    }
    for (const name of names) await mesh.startSidecar(name)
    sidecar = await mesh.startSidecar('client')
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
  })

  for (const kind of ['nat', 'haproxy'] as const) {
    const title = { nat: 'destination translation', haproxy: 'HAProxy in TCP mode' }[kind]

    it(`gives both backends their share (${title})`, async () => {
      const { v4 } = mesh.machines[kind]
      await eventually('an answer', async () => (await curl(v4)).code === 0)
      const said = await answers(v4)
      expect(count(said, 'refused'), said.join()).to.equal(0)
      for (const name of names) expect(count(said, name), said.join()).to.be.at.least(requests / 4)
    })

    it(`decides by who is behind it, not by its address (${title})`, async () => {
      const { v4 } = mesh.machines[kind]
      await mesh.apply(policy(['two']))
      await eventually('the policy', async () => (await answers(v4)).includes('refused'))
      const said = await answers(v4)
      expect(count(said, 'one'), said.join()).to.equal(0)
      expect(count(said, 'two'), said.join()).to.be.greaterThan(0)
      const denied = sidecar
        .records()
        .filter(({ destination, verdict }) => destination === `${v4}:8080` && verdict === 'deny')
      expect(denied).to.not.be.empty
      for (const { peer } of denied) expect(String(peer)).to.match(/\/workload\/one$/)
      await mesh.apply(policy(names))
      await eventually('the policy', async () => (await answers(v4)).includes('one'))
    })
  }
})
