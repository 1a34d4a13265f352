import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Kysely, sql, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { silentLogger } from '../../src/base/logger.ts'
import { sqliteColumns } from '../../src/controller/store/create-table.ts'
import { lastValue, nextValue } from '../../src/controller/store/counters.ts'
import {
  isKeyKnown,
  loadCertificates,
  putCertificate,
  rememberKey,
  type StoredCertificate,
} from '../../src/controller/store/certificates.ts'
import { useJoinToken } from '../../src/controller/store/join-tokens.ts'
import { createMigrations } from '../../src/controller/store/migrations.ts'
import type { Schema } from '../../src/controller/store/schema.ts'
import { openSqlite } from '../../src/controller/store/sqlite.ts'
import { statement } from '../../src/controller/store/statement.ts'
import { openStore, type Store } from '../../src/controller/store/store.ts'
import { StoreError } from '../../src/controller/store/store-error.ts'
import { createFullDisk } from '../support/full-disk-store.ts'
import { expectRejection } from '../support/expect-error.ts'
import { eventually, expectStatus } from '../support/expect-status.ts'
import { renewWith } from '../support/enrolment-client.ts'
import {
  createMovableClock,
  createRecordingLogger,
  startTestController,
  testRule,
} from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'

/** As the version before flows had a file of their own, and certificates were found by serials, wrote it. */
async function writeFormerStore(file: string): Promise<void> {
  const all = Object.entries(createMigrations(sqliteColumns, silentLogger))
  const former = Object.fromEntries(all.filter(([name]) => name < '0004'))
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: openSqlite(file) }) })
  const provider = { getMigrations: () => Promise.resolve(former) }
  const { error } = await new Migrator({ db, provider }).migrateToLatest()
  expect(error).to.equal(undefined)
  await nextValue(db, 'policy-version')
  const text = Array.from({ length: 11 }, () => sql.lit('x'))
  await sql`insert into flow_halves values ('id', 0, 'egress', ${sql.join(text.slice(0, 5))}, 1,
    ${sql.join(text.slice(0, 4))}, 1, 1, 1, 1)`.execute(db)
  await sql`insert into certificates values ('aa', 'w', 2, 1, 'active', 'bb', x'01', x'02', 3, 4)`.execute(
    db,
  )
  await sql`insert into join_tokens values ('t', 3, '{}', '', '', 1, 2)`.execute(db)
  await sql`insert into join_token_uses values ('t', 'n', 'web', 1), ('t', 'n', 'db', 1)`.execute(
    db,
  )
  await db.destroy()
}

/** Where a store can be, for as long as a test takes. */
async function temporaryPlace(): Promise<AsyncDisposable & { readonly file: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'blazon-store-'))
  return {
    file: join(directory, 'controller.db'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

describe('store', function () {
  this.timeout(20_000)

  it('keeps nothing of a change that fails half-way', async () => {
    await using store = await openStore(':memory:')
    const failing = store.change(async (tables) => {
      await nextValue(tables, 'policy-version')
      throw new Error('half-way')
    })
    await failing.catch(() => undefined)
    expect(await lastValue(store.tables, 'policy-version')).to.equal(0)
  })

  it('runs changes that are started together one after the other', async () => {
    await using store = await openStore(':memory:')
    const values = await Promise.all(
      Array.from({ length: 20 }, () =>
        store.change((tables) => nextValue(tables, 'policy-version')),
      ),
    )
    expect(new Set(values).size).to.equal(20)
  })

  it('says that a record exists already', async () => {
    await using store = await openStore(':memory:')
    await rememberKey(store.tables, 'aa', 1)
    await expectRejection(rememberKey(store.tables, 'aa', 2), StoreError, 'ERR_STORE_CONFLICT')
  })

  it('builds a statement once, and runs it with the values of each call', async () => {
    let built = 0
    const insert = statement((tables, one: { readonly key: string; readonly at: number }) => {
      built += 1
      return tables
        .insertInto('seen_keys')
        .values({ key_sha256: one.key, seen_at_ms: one.at })
        .onConflict((conflict) => conflict.column('key_sha256').doUpdateSet({ seen_at_ms: one.at }))
    })
    await using store = await openStore(':memory:')
    await insert(store.tables, { key: 'aa', at: 1 })
    await store.change(async (tables) => {
      await insert(tables, { at: 2, key: 'bb' })
      await insert(tables, { key: 'aa', at: 3 })
    })
    expect(built).to.equal(1)
    const rows = await store.tables.selectFrom('seen_keys').selectAll().execute()
    expect(rows).to.have.deep.members([
      { key_sha256: 'aa', seen_at_ms: 3 },
      { key_sha256: 'bb', seen_at_ms: 2 },
    ])
  })

  it('rolls back what a statement wrote in a change that fails', async () => {
    await using store = await openStore(':memory:')
    const failing = store.change(async (tables) => {
      await rememberKey(tables, 'aa', 1)
      throw new Error('half-way')
    })
    await failing.catch(() => undefined)
    expect(await isKeyKnown(store.tables, 'aa')).to.equal(false)
  })

  it('says that the disk is full, keeps what it has, and goes on when there is room', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'blazon-store-'))
    await using cleanup = new AsyncDisposableStack()
    cleanup.defer(() => rm(directory, { recursive: true }))
    const store = cleanup.use(await openStore(join(directory, 'controller.db')))
    await store.change((tables) => nextValue(tables, 'policy-version'))
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(store.tables)
    const pages = rows[0]?.page_count ?? 0
    await sql`pragma max_page_count = ${sql.lit(pages)}`.execute(store.tables)
    const fill = (): Promise<void> =>
      store.change(async (tables) => {
        await nextValue(tables, 'policy-version')
        for (let key = 0; key < 5_000; key++) await rememberKey(tables, `${String(key)}-key`, 1)
      })
    await expectRejection(fill(), StoreError, 'ERR_STORE_FULL')
    expect(await lastValue(store.tables, 'policy-version')).to.equal(1)
    await sql`pragma max_page_count = 1000000`.execute(store.tables)
    await fill()
    expect(await lastValue(store.tables, 'policy-version')).to.equal(2)
  })

  it('answers for a change only once the disk has it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'blazon-store-'))
    await using cleanup = new AsyncDisposableStack()
    cleanup.defer(() => rm(directory, { recursive: true }))
    const syncs: PromiseWithResolvers<undefined>[] = []
    const sync = (): Promise<undefined> => {
      const started = Promise.withResolvers<undefined>()
      syncs.push(started)
      return started.promise
    }
    await using store = await openStore(join(directory, 'controller.db'), silentLogger, sync)
    const answers: number[] = []
    const change = store
      .change((tables) => nextValue(tables, 'policy-version'))
      .then((value) => answers.push(value))
    await eventually(() => {
      expect(syncs).to.have.length(1)
    })
    expect(answers).to.deep.equal([])
    syncs[0]?.resolve(undefined)
    await change
    expect(answers).to.deep.equal([1])
  })

  it('writes no more once the disk has failed to keep something, and reads on', async () => {
    await using place = await temporaryPlace()
    const { file } = place
    let fault: Error | undefined
    const sync = (): Promise<void> =>
      fault === undefined ? Promise.resolve() : Promise.reject(fault)
    const count = (store: Store): Promise<number> =>
      store.change((tables) => nextValue(tables, 'policy-version'))
    {
      await using store = await openStore(file, silentLogger, sync)
      await count(store)
      fault = new Error('EIO: i/o error, fdatasync')
      await expectRejection(count(store), StoreError, 'ERR_STORE_UNAVAILABLE')
      fault = undefined
      await expectRejection(count(store), StoreError, 'ERR_STORE_UNAVAILABLE')
      // The second may be there or not, the third is not.
      expect(await lastValue(store.tables, 'policy-version')).to.be.below(3)
    }
    await using again = await openStore(file)
    await count(again)
  })

  it('takes a store from when flows were in it, and says that it drops them', async () => {
    await using place = await temporaryPlace()
    const { file } = place
    await writeFormerStore(file)
    const log = createRecordingLogger()
    await using store = await openStore(file, log)
    expect(await lastValue(store.tables, 'policy-version')).to.equal(1)
    const { rows } = await sql`select name from sqlite_schema where name like 'flow%'`.execute(
      store.tables,
    )
    expect(rows).to.deep.equal([])
    expect(log.records).to.deep.equal([
      { fields: { halves: 1 }, message: 'flows that a former version had stored are dropped' },
    ])
  })

  it('keeps the certificates of a former version, and puts others in their place', async () => {
    await using place = await temporaryPlace()
    const { file } = place
    await writeFormerStore(file)
    await using store = await openStore(file)
    const kept: StoredCertificate = {
      serial: 'aa',
      workloadId: 'w',
      issue: 2,
      generation: 1,
      state: 'active',
      csrSha256: 'bb',
      chain: [Buffer.of(1), Buffer.of(2)],
      notBeforeMs: 3,
      notAfterMs: 4,
    }
    expect(await loadCertificates(store.tables, 0)).to.deep.equal([kept])
    await putCertificate(store.tables, { ...kept, state: 'superseded' })
    await putCertificate(store.tables, { ...kept, serial: 'cc', issue: 3 })
    const other = putCertificate(store.tables, { ...kept, serial: 'dd' })
    await expectRejection(other, StoreError, 'ERR_STORE_CONFLICT')
    const stored = await loadCertificates(store.tables, 0)
    expect(stored.map(({ serial, state }) => [serial, state])).to.deep.equal([
      ['aa', 'superseded'],
      ['cc', 'active'],
    ])
  })

  it('counts the uses of a join token of a former version', async () => {
    await using place = await temporaryPlace()
    const { file } = place
    await writeFormerStore(file)
    await using store = await openStore(file)
    const use = (workload: string) =>
      useJoinToken(store.tables, { tokenId: 't', nodeKeySha256: 'n', workload, now: 5 })
    expect([await use('web'), await use('api'), await use('mail'), await use('db')]).to.deep.equal([
      true,
      true,
      false,
      true,
    ])
  })

  it('refuses a store of a version that it does not know', async () => {
    await using place = await temporaryPlace()
    const { file } = place
    {
      await using store = await openStore(file)
      await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '')`.execute(
        store.tables,
      )
    }
    await expectRejection(openStore(file), StoreError, 'ERR_STORE_MIGRATION')
  })
})

describe('controller: full disk', function () {
  this.timeout(20_000)

  it('refuses changes, goes on reading, renewing and pushing, and catches up', async () => {
    const disk = createFullDisk()
    await using mesh = await startTestController({
      openStore: disk.open,
      config: { timings: { tickMs: 20 } },
    })
    await mesh.apply(testRule)
    const admin = await mesh.admin()
    const first = await mesh.enrol('web')
    const token = await mesh.token()
    disk.isFull = true

    await expectStatus(
      admin.call('Apply', { text: testRule.replace('test', 'new') }),
      'RESOURCE_EXHAUSTED',
      /disk/,
    )
    await expectStatus(mesh.enrol('db', { token }), 'RESOURCE_EXHAUSTED', /nothing was changed/)
    await expectStatus(admin.call('RevokeWorkload', { workload: 'web' }), 'RESOURCE_EXHAUSTED')
    expect((await admin.call('ListWorkloads', {})).workloads).to.have.length(1)
    expect((await admin.call('ListDocuments', {})).documents).to.have.length(1)

    const second = await renewWith(mesh.connect(first), first)
    using stream = watchWith(mesh.connect(second))
    await stream.next('snapshot')
    const third = await renewWith(mesh.connect(second), second)

    disk.isFull = false
    await mesh.enrol('db', { token })
    await eventually(async () => {
      await mesh.restart()
      const client = mesh.connect(third)
      using again = watchWith(client)
      await again.next('snapshot')
      await expectStatus(renewWith(mesh.connect(first), first), 'UNAUTHENTICATED')
    })
  })

  it('refuses the renewal of a workload that has become something else', async () => {
    const disk = createFullDisk()
    await using mesh = await startTestController({ openStore: disk.open })
    await mesh.apply(testRule)
    const workload = await mesh.enrol('web')
    disk.isFull = true
    const attributes = [{ key: 'app.role', value: 'back', provenance: 'claimed' as const }]
    await expectStatus(
      renewWith(mesh.connect(workload), workload, { attributes }),
      'RESOURCE_EXHAUSTED',
    )
  })

  it('lets nothing that had to wait overwrite what came after it', async () => {
    const disk = createFullDisk()
    const log = createRecordingLogger()
    const config = { timings: { tickMs: 500 } }
    await using mesh = await startTestController({ openStore: disk.open, log, config })
    await mesh.apply(testRule)
    const first = await mesh.enrol('web')
    disk.isFull = true
    const second = await renewWith(mesh.connect(first), first)
    using stream = watchWith(mesh.connect(second))
    await stream.next('snapshot')
    disk.isFull = false
    const attributes = [{ key: 'app.role', value: 'back', provenance: 'claimed' as const }]
    await renewWith(mesh.connect(second), second, { attributes })
    await eventually(() => {
      expect(log.records.map(({ message }) => message)).to.include('deferred writes tried')
    })
    await mesh.restart()
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', {})
    expect(workloads.map(({ generation }) => generation)).to.deep.equal([2])
  })

  it('takes an SVID that was issued while nothing could be written, after a restart', async () => {
    const disk = createFullDisk()
    await using mesh = await startTestController({ openStore: disk.open })
    await mesh.apply(testRule)
    const first = await mesh.enrol('web')
    disk.isFull = true
    const second = await renewWith(mesh.connect(first), first)
    await mesh.restart()
    using stream = watchWith(mesh.connect(second))
    await stream.next('snapshot')
  })

  for (const when of ['before', 'after'] as const) {
    it(`revokes such an SVID for all of its life, ${when} it was seen`, async () => {
      const disk = createFullDisk()
      const clock = createMovableClock()
      // The client goes by a clock of its own, which has to be in the controller's certificate.
      clock.skip(-80 * 60_000)
      const config = { timings: { maintenanceMs: 20, tickMs: 20 } }
      await using mesh = await startTestController({ openStore: disk.open, clock, config })
      await mesh.apply(testRule)
      const first = await mesh.enrol('web')
      clock.skip(40 * 60_000)
      disk.isFull = true
      const second = await renewWith(mesh.connect(first), first)
      await mesh.restart()
      disk.isFull = false
      const client = mesh.connect(second)
      if (when === 'after') {
        using stream = watchWith(client)
        await stream.next('snapshot')
      }
      await (await mesh.admin()).call('RevokeWorkload', { workload: 'web' })
      clock.skip(30 * 60_000)
      await new Promise((resolve) => setTimeout(resolve, 100))
      await expectStatus(
        client.call('ReportFlows', { runId: 'run', sequence: 1 }),
        'UNAUTHENTICATED',
      )
    })
  }
})
