import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { readSidecarConfig, startSidecar, type Sidecar } from '../../src/sidecar/index.ts'
import { FakeController, joinToken } from '../support/fake-controller.ts'
import {
  allowWebToDb,
  connectClient,
  recordingLogger,
  startMesh,
  startTestSidecar,
  temporaryDirectory,
  type TestMesh,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { createTestCa } from '../support/test-ca.ts'

const ready = (): AbortSignal => AbortSignal.timeout(20_000)

/** `web` once more, on the state that the first one has left. */
async function restartWeb(
  mesh: TestMesh,
  environment: Readonly<Record<string, string>> = {},
  log = recordingLogger(),
): Promise<Sidecar> {
  await mesh.web[Symbol.asyncDispose]()
  return await startTestSidecar(mesh.controller, {
    name: 'web',
    egress: [mesh.ingress],
    stateDirectory: join(mesh.directory, 'web'),
    environment,
    log,
  })
}

async function echoes(sidecar: Sidecar): Promise<boolean> {
  const [entrance] = sidecar.egressAddresses
  if (entrance === undefined) throw new Error('BUG: no egress')
  const client = connectClient(entrance, 'hello')
  const end = await Promise.race([
    client.ended,
    eventually('the echo', () => client.text() === 'hello').catch(() => 'silence'),
  ])
  client.socket.destroy()
  return end === true
}

describe('enrolment', () => {
  it('proves the node key, which stays the same, and keeps both key and state private', async () => {
    await using mesh = await startMesh()
    const { attests } = mesh.controller
    expect(attests).to.have.lengthOf(2)
    const own = attests.map(({ nodeKey }) => nodeKey.toString('hex'))
    expect(new Set(own).size).to.equal(2)
    for (const file of ['node.key', 'state.sealed', 'highest.sealed']) {
      const { mode } = await stat(join(mesh.directory, 'web', file))
      expect(mode & 0o777).to.equal(0o600)
    }
    expect((await stat(join(mesh.directory, 'web'))).mode & 0o777).to.equal(0o700)
    const sealed = await readFile(join(mesh.directory, 'web', 'state.sealed'))
    expect(sealed.includes('PRIVATE')).to.equal(false)
    expect(sealed.includes('web-to-db')).to.equal(false)
  })

  it('is tried again until it succeeds', async () => {
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    const token = join(directory.path, 'token')
    const log = recordingLogger()
    await using sidecar = await startTestSidecar(controller, {
      name: 'web',
      stateDirectory: join(directory.path, 'web'),
      environment: { BLAZON_JOIN_TOKEN: '', BLAZON_JOIN_TOKEN_FILE: token },
      log,
    })
    await eventually('a failure', () => log.of('enrolment failed').length > 0)
    expect(log.of('enrolment failed')[0]).to.include({ code: 'ERR_NO_EVIDENCE' })
    await writeFile(token, `${joinToken}\n`)
    await sidecar.whenReady(ready())
  })

  it('denies everything before there is a policy', async () => {
    await using mesh = await startMesh()
    await mesh.controller.stop()
    const log = recordingLogger()
    await using lone = await startTestSidecar(mesh.controller, {
      name: 'web',
      egress: [mesh.ingress],
      stateDirectory: join(mesh.directory, 'lone'),
      log,
    })
    expect(await echoes(lone)).to.equal(false)
    expect(log.of('connection')[0]).to.include({ verdict: 'deny', reason: 'no-policy-yet' })
  })
}).timeout(60_000)

describe('renewal', () => {
  it('brings the same request again when the answer was lost, and another key next time', async () => {
    await using mesh = await startMesh()
    mesh.controller.loseRenewAnswers = true
    mesh.controller.renewNow()
    const { renewals } = mesh.controller
    await eventually('four tries', () => renewals.length >= 4)
    mesh.controller.loseRenewAnswers = false
    await eventually('new identities', () => mesh.controller.watchOpens.length >= 4)
    const lost = new Set(renewals.map(({ csr }) => csr.toString('hex')))
    expect(lost.size).to.equal(2) // one for each of the two sidecars
    mesh.controller.renewNow()
    await eventually('two more', () => mesh.controller.watchOpens.length >= 6)
    const all = new Set(renewals.map(({ csr }) => csr.toString('hex')))
    expect(all.size).to.equal(4)
  })

  it('opens the watch again under the new certificate', async () => {
    await using mesh = await startMesh()
    const before = mesh.controller.watchOpens.find(({ name }) => name === 'web')
    mesh.controller.renewNow()
    const after = await eventually('a new stream', () =>
      mesh.controller.watchOpens.find(
        ({ name, serial }) => name === 'web' && serial !== before?.serial,
      ),
    )
    expect(after.serial).to.not.equal(before?.serial)
  })
}).timeout(60_000)

describe('a policy version', () => {
  it('that cannot be understood is rejected whole, and the former stays', async () => {
    await using mesh = await startMesh()
    const good = {
      kind: 'NetworkPolicy',
      name: 'nobody',
      namespace: '/',
      revision: 1,
      specJson: Buffer.from('{"action":"deny","from":{"label.app":"web"},"to":{"label.app":"db"}}'),
    }
    const bad = { ...good, name: 'odd', specJson: Buffer.from('{"action":"allow","colour":"red"}') }
    const version = mesh.controller.setDocuments([good, bad])
    const rejected = await eventually('the rejection', () =>
      mesh.controller.rejected.find((one) => one.version === version),
    )
    expect(rejected.reason).to.match(/colour/)
    expect(await echoes(mesh.web)).to.equal(true)
    mesh.controller.setDocuments([good])
    await eventually('the deny', async () => !(await echoes(mesh.web)))
  })

  it('that is rejected does not keep floors from being applied', async () => {
    await using mesh = await startMesh()
    const bad = {
      kind: 'Nonsense',
      name: 'x',
      namespace: '/',
      revision: 1,
      specJson: Buffer.from('{}'),
    }
    mesh.controller.setDocuments([bad])
    await eventually('both rejections', () => mesh.controller.rejected.length >= 2)
    expect(await echoes(mesh.web)).to.equal(true)
    mesh.controller.refuseRenewals = true
    mesh.controller.revoke('db')
    await eventually('the refusal', async () => !(await echoes(mesh.web)))
  })

  it('older than one already applied is rejected', async () => {
    await using mesh = await startMesh()
    const { version } = mesh.controller
    mesh.controller.setDocuments([], version - 1)
    const rejected = await eventually('the rejection', () => mesh.controller.rejected[0])
    expect(rejected.reason).to.match(/or later/)
    expect(await echoes(mesh.web)).to.equal(true)
  })

  it('with a bundle of another trust domain, or an older one, is rejected', async () => {
    await using mesh = await startMesh()
    const { ca } = mesh.controller
    mesh.controller.setBundle(ca.bundle({ version: 0 }))
    await eventually('the rejection', () => mesh.controller.rejected.length >= 2)
    const other = createTestCa({ trustDomain: 'other.example' })
    mesh.controller.setBundle(other.bundle({ version: 9 }))
    await eventually('the rejection', () => mesh.controller.rejected.length >= 4)
    expect(await echoes(mesh.web)).to.equal(true)
  })
}).timeout(60_000)

describe('a restarted sidecar', () => {
  it('works at once without its controller', async () => {
    await using mesh = await startMesh()
    await mesh.controller.stop()
    await using again = await restartWeb(mesh)
    expect(again.notReady()).to.be.empty
    expect(await echoes(again)).to.equal(true)
  })

  it('keeps what was revoked revoked', async () => {
    await using mesh = await startMesh()
    mesh.controller.refuseRenewals = true
    mesh.controller.revoke('db')
    await eventually('the refusal', async () => !(await echoes(mesh.web)))
    await mesh.controller.stop()
    await using again = await restartWeb(mesh)
    expect(await echoes(again)).to.equal(false)
  })

  it('renews with the request that was under way', async () => {
    await using mesh = await startMesh()
    mesh.controller.loseRenewAnswers = true
    mesh.controller.renewNow()
    const { renewals } = mesh.controller
    await eventually(
      'a try of each',
      () => new Set(renewals.map(({ csr }) => csr.toString('hex'))).size === 2,
    )
    await mesh.web[Symbol.asyncDispose]()
    await mesh.db[Symbol.asyncDispose]()
    const seen = new Set(renewals.map(({ csr }) => csr.toString('hex')))
    mesh.controller.loseRenewAnswers = false
    await using again = await restartWeb(mesh)
    await again.whenReady(ready())
    await eventually('the watch', () => mesh.controller.watching.includes('web'))
    mesh.controller.renewNow()
    await eventually('the renewal', () => seen.has(renewals.at(-1)?.csr.toString('hex') ?? ''))
  })

  for (const file of ['state.sealed', 'highest.sealed']) {
    it(`denies all until its controller has spoken when ${file} was altered`, async () => {
      await using mesh = await startMesh()
      await mesh.web[Symbol.asyncDispose]()
      await mesh.controller.stop()
      const path = join(mesh.directory, 'web', file)
      const sealed = await readFile(path)
      sealed[sealed.length - 20] = (sealed[sealed.length - 20] ?? 0) ^ 1
      await writeFile(path, sealed)
      const log = recordingLogger()
      await using again = await restartWeb(mesh, {}, log)
      expect(log.of('sealed state refused')[0]).to.include({ file, code: 'ERR_STATE_SEAL' })
      expect(again.notReady()).to.include('no policy yet')
      expect(await echoes(again)).to.equal(false)
      await mesh.controller.start()
      await again.whenReady(AbortSignal.timeout(20_000))
      expect(await echoes(again)).to.equal(true)
    })
  }

  it('denies all when its state was put back to an older copy', async () => {
    await using mesh = await startMesh()
    const state = join(mesh.directory, 'web', 'state.sealed')
    const copy = join(mesh.directory, 'copy')
    await cp(state, copy)
    const version = mesh.controller.setPolicy(allowWebToDb.replace('PORT', '1'))
    await mesh.controller.taken('web', version)
    await mesh.web[Symbol.asyncDispose]()
    await mesh.controller.stop()
    await cp(copy, state)
    const log = recordingLogger()
    await using again = await restartWeb(mesh, {}, log)
    expect(log.of('sealed state refused')[0]).to.include({ code: 'ERR_STATE_OLD' })
    expect(await echoes(again)).to.equal(false)
  })

  it('does not open the state of another node', async () => {
    await using mesh = await startMesh()
    await mesh.web[Symbol.asyncDispose]()
    await mesh.controller.stop()
    await rm(join(mesh.directory, 'web', 'node.key'))
    const log = recordingLogger()
    await using again = await restartWeb(mesh, {}, log)
    expect(log.of('sealed state refused')).to.have.lengthOf(2)
    expect(await echoes(again)).to.equal(false)
  })
}).timeout(60_000)

describe('an outage of the controller', () => {
  it('lets open connections live on for the grace when the SVID has expired, and no new ones', async () => {
    await using mesh = await startMesh({
      prepare: (controller) => {
        for (const name of ['web', 'db']) controller.workload(name).ttlMs = 3_000
      },
      environment: { BLAZON_OUTAGE_GRACE: '6s' },
    })
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    await mesh.controller.stop()
    await eventually('the expiry', async () => !(await echoes(mesh.web)))
    client.socket.write(' still here')
    await eventually('the echo', () => client.text() === 'hello still here')
    expect(await client.ended).to.equal('ECONNRESET')
  })

  it('queues flow records and delivers each of them once', async () => {
    await using mesh = await startMesh()
    await mesh.controller.stop()
    for (let count = 0; count < 3; count++) expect(await echoes(mesh.web)).to.equal(true)
    await mesh.controller.start()
    const opened = (): number =>
      mesh.controller.records
        .filter(({ direction }) => direction === 'EGRESS')
        .reduce((sum, record) => sum + record.opened, 0)
    await eventually('the records', () => opened() >= 3, 20_000)
    expect(opened()).to.equal(3)
    const sequences = mesh.controller.reports.map(
      ({ runId, sequence }) => `${runId} ${String(sequence)}`,
    )
    expect(new Set(sequences).size).to.equal(sequences.length)
  })
}).timeout(60_000)

describe('a sidecar', () => {
  it('serves live, ready and metrics', async () => {
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    await using sidecar = await startTestSidecar(controller, {
      name: 'web',
      stateDirectory: join(directory.path, 'web'),
      environment: { BLAZON_METRICS_LISTEN: '127.0.0.1:0' },
    })
    const address = sidecar.statusAddress
    const get = async (path: string): Promise<Response> =>
      await fetch(`http://127.0.0.1:${String(address?.port)}${path}`)
    expect((await get('/live')).status).to.equal(200)
    await sidecar.whenReady(ready())
    const page = await get('/ready')
    expect([page.status, await page.text()]).to.deep.equal([200, 'ready\n'])
    const metrics = await (await get('/metrics')).text()
    expect(metrics).to.match(/^blazon_policy_version 1$/m)
    expect(metrics).to.match(/^blazon_renewals_total\{result="ok"\} 1$/m)
    expect((await get('/state')).status).to.equal(404)
    await controller.stop()
    controller.revoke('web')
  })

  it('is not ready while there is no controller, and says why', async () => {
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    await controller.stop()
    await using sidecar = await startTestSidecar(controller, {
      name: 'web',
      stateDirectory: join(directory.path, 'web'),
      environment: { BLAZON_METRICS_LISTEN: '127.0.0.1:0' },
    })
    const page = await fetch(`http://127.0.0.1:${String(sidecar.statusAddress?.port)}/ready`)
    expect(page.status).to.equal(503)
    expect(await page.text()).to.equal('not ready: no valid SVID, no policy yet\n')
  })

  it('lets open connections finish while it drains, and takes no new ones', async () => {
    await using mesh = await startMesh({ environment: { BLAZON_DRAIN: '5s' } })
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    const stopped = mesh.web[Symbol.asyncDispose]()
    expect(await connectClient(mesh.entrance).ended).to.equal('ECONNREFUSED')
    client.socket.write(' and goodbye')
    await eventually('the echo', () => client.text() === 'hello and goodbye')
    client.socket.end()
    expect(await client.ended).to.equal('end')
    await stopped
  })

  it('cuts what is still open when the time to drain is over', async () => {
    await using mesh = await startMesh()
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    await mesh.web[Symbol.asyncDispose]()
    expect(await client.ended).to.equal('ECONNRESET')
  })

  it('refuses connections beyond its limit', async () => {
    await using mesh = await startMesh({ environment: { BLAZON_MAX_CONNECTIONS: '2' } })
    const open = [connectClient(mesh.entrance, 'hello'), connectClient(mesh.entrance, 'hello')]
    await eventually('both echoes', () => open.every((client) => client.text() === 'hello'))
    expect(await connectClient(mesh.entrance, 'hello').ended).to.equal('ECONNRESET')
    const record = await eventually('the record', () =>
      mesh.controller.records.find(({ reason }) => reason === 'limit-reached'),
    )
    expect(record.verdict).to.equal('DENY')
    for (const client of open) client.socket.destroy()
  })

  it('does not start where a listener is taken, and leaves nothing open', async () => {
    await using mesh = await startMesh()
    await using directory = await temporaryDirectory()
    const config = readSidecarConfig({
      BLAZON_TRUST_DOMAIN: 'acme.example',
      BLAZON_CONTROLLER: '127.0.0.1:1',
      BLAZON_BUNDLE: '/none',
      BLAZON_WORKLOAD: 'web',
      BLAZON_STATE_DIR: join(directory.path, 'web'),
      BLAZON_EGRESS: `127.0.0.1:${String(mesh.entrance.port)}=10.0.0.2:80`,
    })
    const failure = await startSidecar({ config, version: '0', log: recordingLogger() }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).to.be.instanceOf(Error)
    expect((failure as Error).message).to.match(/^cannot listen on 127\.0\.0\.1:/)
  })
}).timeout(60_000)
