import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { genesisHash, sealEntry, signHead, type AuditEntry } from '../../src/audit/index.ts'
import { formatHostPort } from '../../src/base/env.ts'
import { headView } from '../../src/cli/audit-head-file.ts'
import { appendAudit, readAuditEntries } from '../../src/controller/store/audit.ts'
import { openStore, type Tables } from '../../src/controller/store/store.ts'
import { keySha256, spkiOf } from '../../src/identity/index.ts'
import type { AuditEntry__Output } from '../../src/rpc/generated/blazon/v1/AuditEntry.ts'
import { logIn, type LoggedIn } from '../support/cli-login.ts'
import type { ControllerClient } from '../support/controller-client.ts'
import { eventually, expectStatus } from '../support/expect-status.ts'
import { createFullDisk } from '../support/full-disk-store.ts'
import { bearer, startOidcIssuer } from '../support/oidc-issuer.ts'
import {
  createRecordingLogger,
  startTestController,
  testRule,
  type TestController,
} from '../support/test-controller.ts'

async function entriesOf(admin: ControllerClient, from = 1): Promise<AuditEntry__Output[]> {
  const entries: AuditEntry__Output[] = []
  for await (const entry of admin.readAudit(from)) entries.push(entry as AuditEntry__Output)
  return entries
}

describe('controller: audit log', function () {
  this.timeout(20_000)

  it('has an entry for every call of an administrator, reads and refusals too', async () => {
    await using mesh = await startTestController()
    const admin = await mesh.admin()
    await admin.call('Status', {})
    await admin.call('Apply', { text: testRule, source: 'rules.yaml' })
    await expectStatus(
      admin.call('DeleteDocument', { kind: 'NetworkPolicy', name: 'x' }),
      'NOT_FOUND',
    )
    await expectStatus(admin.call('Apply', { text: 'kind: Nothing' }), 'INVALID_ARGUMENT')
    const seen = (await entriesOf(admin)).map(({ sequence, caller, method, outcome }) =>
      [String(sequence), caller, method, outcome].join(' '),
    )
    expect(seen.slice(0, 4)).to.deep.equal([
      '1 ada Admin.Status OK',
      '2 ada Admin.Apply OK',
      '3 ada Admin.DeleteDocument NOT_FOUND',
      '4 ada Admin.Apply INVALID_ARGUMENT',
    ])
    const [apply] = await entriesOf(admin, 2)
    expect(JSON.parse(apply?.requestJson ?? '')).to.deep.include({ source: 'rules.yaml' })
    const streams = (await entriesOf(admin)).filter(({ method }) => method === 'Admin.ReadAudit')
    expect(streams.length).to.be.at.least(2)
  })

  it('has the calls of a viewer that were not permitted, under the name in the token', async () => {
    await using issuer = await startOidcIssuer()
    await using mesh = await startTestController({ config: { oidc: issuer.config() } })
    const token = await issuer.token({ groups: ['staff'] })
    const viewer = mesh.connect()
    await expectStatus(viewer.call('CreateJoinToken', {}, bearer(token)), 'PERMISSION_DENIED')
    const entries = await entriesOf(await mesh.admin())
    expect(entries[0]).to.deep.include({
      method: 'Admin.CreateJoinToken',
      outcome: 'PERMISSION_DENIED',
    })
    expect(entries[0]?.caller).to.match(/^grace@acme\.example \(127/)
    expect(JSON.stringify(entries)).to.not.contain(token)
  })

  it('is not for workloads', async () => {
    await using issuer = await startOidcIssuer()
    await using mesh = await startTestController({ config: { oidc: issuer.config() } })
    const web = await enrolled(mesh)
    const stream = mesh.connect(web).readAudit()
    const refusal = await new Promise<unknown>((resolve) => stream.on('error', resolve).resume())
    expect(refusal)
      .to.have.property('details')
      .that.matches(/needs an administrator/)
    await expectStatus(mesh.connect(web).call('AuditHead', {}), 'PERMISSION_DENIED')
  })

  it('is signed and written to the log again and again', async () => {
    const log = createRecordingLogger()
    await using mesh = await startTestController({ log, config: { timings: { auditHeadMs: 30 } } })
    await (await mesh.admin()).call('Status', {})
    await eventually(() => {
      const heads = log.records.filter(({ message }) => message === 'audit head')
      expect(heads.at(-1)?.fields).to.have.property('sequence', 1)
    })
  })

  it('goes on where it ended, after a restart', async () => {
    await using mesh = await startTestController()
    await (await mesh.admin()).call('Status', {})
    const before = await (await mesh.admin()).call('AuditHead', {})
    await mesh.restart()
    const entries = await entriesOf(await mesh.admin())
    expect(entries[before.sequence - 1]?.hash.equals(before.hash)).to.equal(true)
    const after = await (await mesh.admin()).call('AuditHead', {})
    expect(after.keyId).to.equal(before.keyId)
  })

  it('keeps its order under many calls at once', async () => {
    await using mesh = await startTestController()
    const admin = await mesh.admin()
    await Promise.all(Array.from({ length: 60 }, () => admin.call('Status', {})))
    const entries = await entriesOf(admin)
    expect(entries.map(({ sequence }) => sequence)).to.deep.equal(
      entries.map((_entry, index) => index + 1),
    )
  })
})

async function enrolled(mesh: TestController): ReturnType<TestController['enrol']> {
  await mesh.apply(testRule)
  return mesh.enrol('web')
}

describe('blazon audit verify', function () {
  this.timeout(30_000)

  let mesh: TestController
  let cli: LoggedIn
  /** The store itself, as somebody has it who can write to its file. */
  let tables: Tables
  beforeEach(async () => {
    mesh = await startTestController({
      openStore: async (file) => {
        const store = await openStore(file)
        ;({ tables } = store)
        return store
      },
    })
    cli = await logIn(mesh)
    for (const word of ['status', 'workloads', 'get', 'status', 'status']) await cli.run(word)
  })
  afterEach(async () => {
    await cli[Symbol.asyncDispose]()
    await mesh[Symbol.asyncDispose]()
  })

  const keepHead = async (): Promise<string> => {
    const { stdout } = await cli.run('audit', 'head', '-o', 'json')
    const file = join(cli.directory, 'head.json')
    await writeFile(file, stdout)
    return file
  }

  it('finds nothing in a log that is whole', async () => {
    const head = await keepHead()
    await cli.run('status')
    const run = await cli.run('audit', 'verify', '--head', head)
    expect([run.code, run.stderr]).to.deep.equal([0, ''])
    expect(run.stdout).to.match(/^\d+ entries, none changed, left out or cut off\n1 heads from/)
    const shown = await cli.run('audit', '--from', '2')
    expect(shown.stdout.split('\n')[0]).to.match(
      /^2 {2}.* ada {2}Admin\.ListWorkloads {2}OK {2}\{\}$/,
    )
  })

  it('takes the heads out of a log of the controller', async () => {
    const { stdout } = await cli.run('audit', 'head', '-o', 'json')
    const file = join(cli.directory, 'controller.log')
    const line = JSON.stringify({ level: 30, msg: 'audit head', ...(JSON.parse(stdout) as object) })
    await writeFile(file, `{"msg":"controller started"}\nno JSON\n${line}\n${line}\n`)
    const run = await cli.run('audit', 'verify', '--head', file)
    expect([run.code, run.stdout.split('\n')[1]]).to.deep.equal([
      0,
      '2 heads from elsewhere lie in it',
    ])
  })

  const entries = (): Promise<AuditEntry[]> => readAuditEntries(tables, 1, 1_000)
  const replace = async (all: readonly AuditEntry[]): Promise<void> => {
    await tables.deleteFrom('audit_entries').execute()
    await appendAudit(tables, all)
  }
  /** The log as it would have been, had another done everything from an entry on. */
  const rewritten = (all: readonly AuditEntry[], from: number): AuditEntry[] => {
    const kept = all.slice(0, from - 1)
    for (const entry of all.slice(from - 1)) {
      const facts = { ...entry, caller: 'mallory' }
      kept.push(sealEntry(facts, kept.at(-1) ?? { sequence: 0, hash: genesisHash }))
    }
    return kept
  }

  const attacks: Readonly<Record<string, readonly [() => Promise<void>, RegExp]>> = {
    'an entry was changed': [
      async () => {
        await tables
          .updateTable('audit_entries')
          .set({ caller: 'eve' })
          .where('sequence', '=', 2)
          .execute()
      },
      /entry 2 was changed/,
    ],
    'an entry was removed': [
      async () => {
        await tables.deleteFrom('audit_entries').where('sequence', '=', 2).execute()
      },
      /expected entry 2, got entry 3/,
    ],
    'entries were put the other way round': [
      async () => {
        const all = await entries()
        const [, second, third] = all
        if (second === undefined || third === undefined) throw new Error('BUG: too few entries')
        const swapped = all.with(1, { ...third, sequence: 2 }).with(2, { ...second, sequence: 3 })
        await replace(swapped)
      },
      /entry 2 does not follow/,
    ],
    'the tail was cut off': [
      async () => {
        await tables.deleteFrom('audit_entries').where('sequence', '>', 3).execute()
      },
      /expected entry 4|was signed with|not the one that was signed/,
    ],
    'everything was rewritten, with hashes that fit': [
      async () => {
        await replace(rewritten(await entries(), 2))
      },
      /not the one that was signed: the log was rewritten|does not follow/,
    ],
  }
  for (const [name, [attack, message]] of Object.entries(attacks)) {
    it(`fails where ${name}`, async () => {
      await attack()
      const run = await cli.run('audit', 'verify')
      expect([run.code, run.stdout]).to.deep.equal([1, ''])
      expect(run.stderr).to.match(/^error: the audit log is broken: /)
      expect(run.stderr).to.match(message)
    })
  }

  it('fails where everything was rewritten before the controller started, by a head from before', async () => {
    const head = await keepHead()
    const kept = rewritten(await entries(), 2)
    await mesh.restart()
    await replace(kept)
    await using other = await again()
    expect((await other.run('audit', 'verify')).code).to.equal(1)
    expect((await other.run('audit', 'verify', '--head', head)).code).to.equal(1)
  })

  it('fails where a shorter log goes on as if nothing had been, by a head from before', async () => {
    const head = await keepHead()
    const kept = (await entries()).slice(0, 2)
    await mesh.restart()
    await replace(kept)
    await mesh.restart()
    await using other = await again()
    expect((await other.run('audit', 'verify')).code).to.equal(0)
    const run = await other.run('audit', 'verify', '--head', head)
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(/was signed with|not the one that was signed/)
  })

  it('fails with a head that another key has signed', async () => {
    const head = await keepHead()
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = { keyId: keySha256(spkiOf(publicKey)), publicKey, privateKey }
    const [first] = await entries()
    if (first === undefined) throw new Error('BUG: no entries')
    const { sequence, hash } = first
    const forged = signHead('acme.example', { sequence, hash, timeMs: 1 }, key)
    await writeFile(head, JSON.stringify(headView(forged)))
    const run = await cli.run('audit', 'verify', '--head', head)
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(/expected a head signed with key/)
    const own = await cli.run('audit', 'verify', '--key-id', key.keyId)
    expect(own.code).to.equal(1)
    expect(own.stderr).to.match(/expected a head signed with key/)
  })

  /** The same administrator at the address that the controller has now. */
  const again = async (): Promise<LoggedIn> => {
    const context = JSON.parse(await readFile(cli.contextFile, 'utf8')) as Record<string, unknown>
    context['controller'] = formatHostPort(mesh.controller.address)
    await writeFile(cli.contextFile, JSON.stringify(context))
    return { ...cli, [Symbol.asyncDispose]: () => Promise.resolve() }
  }

  it('needs a head that is one', async () => {
    const file = join(cli.directory, 'head.json')
    for (const text of ['', '{}', '[]', '{"msg":"audit head","sequence":"1"}']) {
      await writeFile(file, text)
      expect((await cli.run('audit', 'verify', '--head', file)).code).to.equal(1)
    }
  })
})

describe('controller: audit log on a full disk', function () {
  this.timeout(20_000)

  it('lets reads go on and refuses changes, and has all of them afterwards', async () => {
    const disk = createFullDisk()
    await using mesh = await startTestController({ openStore: disk.open })
    const admin = await mesh.admin()
    await admin.call('Status', {})
    disk.isFull = true
    await admin.call('Status', {})
    const refusal = await expectStatus(
      admin.call('Apply', { text: testRule }),
      'RESOURCE_EXHAUSTED',
    )
    expect(refusal).to.match(/nothing was changed/)
    disk.isFull = false
    await admin.call('Apply', { text: testRule })
    const outcomes = (await entriesOf(admin)).map(({ method, outcome }) => `${method} ${outcome}`)
    expect(outcomes.slice(0, 3)).to.deep.equal([
      'Admin.Status OK',
      'Admin.Status OK',
      'Admin.Apply OK',
    ])
  })

  it('signs nothing that is not on the disk', async () => {
    const disk = createFullDisk()
    await using mesh = await startTestController({ openStore: disk.open })
    const admin = await mesh.admin()
    const before = await admin.call('AuditHead', {})
    disk.isFull = true
    await admin.call('Status', {})
    const during = await admin.call('AuditHead', {})
    expect(during.sequence - before.sequence).to.be.at.most(1)
    disk.isFull = false
  })
})
