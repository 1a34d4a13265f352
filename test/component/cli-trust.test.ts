import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { formatHostPort } from '../../src/base/env.ts'
import { readCsr } from '../../src/ca/csr.ts'
import { readContextFile } from '../../src/cli/context-file.ts'
import { toPem } from '../../src/cli/pem.ts'
import { rootFingerprint } from '../../src/identity/verify-controller.ts'
import { toWireBundle } from '../../src/identity/wire.ts'
import type { CliRun } from '../support/cli-run.ts'
import { createCliMesh, type CliMesh } from '../support/cli-mesh.ts'
import { refuse } from '../support/fake-admin.ts'
import { createTestCa, type TestCa, type TestKeys, type TestLeaf } from '../support/test-ca.ts'

const hourMs = 3_600_000
const answers = { Status: { trustDomain: 'acme.example' } }

/** The public key of a request, as the test CA takes it. */
function keysOf(request: unknown, privateKey: TestKeys['privateKey']): TestKeys {
  const { csr } = request as { readonly csr: Buffer }
  return { spki: readCsr(csr).spki, privateKey }
}

describe('blazon, whom it takes for the controller', () => {
  it('takes the controller of its bundle', async () => {
    await using mesh = await createCliMesh({ answers })
    expect(await mesh.run(['status'])).to.include({ code: 0, stderr: '' })
  })

  const attacks: readonly (readonly [
    name: string,
    attack: (ca: TestCa) => Partial<Parameters<typeof createCliMesh>[0]>,
    reason: RegExp,
  ])[] = [
    [
      'a workload that plays controller',
      (ca) => ({ identity: ca.workload({ name: 'web' }) }),
      /expected spiffe:\/\/acme.example\/blazon\/controller, got ".*\/workload\/web"/,
    ],
    [
      'an administrator that plays controller',
      (ca) => ({ identity: ca.admin('admin') }),
      /expected spiffe:\/\/acme.example\/blazon\/controller/,
    ],
    [
      'the controller of another trust domain under other roots',
      () => ({ identity: createTestCa({ trustDomain: 'evil.example' }).controller() }),
      /certificate/,
    ],
    [
      'a controller of the same name under other roots',
      () => ({ identity: createTestCa().controller() }),
      /certificate/,
    ],
    [
      'an expired certificate',
      (ca) => ({
        identity: ca.controller({ notBefore: ca.now - 2 * hourMs, notAfter: ca.now - hourMs }),
      }),
      /expired/,
    ],
    [
      'an issuer that was withdrawn from the bundle',
      (ca) => ({ identity: ca.controller({ issuer: ca.addIssuer() }) }),
      /issuer-not-listed/,
    ],
    [
      'a tainted issuer',
      (ca) => ({ identity: ca.controller({ issuer: ca.addIssuer({ state: 'tainted' }) }) }),
      /issuer-tainted/,
    ],
  ]
  for (const [name, attack, reason] of attacks) {
    it(`refuses ${name} and sends it nothing`, async () => {
      const ca = createTestCa()
      await using mesh = await createCliMesh({ answers, ca, ...attack(ca) })
      const run = await mesh.run(['status'])
      expect([run.code, run.stdout]).to.deep.equal([1, ''])
      expect(run.stderr).to.match(
        /^error: what answers at 127\.0\.0\.1:[0-9]+ is not our controller: /,
      )
      expect(run.stderr).to.match(reason)
      expect(mesh.admin.calls).to.deep.equal([])
    })
  }

  it('says that nobody listens there', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    await using mesh = await createCliMesh({ answers, address: { host: '127.0.0.1', port } })
    const run = await mesh.run(['status'])
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(
      /^error: cannot reach the controller at 127\.0\.0\.1:[0-9]+: .*ECONNREFUSED/,
    )
  })

  it('ends a call at an interrupt', async () => {
    await using mesh = await createCliMesh({ answers })
    const run = await mesh.run(['status'], { signal: AbortSignal.abort() })
    expect(run.code).to.equal(130)
  })
})

describe('blazon, its credential', () => {
  it('says when it has expired, before any call', async () => {
    const ca = createTestCa()
    const user = ca.admin('admin', {
      notBefore: ca.now - 3 * hourMs,
      notAfter: ca.now - 2 * hourMs,
    })
    await using mesh = await createCliMesh({ answers, ca, user })
    const run = await mesh.run(['status'])
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(
      /^error: this credential expired 2 h ago, at .*\nhint: `blazon login`/,
    )
    expect(mesh.admin.calls).to.deep.equal([])
  })

  it('is renewed with a new key past its half-life', async () => {
    const ca = createTestCa()
    const user = ca.admin('editor', { notBefore: ca.now - 2 * hourMs, notAfter: ca.now + hourMs })
    let fresh: TestLeaf | undefined
    await using mesh = await createCliMesh({
      ca,
      user,
      answers: {
        ...answers,
        RenewAdministrator: (request) => {
          fresh = ca.admin('editor', { keys: keysOf(request, user.privateKey), ttlMs: 9 * hourMs })
          return { chain: fresh.chain, bundle: toWireBundle(ca.bundle({ version: 7 })) }
        },
      },
    })
    expect(await mesh.run(['status'])).to.include({ code: 0, stderr: '' })
    const context = await readContextFile(mesh.contextFile)
    expect(context.chain).to.deep.equal(fresh?.chain)
    expect(context.bundle.version).to.equal(7)
    expect(context.privateKey.equals(user.privateKey)).to.equal(false)
    expect((await mesh.run(['status'])).code).to.equal(0)
    expect(mesh.admin.calls.map(({ method }) => method)).to.deep.equal([
      'RenewAdministrator',
      'Status',
      'Status',
    ])
  })

  const wrongAnswers: readonly (readonly [
    name: string,
    answer: (ca: TestCa, request: unknown, user: TestLeaf) => object,
  ])[] = [
    ['an error', () => refuse(status.UNAVAILABLE, 'store is locked')],
    [
      'no bundle',
      (ca, request, user) => ({
        chain: ca.admin('admin', { keys: keysOf(request, user.privateKey) }).chain,
      }),
    ],
    [
      'a certificate for another key',
      (ca) => ({ chain: ca.admin('admin').chain, bundle: toWireBundle(ca.bundle()) }),
    ],
    [
      'the bundle of another trust domain',
      (ca, request, user) => ({
        chain: ca.admin('admin', { keys: keysOf(request, user.privateKey) }).chain,
        bundle: toWireBundle(createTestCa({ trustDomain: 'evil.example' }).bundle()),
      }),
    ],
    [
      "a workload's certificate",
      (ca, request, user) => ({
        chain: ca.workload({ name: 'web', keys: keysOf(request, user.privateKey) }).chain,
        bundle: toWireBundle(ca.bundle()),
      }),
    ],
  ]
  for (const [name, answer] of wrongAnswers) {
    it(`is kept as it is when a renewal brings ${name}`, async () => {
      const ca = createTestCa()
      const user = ca.admin('admin', { notBefore: ca.now - 2 * hourMs, notAfter: ca.now + hourMs })
      await using mesh = await createCliMesh({
        ca,
        user,
        answers: { ...answers, RenewAdministrator: (request) => answer(ca, request, user) },
      })
      const before = await readFile(mesh.contextFile, 'utf8')
      const run = await mesh.run(['status'])
      expect(run.code).to.equal(0)
      expect(run.stderr).to.match(/^note: could not renew this credential: /)
      expect(await readFile(mesh.contextFile, 'utf8')).to.equal(before)
    })
  }
})

describe('blazon context', () => {
  it('shows controller and role, and no key', async () => {
    await using mesh = await createCliMesh({ answers })
    const run = await mesh.run(['context', '-o', 'json'])
    expect(JSON.parse(run.stdout)).to.include({
      file: mesh.contextFile,
      controller: formatHostPort(mesh.admin.address),
      trustDomain: 'acme.example',
      role: 'admin',
      spiffeId: 'spiffe://acme.example/blazon/admin/admin',
    })
    const table = await mesh.run(['context'])
    expect(run.stdout + table.stdout).not.to.contain('PRIVATE KEY')
    expect(table.stdout).to.match(/role: +admin\n/)
  })

  it('is written for its owner only', async () => {
    await using mesh = await createCliMesh({ answers })
    expect((await stat(mesh.contextFile)).mode & 0o777).to.equal(0o600)
    expect((await stat(join(mesh.contextFile, '..'))).mode & 0o777).to.equal(0o700)
  })

  for (const mode of [0o640, 0o604, 0o660, 0o666]) {
    it(`refuses a file of mode ${mode.toString(8)}`, async () => {
      await using mesh = await createCliMesh({ answers })
      await chmod(mesh.contextFile, mode)
      const run = await mesh.run(['status'])
      expect(run.code).to.equal(1)
      expect(run.stderr).to.contain(`expected mode 0600, got 0${mode.toString(8)}`)
      expect(mesh.admin.calls).to.deep.equal([])
    })
  }

  const wrong: readonly (readonly [
    name: string,
    change: (fields: Record<string, unknown>) => unknown,
  ])[] = [
    ['no object', () => null],
    ['a list', () => []],
    ['an unknown field', (fields) => ({ ...fields, extra: 1 })],
    ['another version', (fields) => ({ ...fields, version: 2 })],
    ['no controller', (fields) => ({ ...fields, controller: undefined })],
    [
      'an unknown issuer state',
      (fields) => ({ ...fields, issuers: { ['ab'.repeat(32)]: 'great' } }),
    ],
    ['no certificate', (fields) => ({ ...fields, chain: '' })],
    ['no roots', (fields) => ({ ...fields, roots: '' })],
    [
      "another certificate's key",
      (fields) => ({
        ...fields,
        privateKey: createTestCa()
          .admin('admin')
          .privateKey.export({ type: 'pkcs8', format: 'pem' }),
      }),
    ],
    [
      "a workload's certificate",
      (fields) => ({
        ...fields,
        chain: createTestCa().workload({ name: 'web' }).chain.map(toPem).join(''),
      }),
    ],
  ]
  for (const [name, change] of wrong) {
    it(`refuses a file with ${name}`, async () => {
      await using mesh = await createCliMesh({ answers })
      const fields = JSON.parse(await readFile(mesh.contextFile, 'utf8')) as Record<string, unknown>
      await writeFile(mesh.contextFile, JSON.stringify(change(fields)))
      const run = await mesh.run(['context'])
      expect([run.code, run.stdout]).to.deep.equal([1, ''])
      expect(run.stderr).to.match(
        /^error: .*context\.json: not a usable context: .*\nhint: `blazon login`/,
      )
    })
  }
})

describe('blazon login', () => {
  let ca: TestCa
  let mesh: CliMesh
  let bundle: string
  let secret: string
  beforeEach(async () => {
    ca = createTestCa()
    const holder = ca.admin('admin')
    mesh = await createCliMesh({
      ca,
      requireCertificate: false,
      answers: {
        ...answers,
        ClaimAdministrator: (request) => ({
          chain: ca.admin('admin', { keys: keysOf(request, holder.privateKey) }).chain,
          bundle: toWireBundle(ca.bundle()),
        }),
      },
    })
    bundle = join(mesh.directory, 'bundle.pem')
    secret = join(mesh.directory, 'secret')
    await writeFile(bundle, toPem(ca.root.certificate))
    await writeFile(secret, 'one-time-secret\n')
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const login = (words: readonly string[], contextFile: string): Promise<CliRun> =>
    mesh.run(
      [
        'login',
        '--controller',
        formatHostPort(mesh.admin.address),
        '--secret-file',
        secret,
        ...words,
      ],
      { contextFile },
    )
  const newContext = (): string => join(mesh.directory, 'new', 'context.json')

  it('claims the first administrator by bundle, and the credential then works', async () => {
    const run = await login(['--bundle', bundle, '--name', 'Ada'], newContext())
    expect(run.stderr).to.contain('note: credential written to ')
    expect(run.code).to.equal(0)
    const [call] = mesh.admin.calls
    expect(call?.request).to.include({ secret: 'one-time-secret', name: 'Ada' })
    expect((await mesh.run(['status'], { contextFile: newContext() })).code).to.equal(0)
    expect(run.stdout + run.stderr).not.to.contain('one-time-secret')
  })

  it('claims it by fingerprint, in either spelling', async () => {
    const hex = rootFingerprint(ca.root.certificate)
    const withColons = hex.toUpperCase().replaceAll(/..(?=.)/g, '$&:')
    for (const fingerprint of [hex, withColons]) {
      expect(await login(['--fingerprint', fingerprint], newContext())).to.include({ code: 0 })
    }
    expect(mesh.admin.calls[0]?.request).to.include({ name: 'ada' })
  })

  it('sends no secret where the fingerprint is not shown', async () => {
    const run = await login(['--fingerprint', 'ab'.repeat(32)], newContext())
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(
      /^error: the controller at .* shows no root with the fingerprint abab/,
    )
    expect(mesh.admin.calls).to.deep.equal([])
  })

  it('sends no secret to a controller under other roots', async () => {
    await writeFile(bundle, toPem(createTestCa().root.certificate))
    const run = await login(['--bundle', bundle], newContext())
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(/^error: what answers at .* is not our controller: /)
    expect(mesh.admin.calls).to.deep.equal([])
  })

  it('sends no secret to a workload of the same trust domain', async () => {
    await using impostor = await createCliMesh({
      ca,
      answers,
      requireCertificate: false,
      identity: ca.workload({ name: 'web' }),
    })
    const run = await mesh.run(
      [
        'login',
        '--controller',
        formatHostPort(impostor.admin.address),
        '--secret-file',
        secret,
        '--bundle',
        bundle,
      ],
      { contextFile: newContext() },
    )
    expect(run.stderr).to.contain(
      'is not our controller: expected spiffe://acme.example/blazon/controller',
    )
    expect([run.code, impostor.admin.calls.length]).to.deep.equal([1, 0])
  })

  it('sends no secret where the credential could not be kept', async () => {
    const run = await login(['--bundle', bundle], join(secret, 'context.json'))
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(/^error: cannot write .*secret\/context\.json: /)
    expect(mesh.admin.calls).to.deep.equal([])
  })

  it('leaves the present context alone when the claim is refused', async () => {
    await using used = await createCliMesh({
      ca,
      requireCertificate: false,
      answers: {
        ClaimAdministrator: refuse(status.FAILED_PRECONDITION, 'there is an administrator already'),
      },
    })
    const before = await readFile(mesh.contextFile, 'utf8')
    const run = await mesh.run([
      ...['login', '--controller', formatHostPort(used.admin.address)],
      ...['--secret-file', secret, '--bundle', bundle],
    ])
    expect(run).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: refused: there is an administrator already\n',
    })
    expect(await readFile(mesh.contextFile, 'utf8')).to.equal(before)
  })

  it('refuses a bundle without certificates and an empty secret', async () => {
    await writeFile(bundle, 'nothing')
    expect((await login(['--bundle', bundle], newContext())).stderr).to.contain('found none')
    await writeFile(secret, ' \n')
    expect((await login(['--bundle', bundle], newContext())).stderr).to.contain('expected a secret')
    expect(mesh.admin.calls).to.deep.equal([])
  })
})
