import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { readCertificate } from '../../src/identity/index.ts'
import { logIn } from '../support/cli-login.ts'
import { renewWith } from '../support/enrolment-client.ts'
import { eventually, expectStatus } from '../support/expect-status.ts'
import { startTestController, testRule, type TestController } from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'

const policy = (port: number): string => `
kind: NetworkPolicy
name: web-to-db
spec: { from: { label.app: web }, to: { label.app: db }, ports: [tcp/${String(port)}], action: allow }
`

describe('controller: labels of one workload', function () {
  this.timeout(20_000)

  let mesh: TestController
  beforeEach(async () => {
    mesh = await startTestController({
      config: { timings: { graceMs: 3_600_000, reauthenticateMs: 50, tickMs: 20 } },
    })
    await mesh.apply(testRule)
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  const labelsOf = async (workload: string): Promise<string[]> => {
    const { workloads } = await (await mesh.admin()).call('ListWorkloads', { match: workload })
    return (workloads[0]?.attributes ?? [])
      .filter(({ key }) => key.startsWith('label.'))
      .map(({ key, value, provenance }) => `${key}=${value} ${provenance}`)
      .sort()
  }

  it('ask it to renew, are in its next profile, and revoke what it had', async () => {
    const web = await mesh.enrol('web')
    const client = mesh.connect(web)
    using watch = watchWith(client)
    await watch.next('snapshot')
    const admin = await mesh.admin()
    const set = await admin.call('SetLabels', {
      workload: 'web',
      set: [
        { key: 'tier', value: 'front' },
        { key: 'owner', value: 'team a' },
      ],
    })
    expect(set.labels).to.have.length(2)
    await watch.next('renewNow')
    const renewed = await renewWith(client, web)
    expect(await labelsOf('web')).to.deep.equal([
      'label.join=test ASSIGNED',
      'label.owner=team a ASSIGNED',
      'label.tier=front ASSIGNED',
    ])
    const [before, after] = [web, renewed].map(({ chain }) => {
      const [leaf] = chain
      return leaf === undefined ? 0 : (readCertificate(leaf).workload?.generation ?? 0)
    })
    expect(after).to.equal((before ?? 0) + 1)
    using newer = watchWith(mesh.connect(renewed))
    await eventually(async () => {
      const { floors } = await newer.next('floors')
      expect(floors.map(({ lowestGoodGeneration }) => lowestGoodGeneration)).to.include(after)
    })
    await expectStatus(mesh.connect(web).call('IssueJwt', { audience: ['a'] }), 'UNAUTHENTICATED')
  })

  it('are selected on by documents that assign others, and can be removed', async () => {
    await mesh.apply(`
kind: LabelAssignment
name: fronts
spec: { select: { label.tier: front }, labels: { label.exposed: 'yes' } }
`)
    const web = await mesh.enrol('web')
    const admin = await mesh.admin()
    await admin.call('SetLabels', { workload: 'web', set: [{ key: 'tier', value: 'front' }] })
    const renewed = await renewWith(mesh.connect(web), web)
    expect(await labelsOf('web')).to.include('label.exposed=yes ASSIGNED')
    const { labels } = await admin.call('SetLabels', { workload: 'web', remove: ['tier'] })
    expect(labels).to.deep.equal([])
    await renewWith(mesh.connect(renewed), renewed)
    expect(await labelsOf('web')).to.deep.equal(['label.join=test ASSIGNED'])
  })

  it('are there after a restart, and when the workload enrols again', async () => {
    const web = await mesh.enrol('web')
    await (
      await mesh.admin()
    ).call('SetLabels', { workload: 'web', set: [{ key: 'tier', value: 'front' }] })
    await mesh.restart()
    await mesh.enrol('web', { nodeKeys: web.nodeKeys, token: await mesh.token() })
    expect(await labelsOf('web')).to.include('label.tier=front ASSIGNED')
  })

  it('are refused where they could not be', async () => {
    await mesh.enrol('web')
    const admin = await mesh.admin()
    const label = { key: 'tier', value: 'front' }
    for (const [request, code] of [
      [{ workload: 'web' }, 'INVALID_ARGUMENT'],
      [{ set: [label] }, 'INVALID_ARGUMENT'],
      [{ workload: 'nobody', set: [label] }, 'NOT_FOUND'],
      [{ workload: 'web', set: [label, label] }, 'INVALID_ARGUMENT'],
      [{ workload: 'web', set: [label], remove: ['tier'] }, 'INVALID_ARGUMENT'],
      [{ workload: 'web', set: [{ key: 'Tier', value: 'a' }] }, 'INVALID_ARGUMENT'],
      [{ workload: 'web', set: [{ key: 'tier', value: 'a\u0000' }] }, 'INVALID_ARGUMENT'],
      [{ workload: 'web', set: [{ key: 'tier', value: 'a'.repeat(513) }] }, 'INVALID_ARGUMENT'],
      [
        {
          workload: 'web',
          set: Array.from({ length: 33 }, (_none, n) => ({ key: `k${String(n)}`, value: 'v' })),
        },
        'INVALID_ARGUMENT',
      ],
    ] as const) {
      await expectStatus(admin.call('SetLabels', request as never), code)
    }
    expect(await labelsOf('web')).to.deep.equal(['label.join=test ASSIGNED'])
  })
})

describe('blazon: documents and labels', function () {
  this.timeout(20_000)

  it('labels, compares, shows the history and goes back', async () => {
    await using mesh = await startTestController()
    await using cli = await logIn(mesh)
    const file = join(cli.directory, 'policy.yaml')
    const apply = async (text: string): Promise<void> => {
      await writeFile(file, text)
      expect((await cli.run('apply', '-f', file)).stderr).to.equal('')
    }
    await writeFile(file, policy(5432))
    const fresh = await cli.run('diff', '-f', file)
    expect([fresh.code, fresh.stdout.split('\n')[0]]).to.deep.equal([1, '--- /dev/null'])
    await apply(policy(5432))
    await writeFile(file, policy(5432).replace('name: web-to-db', "name: 'web-to-db'"))
    expect(await cli.run('diff', '-f', file)).to.deep.equal({ code: 0, stdout: '', stderr: '' })
    await writeFile(file, policy(5433))
    const changed = await cli.run('diff', '-f', file)
    expect(changed.code).to.equal(1)
    const lines = changed.stdout.split('\n')
    expect(lines.slice(0, 2)).to.deep.equal([
      '--- stored/NetworkPolicy/web-to-db',
      '+++ file/NetworkPolicy/web-to-db',
    ])
    expect(lines.filter((line) => /^[-+] /.test(line)).map((line) => line.trim())).to.deep.equal([
      '-    - tcp/5432',
      '+    - tcp/5433',
    ])
    await apply(policy(5433))
    await cli.run('delete', 'networkpolicy', 'web-to-db')

    const { entries } = (await cli.json('history', 'networkpolicy', 'web-to-db')) as {
      entries: { revision: number; deleted: boolean; author: string; yaml: string }[]
    }
    expect(entries.map(({ deleted }) => deleted)).to.deep.equal([true, false, false])
    const [gone, second, first] = entries.map(({ revision }) => String(revision))
    const back = await cli.run('rollback', 'networkpolicy', 'web-to-db', first ?? '')
    expect([back.code, back.stderr]).to.deep.equal([0, ''])
    const stored = await cli.run('get', 'networkpolicy', 'web-to-db', '-o', 'yaml')
    expect(stored.stdout).to.contain('tcp/5432')
    const deleted = await cli.run('rollback', 'networkpolicy', 'web-to-db', gone ?? '')
    expect([deleted.code, deleted.stderr]).to.satisfy(
      ([code, stderr]: [number, string]) => code === 1 && stderr.includes('was deleted'),
    )
    expect((await cli.run('rollback', 'networkpolicy', 'web-to-db', '999')).code).to.equal(1)
    expect((await cli.run('history', 'networkpolicy', 'nothing')).code).to.equal(1)
    expect((await cli.run('history', 'networkpolicy', 'web-to-db')).stdout).to.contain(second ?? '')

    await writeFile(file, testRule)
    expect((await cli.run('apply', '-f', file)).code).to.equal(0)
    const token = (await cli.run('token', 'create', '--label', 'join=test')).stdout.trim()
    await mesh.enrol('web', { token })
    const labelled = await cli.run('label', 'web', 'tier=front', 'label.owner=a=b')
    expect(labelled.stdout).to.equal('label.tier=front\nlabel.owner=a=b\n')
    const removed = await cli.run('label', 'web', 'tier-', 'owner-')
    expect(removed.stdout).to.equal('web has no labels of its own\n')
    for (const wrong of ['tier', '-', '=x']) {
      expect((await cli.run('label', 'web', '--', wrong)).code, wrong).to.equal(2)
    }
  })

  it('shows the problems of a file that is to be compared', async () => {
    await using mesh = await startTestController()
    await using cli = await logIn(mesh)
    const file = join(cli.directory, 'policy.yaml')
    await writeFile(file, policy(5432).replace('allow', 'maybe'))
    const run = await cli.run('diff', '-f', file)
    expect([run.code, run.stdout]).to.deep.equal([1, ''])
    expect(run.stderr).to.match(/policy\.yaml:\d+:\d+: /)
  })
})
