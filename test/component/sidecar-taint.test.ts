import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { HostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'
import type { Sidecar } from '../../src/sidecar/index.ts'
import { logIn, type LoggedIn } from '../support/cli-login.ts'
import { testTrustDomain } from '../support/enrolment-client.ts'
import {
  connectClient,
  startApplication,
  startTestSidecar,
  temporaryDirectory,
  type TestClient,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { startTestController } from '../support/test-controller.ts'
import { createOutsideCa } from '../support/test-x509.ts'

const documents = (port: number): string => `
kind: EnrolmentRule
name: machines
spec: { match: { label.x509-o: Corp }, names: [web, db] }
---
kind: NetworkPolicy
name: web-to-db
spec:
  from: { label.x509-cn: web-1 }
  to: { label.x509-cn: db-1 }
  ports: [tcp/${String(port)}]
  action: allow
`

/** What `blazon workloads` says of one. */
interface Listed {
  readonly name: string
  readonly workloadId: string
  readonly serial: string
  readonly attributes: readonly { readonly key: string; readonly value: string }[]
}

/** `web` and `db` on machines that show certificates of their owner's CA, under a real controller. */
interface CertifiedMesh extends AsyncDisposable {
  readonly cli: LoggedIn
  readonly entrance: HostPort
  workloads(): Promise<readonly Listed[]>
}

async function startCertifiedMesh(): Promise<CertifiedMesh> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const outside = createOutsideCa()
  const controller = stack.use(
    await startTestController({
      files: { 'x509-ca.pem': outside.pem },
      config: { timings: { tickMs: 50, graceMs: 200, reauthenticateMs: 200 } },
    }),
  )
  const cli = stack.use(await logIn(controller))
  const application = stack.use(await startApplication())
  const start = async (
    name: string,
    listeners: { readonly egress?: HostPort[]; readonly ingress?: HostPort[] },
  ): Promise<Sidecar> => {
    const machine = outside.machine(`${name}-1`)
    const files = join(directory.path, `${name}-machine`)
    await mkdir(files)
    const [chain, key] = [join(files, 'chain.pem'), join(files, 'key.pem')]
    await writeFile(chain, machine.chain.map(toPem).join(''))
    const pem = machine.privateKey.export({ format: 'pem', type: 'pkcs8' })
    await writeFile(key, pem, { mode: 0o600 })
    const home = {
      address: controller.controller.address,
      trustDomain: testTrustDomain,
      root: controller.root,
      joinToken: '',
    }
    const environment = {
      BLAZON_EVIDENCE: 'x509',
      BLAZON_X509_CHAIN: chain,
      BLAZON_X509_KEY: key,
    }
    const stateDirectory = join(directory.path, name)
    return stack.use(
      await startTestSidecar(home, { name, stateDirectory, environment, ...listeners }),
    )
  }
  const db = await start('db', { ingress: [application.address] })
  const [ingress] = db.ingressAddresses
  if (ingress === undefined) throw new Error('BUG: no ingress')
  const file = join(cli.directory, 'policy.yaml')
  await writeFile(file, documents(ingress.port))
  const applied = await cli.run('apply', '-f', file)
  if (applied.code !== 0) throw new Error(applied.stderr)
  const web = await start('web', { egress: [ingress] })
  const [entrance] = web.egressAddresses
  if (entrance === undefined) throw new Error('BUG: no egress')
  const deadline = AbortSignal.timeout(20_000)
  await Promise.all([web.whenReady(deadline), db.whenReady(deadline)])
  const parts = stack.move()
  return {
    cli,
    entrance,
    workloads: async () => {
      const { workloads } = (await cli.json('workloads')) as { workloads: Listed[] }
      return [...workloads].sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function openEcho({ entrance }: CertifiedMesh): Promise<TestClient> {
  return await eventually('an echo', async () => {
    const client = connectClient(entrance, 'hello')
    const end = await Promise.race([
      client.ended,
      eventually('the echo', () => client.text() === 'hello').then(() => 'open'),
    ])
    return end === 'open' ? client : undefined
  })
}

describe('sidecars on machines with certificates', function () {
  this.timeout(60_000)

  it('enrol by them, and carry a connection that policy allows by what they say', async () => {
    await using mesh = await startCertifiedMesh()
    const client = await openEcho(mesh)
    const named = (await mesh.workloads()).map(({ name, attributes }) => [
      name,
      attributes.find(({ key }) => key === 'label.x509-cn')?.value,
    ])
    expect(named).to.deep.equal([
      ['db', 'db-1'],
      ['web', 'web-1'],
    ])
    client.socket.end()
    expect(await client.ended).to.equal('end')
  })

  it('attest again when `blazon ca taint` is called, and what runs by the former issuer is cut', async () => {
    await using mesh = await startCertifiedMesh()
    const { cli } = mesh
    const client = await openEcho(mesh)
    const before = await mesh.workloads()
    const { issuers } = (await cli.json('ca', 'status')) as { issuers: { keySha256: string }[] }
    const taint = await cli.run('ca', 'taint', issuers[0]?.keySha256 ?? '')
    expect(taint.code, taint.stderr).to.equal(0)
    expect(await client.ended).to.equal('ECONNRESET')

    const newer = await openEcho(mesh)
    const after = await mesh.workloads()
    expect(after.map(({ workloadId }) => workloadId)).to.deep.equal(
      before.map(({ workloadId }) => workloadId),
    )
    const serials = [...before, ...after].map(({ serial }) => serial)
    expect(new Set(serials).size, 'every one has a new certificate').to.equal(4)
    // What runs by the new issuer outlives the next change of issuers.
    expect((await cli.run('ca', 'rotate')).code).to.equal(0)
    newer.socket.write(' again')
    await eventually('the echo', () => newer.text() === 'hello again')
    newer.socket.end()
    expect(await newer.ended).to.equal('end')
  })
})
