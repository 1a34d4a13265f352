import { createPublicKey } from 'node:crypto'
import { expect } from 'chai'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import descriptors from 'protobufjs/ext/descriptor/index.js'
import protobuf from 'protobufjs'
import { createCsr, fromWireBundle, readCertificate } from '../../src/identity/index.ts'
import type { ServerReflectionResponse__Output } from '../../src/rpc/generated/grpc/reflection/v1/ServerReflectionResponse.ts'
import type { ServerReflectionRequest } from '../../src/rpc/generated/grpc/reflection/v1/ServerReflectionRequest.ts'
import { createTokenReader } from '../../src/sidecar/relayed/token-reader.ts'
import { logIn } from '../support/cli-login.ts'
import type { ControllerClient } from '../support/controller-client.ts'
import { renewWith } from '../support/enrolment-client.ts'
import { createFullDisk } from '../support/full-disk-store.ts'
import { eventually, expectStatus } from '../support/expect-status.ts'
import { bearer, startOidcIssuer } from '../support/oidc-issuer.ts'
import { newKeys } from '../support/test-ca.ts'
import {
  createMovableClock,
  startTestController,
  testRule,
  type TestController,
} from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'

const activeKey = async (admin: ControllerClient): Promise<string> => {
  const { issuers } = await admin.call('Status', {})
  return issuers.find(({ state }) => state === 'ACTIVE')?.keySha256 ?? ''
}

describe('controller: issuers', function () {
  this.timeout(30_000)

  it('rotate when asked: prepared at once, told to all, active when it had time to spread', async () => {
    const clock = createMovableClock()
    await using mesh = await startTestController({
      clock,
      config: { timings: { maintenanceMs: 30 } },
    })
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    const web = await mesh.enrol('web')
    using watch = watchWith(mesh.connect(web))
    const { bundle, version } = await watch.next('snapshot')
    watch.send({ acknowledge: { version } })
    const rotating = admin.call('RotateIssuer', {})
    const pushed = await watch.next('snapshot')
    expect(pushed.bundle?.issuers).to.have.length((bundle?.issuers.length ?? 0) + 1)
    watch.send({ acknowledge: { version: pushed.version } })
    const answer = await rotating
    expect(answer.issuers.map(({ state }) => state)).to.deep.equal(['ACTIVE', 'PREPARED'])
    expect(answer.lagging).to.deep.equal([])
    clock.skip(61_000)
    await eventually(async () => {
      const { issuers } = await admin.call('Status', {})
      expect(issuers.map(({ state }) => state)).to.deep.equal(['OLD', 'ACTIVE'])
    })
  })

  it('name the sidecars that have not acknowledged, and those that are not there', async () => {
    await using mesh = await startTestController()
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    const [quiet, away] = [await mesh.enrol('quiet'), await mesh.enrol('away')]
    using watch = watchWith(mesh.connect(quiet))
    await watch.next('snapshot')
    const { lagging } = await admin.call('RotateIssuer', {})
    const ids = [quiet, away].map(({ chain: [leaf] }) =>
      leaf === undefined ? '' : readCertificate(leaf).workload?.workloadId,
    )
    expect(lagging).to.deep.equal([...ids].sort())
  })

  it('are refused at once when tainted: workloads, streams and administrators under them', async () => {
    await using mesh = await startTestController()
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    const web = await mesh.enrol('web')
    using watch = watchWith(mesh.connect(web))
    await watch.next('snapshot')
    const keySha256 = await activeKey(admin)
    await expectStatus(admin.call('TaintIssuer', { keySha256 }), 'FAILED_PRECONDITION', /CSR/)
    expect(await activeKey(admin)).to.equal(keySha256)
    const { privateKey } = newKeys()
    const csr = createCsr(privateKey)
    const { chain, issuers, lagging, bundle } = await admin.call('TaintIssuer', { keySha256, csr })
    expect(issuers.map(({ state }) => state)).to.deep.equal(['TAINTED', 'ACTIVE'])
    expect(lagging).to.have.length(1)
    expect(bundle?.issuers.map(({ state }) => state)).to.include('TAINTED')
    const last = await watch.next('snapshot')
    expect(last.bundle?.issuers.map(({ state }) => state)).to.include('TAINTED')
    expect((await watch.ended)?.details).to.match(/not accepted/)
    await expectStatus(mesh.connect(web).call('IssueJwt', { audience: ['a'] }), 'UNAUTHENTICATED')
    await expectStatus(admin.call('Status', {}), 'UNAUTHENTICATED')
    const renewed = mesh.connect({ chain, privateKey })
    expect(await activeKey(renewed)).to.not.equal(keySha256)
    const token = await renewed.call('CreateJoinToken', {
      labels: [{ key: 'join', value: 'test' }],
    })
    await mesh.enrol('web', { nodeKeys: web.nodeKeys, token: token.token })
  })

  it('that are tainted have their certificates given to nobody, not even again', async () => {
    const clock = createMovableClock()
    // The client goes by a clock of its own, which has to be in the controller's certificates.
    clock.skip(-70_000)
    await using mesh = await startTestController({
      clock,
      config: { timings: { maintenanceMs: 20 } },
    })
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    const web = await mesh.enrol('web')
    const first = await activeKey(admin)
    await admin.call('RotateIssuer', {})
    clock.skip(61_000)
    await eventually(async () => {
      expect(await activeKey(admin)).to.not.equal(first)
    })
    const client = mesh.connect(web)
    const csr = createCsr(newKeys().privateKey)
    await renewWith(client, web, { csr })
    await admin.call('TaintIssuer', { keySha256: await activeKey(admin) })
    await expectStatus(renewWith(client, web, { csr }), 'INVALID_ARGUMENT', /make a new one/)
    await renewWith(client, web)
  })

  it('are tainted only if there are such, and with a key that is new', async () => {
    await using mesh = await startTestController()
    const admin = await mesh.admin()
    await expectStatus(admin.call('TaintIssuer', { keySha256: '00'.repeat(32) }), 'NOT_FOUND')
    await expectStatus(admin.call('TaintIssuer', { keySha256: '' }), 'NOT_FOUND')
    const keySha256 = await activeKey(admin)
    const csr = Buffer.from('nonsense')
    await expectStatus(admin.call('TaintIssuer', { keySha256, csr }), 'INVALID_ARGUMENT')
    expect(await activeKey(admin)).to.equal(keySha256)
  })

  it('are made known later where the disk refuses, and nothing is said to be unchanged', async () => {
    await using issuer = await startOidcIssuer()
    const disk = createFullDisk()
    await using mesh = await startTestController({
      openStore: disk.open,
      config: { oidc: issuer.config(), timings: { maintenanceMs: 30 } },
    })
    await mesh.apply(testRule)
    const keySha256 = await activeKey(await mesh.admin())
    using watch = watchWith(mesh.connect(await mesh.enrol('web')))
    const { version } = await watch.next('snapshot')
    watch.send({ acknowledge: { version } })
    const metadata = bearer(await issuer.token())
    disk.isFull = true
    const tainting = mesh.connect().call('TaintIssuer', { keySha256 }, metadata)
    await expectStatus(tainting, 'UNAVAILABLE', /the change was made/)
    disk.isFull = false
    const { bundle } = await watch.next('snapshot')
    expect(bundle?.issuers.map(({ state }) => state)).to.include('TAINTED')
  })

  it('leave a way in for whoever has the data directory, once no certificate is good any more', async () => {
    await using issuer = await startOidcIssuer()
    await using mesh = await startTestController({ config: { oidc: issuer.config() } })
    const keySha256 = await activeKey(await mesh.admin())
    const metadata = bearer(await issuer.token())
    await mesh.connect().call('TaintIssuer', { keySha256 }, metadata)
    await expectStatus((await mesh.admin()).call('Status', {}), 'UNAUTHENTICATED')
    expect(mesh.controller.secretFile).to.not.equal(undefined)
    await mesh.restart()
    await using cli = await logIn(mesh)
    expect((await cli.run('status')).code).to.equal(0)
  })
})

describe('blazon ca', function () {
  this.timeout(30_000)

  it('shows, rotates and taints, and keeps its own credential good', async () => {
    await using mesh = await startTestController()
    await using cli = await logIn(mesh)
    const states = async (...words: string[]): Promise<string[]> => {
      const { issuers } = (await cli.json('ca', ...words)) as { issuers: { state: string }[] }
      return issuers.map(({ state }) => state)
    }
    const keys = async (): Promise<string[]> => {
      const { issuers } = (await cli.json('ca', 'status')) as { issuers: { keySha256: string }[] }
      return issuers.map(({ keySha256 }) => keySha256)
    }
    expect(await states('status')).to.deep.equal(['active'])
    expect(await states('rotate')).to.deep.equal(['active', 'prepared'])
    const [active = ''] = await keys()
    const run = await cli.run('ca', 'taint', active.slice(0, 16))
    expect(run.code).to.equal(0)
    expect(run.stderr).to.match(/has been replaced/)
    expect(await states('status')).to.deep.equal(['tainted', 'active'])
    expect((await cli.run('ca', 'taint', 'xyz')).code).to.equal(2)
    expect((await cli.run('ca', 'taint', '00000000')).code).to.equal(1)
    expect((await cli.run('audit', 'verify')).code).to.equal(0)
  })

  it('gives a browser its way in', async () => {
    const gateway = {
      listen: { host: '127.0.0.1', port: 0 },
      origins: [],
      certificate: undefined,
      plainHttp: false,
    }
    await using mesh = await startTestController({ config: { gateway } })
    await using cli = await logIn(mesh)
    for (const words of [['console'], ['login', '--browser']]) {
      const { code, stdout, stderr } = await cli.run(...words)
      expect([code, stderr.includes('good once')]).to.deep.equal([0, true])
      expect(stdout).to.match(/^https:\/\/localhost:\d+\/#sign-in=[\w-]{43}\n$/)
    }
    await using other = await startTestController()
    await using without = await logIn(other)
    expect((await without.run('console')).stderr).to.match(/BLAZON_GATEWAY_LISTEN/)
  })
})

describe('controller: JWT-SVIDs', function () {
  this.timeout(20_000)

  let mesh: TestController
  before(async () => {
    mesh = await startTestController()
    await mesh.apply(testRule)
  })
  after(() => mesh[Symbol.asyncDispose]())

  it('are for the caller itself, and are verified with a key of the bundle', async () => {
    const web = await mesh.enrol('web')
    using watch = watchWith(mesh.connect(web))
    const { bundle } = await watch.next('snapshot')
    const { token, expiresAtMs } = await mesh
      .connect(web)
      .call('IssueJwt', { audience: ['orders', 'stock'] })
    expect(expiresAtMs - Date.now()).to.be.within(1, 300_000)
    const { kid } = decodeProtectedHeader(token)
    const listed = bundle?.jwtKeys.find(({ keyId }) => keyId === kid)
    const key = createPublicKey({
      key: listed?.spki ?? Buffer.alloc(0),
      format: 'der',
      type: 'spki',
    })
    const { payload } = await jwtVerify(token, key, { audience: 'stock', typ: 'JWT' })
    expect(payload.sub).to.equal('spiffe://acme.example/ns/default/workload/web')
    expect(payload.aud).to.deep.equal(['orders', 'stock'])
  })

  it('do not let anybody enrol', async () => {
    const web = await mesh.enrol('web-a')
    const audience = ['acme.example/enrolment']
    const { token } = await mesh.connect(web).call('IssueJwt', { audience })
    await expectStatus(mesh.enrol('web-b', { token }), 'UNAUTHENTICATED')
  })

  it('need an audience, and a workload', async () => {
    const web = await mesh.enrol('web-c')
    await expectStatus(mesh.connect(web).call('IssueJwt', {}), 'INVALID_ARGUMENT', /audience/)
    const request = { audience: ['a'] }
    await expectStatus((await mesh.admin()).call('IssueJwt', request), 'PERMISSION_DENIED')
    await expectStatus(mesh.connect().call('IssueJwt', request), 'UNAUTHENTICATED')
  })

  it('are not for a revoked workload, nor without bound', async () => {
    const web = await mesh.enrol('web-d')
    const client = mesh.connect(web)
    const statuses = await Promise.all(
      Array.from({ length: 150 }, () =>
        client.call('IssueJwt', { audience: ['a'] }).then(
          () => 'issued',
          (error: unknown) => String(error),
        ),
      ),
    )
    expect(statuses.filter((one) => one === 'issued').length).to.be.within(100, 149)
    expect(statuses.find((one) => one !== 'issued')).to.match(/too many tokens/)
    await (await mesh.admin()).call('RevokeWorkload', { workload: 'web-d' })
    await expectStatus(client.call('IssueJwt', { audience: ['a'] }), 'UNAUTHENTICATED')
  })
})

describe('controller: workload identity tokens', function () {
  this.timeout(20_000)

  let mesh: TestController
  before(async () => {
    mesh = await startTestController()
    await mesh.apply(testRule)
  })
  after(() => mesh[Symbol.asyncDispose]())

  it('are the certificate of the caller in another form', async () => {
    const web = await mesh.enrol('web')
    using watch = watchWith(mesh.connect(web))
    const bundle = fromWireBundle((await watch.next('snapshot')).bundle)
    const { token, expiresAtMs } = await mesh.connect(web).call('IssueWorkloadToken', {})
    const verdict = await createTokenReader(() => bundle).read(token, Date.now())
    if (!verdict.ok) throw new Error(verdict.detail)
    const [leaf] = web.chain
    if (leaf === undefined) throw new Error('expected a chain')
    const { workload, notAfter, publicKey } = readCertificate(leaf)
    expect(verdict.holder.spiffeId).to.equal('spiffe://acme.example/ns/default/workload/web')
    expect(verdict.holder.workloadId).to.equal(workload?.workloadId)
    expect(verdict.holder.generation).to.equal(workload?.generation)
    expect(verdict.holder.profile.digest).to.equal(workload?.profileDigest)
    expect(verdict.holder.publicKey.equals(publicKey)).to.equal(true)
    expect([expiresAtMs, verdict.holder.notAfter]).to.deep.equal([notAfter, notAfter])
  })

  it('are for workloads in good standing only, and not without bound', async () => {
    const admin = await mesh.admin()
    await expectStatus(admin.call('IssueWorkloadToken', {}), 'PERMISSION_DENIED')
    await expectStatus(mesh.connect().call('IssueWorkloadToken', {}), 'UNAUTHENTICATED')
    const client = mesh.connect(await mesh.enrol('web-d'))
    const statuses = await Promise.all(
      Array.from({ length: 30 }, () =>
        client.call('IssueWorkloadToken', {}).then(() => 'issued', String),
      ),
    )
    expect(statuses.filter((one) => one === 'issued').length).to.be.within(20, 29)
    expect(statuses.find((one) => one !== 'issued')).to.match(/too many tokens/)
    await admin.call('RevokeWorkload', { workload: 'web-d' })
    await expectStatus(client.call('IssueWorkloadToken', {}), 'UNAUTHENTICATED')
  })
})

describe('controller: reflection', function () {
  this.timeout(20_000)

  let mesh: TestController
  before(async () => {
    mesh = await startTestController()
    await mesh.apply(testRule)
  })
  after(() => mesh[Symbol.asyncDispose]())

  const ask = async (
    client: ControllerClient,
    request: ServerReflectionRequest,
    version: 'v1' | 'v1alpha' = 'v1',
  ): Promise<ServerReflectionResponse__Output> => {
    const stream = client.reflect(version)
    const answer = new Promise<ServerReflectionResponse__Output>((resolve, reject) => {
      stream.on('data', resolve)
      stream.on('error', reject)
    })
    stream.write(request)
    stream.end()
    return answer
  }

  for (const version of ['v1', 'v1alpha'] as const) {
    it(`lists the services to an administrator and a workload (${version})`, async () => {
      const web = await mesh.enrol(`web-${version}`)
      for (const client of [await mesh.admin(), mesh.connect(web)]) {
        const { listServicesResponse } = await ask(client, { listServices: '' }, version)
        expect(listServicesResponse?.service.map(({ name }) => name)).to.deep.equal([
          'blazon.v1.Admin',
          'blazon.v1.Enrolment',
          'blazon.v1.Mesh',
          'grpc.health.v1.Health',
          'grpc.reflection.v1.ServerReflection',
          'grpc.reflection.v1alpha.ServerReflection',
        ])
      }
    })

    it(`tells a stranger nothing (${version})`, async () => {
      await expectStatus(
        ask(mesh.connect(), { listServices: '' }, version),
        'UNAUTHENTICATED',
        /certificate or a token/,
      )
    })
  }

  it('ends with what its caller was let in by', async () => {
    const stream = mesh.connect(await mesh.enrol('web-revoked')).reflect('v1')
    const next = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        stream.once('data', resolve)
        stream.once('error', reject)
        stream.write({ listServices: '' })
      })
    await next()
    await (await mesh.admin()).call('RevokeWorkload', { workload: 'web-revoked' })
    await expectStatus(next(), 'UNAUTHENTICATED')
  })

  it('gives descriptors that a client can build its calls from', async () => {
    const { fileDescriptorResponse } = await ask(await mesh.admin(), {
      fileContainingSymbol: 'blazon.v1.Admin.TaintIssuer',
    })
    const files = (fileDescriptorResponse?.fileDescriptorProto ?? []).map((bytes) =>
      descriptors.FileDescriptorProto.decode(bytes),
    )
    // The extension adds this to protobufjs's Root; its types do not say so.
    const fromDescriptor = Reflect.get(protobuf.Root, 'fromDescriptor') as (
      set: unknown,
    ) => protobuf.Root
    const root = fromDescriptor(descriptors.FileDescriptorSet.create({ file: files }))
    root.resolveAll()
    const request = root.lookupType('blazon.v1.TaintIssuerRequest')
    expect(Object.keys(request.fields)).to.deep.equal(['key_sha256', 'csr'])
    const answer = root.lookupType('blazon.v1.TaintIssuerResponse')
    expect(answer.fields['issuers']?.resolvedType?.fullName).to.equal('.blazon.v1.IssuerStatus')
    const methods = root.lookupService('blazon.v1.Admin').methods
    expect(methods['FollowFlows']?.responseStream).to.equal(true)
    const text = Buffer.concat(fileDescriptorResponse?.fileDescriptorProto ?? []).toString('latin1')
    expect(text).to.contain('.blazon.v1.IssuerStatus').and.to.contain('keySha256')
  })

  it('finds files by name, and says what it does not have', async () => {
    const admin = await mesh.admin()
    const found = await ask(admin, { fileByFilename: 'blazon_v1.proto' })
    expect(found.fileDescriptorResponse?.fileDescriptorProto).to.have.length(1)
    for (const request of [
      { fileByFilename: '../../etc/passwd' },
      { fileContainingSymbol: 'blazon.v1.Nothing' },
      { fileContainingExtension: { containingType: 'a', extensionNumber: 1 } },
    ]) {
      expect((await ask(admin, request)).errorResponse?.errorCode).to.equal(5)
    }
    expect((await ask(admin, {})).errorResponse?.errorCode).to.equal(3)
  })
})
