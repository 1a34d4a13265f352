import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { parseAllDocuments, parse as parseYaml } from 'yaml'
import { createCliMesh, type CliMesh } from '../support/cli-mesh.ts'
import { refuse, type Answer } from '../support/fake-admin.ts'
import { expectGolden } from '../support/golden.ts'
import { createTestCa } from '../support/test-ca.ts'

// What people see is compared to the letter, so the clock stands still; the certificates are good at
// that time as well as now.
const now = Date.UTC(2026, 10, 22, 12, 0, 0)
const eightYearsMs = 8 * 365 * 86_400_000
const id = 'a1b2c3d4e5f60718293a4b5c6d7e8f90'

const web = {
  workloadId: id,
  name: 'web',
  spiffeId: 'spiffe://acme.example/ns/default/workload/web',
  generation: 3,
  serial: '0f'.repeat(16),
  notAfterMs: now + 43 * 60_000,
  watching: true,
  policyVersion: 12,
  nodeKeySha256: 'ab'.repeat(32),
  attributes: [
    { key: 'aws.account', value: '123456789012', provenance: 'SIGNED' },
    { key: 'label.app', value: 'web', provenance: 'ASSIGNED' },
    { key: 'app.note', value: 'red \u001b[31mor not', provenance: 'CLAIMED' },
  ],
  listeners: [{ address: '10.0.0.5', port: 8443 }],
  sidecarVersion: '0.1.0',
}
const workloads = [
  web,
  { ...like('db', 'b2'), revoked: true },
  { ...like('away', 'c3'), watching: false },
  { ...like('late', 'd4'), notAfterMs: now - 60_000 },
  { ...like('old', 'e5'), rejected: 'unknown kind "FilePolicy"' },
]
function like(name: string, prefix: string): typeof web {
  const workloadId = `${prefix}${id.slice(2)}`
  return { ...web, name, workloadId, spiffeId: web.spiffeId.replace('web', name), attributes: [] }
}
const policy = {
  document: {
    kind: 'NetworkPolicy',
    name: 'web-to-orders-db',
    namespace: '/',
    revision: 4,
    specJson: Buffer.from(
      JSON.stringify({
        from: { 'label.app': 'web' },
        to: { 'label.app': 'db' },
        ports: ['tcp/5432'],
        action: 'allow',
      }),
    ),
  },
  author: 'ada',
  changedAtMs: now - 3 * 3_600_000,
  yaml: 'kind: NetworkPolicy\nname: web-to-orders-db\nspec:\n  action: allow\n',
}
const rule = {
  ...policy,
  document: { ...policy.document, kind: 'EnrolmentRule', name: 'shop', revision: 1 },
  yaml: 'kind: EnrolmentRule\nname: shop\nspec: {}',
}
const flows = [
  {
    bucketStartMs: now - 20_000,
    from: {
      workloadId: id,
      spiffeId: web.spiffeId,
      verdict: 'ALLOW',
      reason: 'allowed-by-policy',
      policy: 'web-to-orders-db',
    },
    to: {
      workloadId: id,
      spiffeId: web.spiffeId.replace('web', 'db'),
      verdict: 'ALLOW',
      reason: 'allowed-by-policy',
      policy: 'web-to-orders-db',
    },
    destinationAddress: '10.0.0.9',
    destinationPort: 5432,
    encryption: 'REQUIRED',
    opened: 12,
    closed: 11,
    bytesSent: 48_213,
    bytesReceived: 1_204_000,
    stitched: true,
  },
  {
    bucketStartMs: now - 10_000,
    from: { workloadId: id, spiffeId: web.spiffeId, verdict: 'DENY', reason: 'no-policy-matched' },
    destinationAddress: '10.0.0.9',
    destinationPort: 6379,
    opened: 3,
    closed: 3,
  },
]
const nodes = [
  {
    nodeId: 'aws:123456789012:eu-west-1:i-0c5541936caf78c12',
    method: 'aws-iid',
    nodeKeySha256: 'ab'.repeat(32),
    firstSeenMs: now - 86_400_000,
    lastSeenMs: now - 60_000,
    pendingTimeMs: now - 86_460_000,
    frozen: true,
    workloadIds: [id],
    attributes: [{ key: 'aws.account', value: '123456789012', provenance: 'SIGNED' }],
  },
  {
    nodeId: 'join-token:tok-1',
    method: 'join-token',
    nodeKeySha256: 'cd'.repeat(32),
    firstSeenMs: now - 3_600_000,
    lastSeenMs: now - 5_000,
    workloadIds: [id, id],
  },
]
const accounts = [
  {
    accountId: '123456789012',
    name: 'shop',
    verified: 'operator',
    tagsTrusted: true,
    author: 'ada',
    changedAtMs: now - 3_600_000,
  },
  {
    accountId: '210987654321',
    name: '',
    verified: 'sts',
    arn: 'arn:aws:sts::210987654321:assumed-role/Admin/ada',
    author: 'ada',
    changedAtMs: now - 60_000,
  },
]
const incident = {
  incidentId: '0f1e2d3c4b5a',
  kind: 'two-claimants',
  subject: 'aws:123456789012:eu-west-1:i-0c5541936caf78c12',
  summary: 'two node keys showed the same fresh document of an instance, both are frozen',
  details: [
    { key: 'node-key', value: 'ab'.repeat(32) },
    { key: 'node-key', value: 'cd'.repeat(32) },
    { key: 'source', value: '10.0.0.\u001b[31m9' },
  ],
  openedAtMs: now - 7_200_000,
  lastSeenMs: now - 60_000,
  times: 4,
}
const incidents = [
  incident,
  {
    ...incident,
    incidentId: '112233445566',
    kind: 'old-document',
    times: 1,
    details: [],
    resolvedAtMs: now - 30_000,
    resolvedBy: 'ada',
    resolution: 'a test of ours',
  },
]
const answers: Record<string, Answer | ((request: unknown) => Answer)> = {
  Status: {
    version: '0.1.0',
    trustDomain: 'acme.example',
    startedAtMs: now - 90 * 60_000,
    controllerTimeMs: now,
    policyVersion: 12,
    documents: 2,
    workloads: 5,
    watching: 3,
    issuers: [{ keySha256: 'cd'.repeat(32), state: 'ACTIVE', notAfterMs: now + 20 * 86_400_000 }],
  },
  Apply: {
    documents: [
      { kind: 'NetworkPolicy', name: 'web-to-orders-db', action: 'CREATED', revision: 1 },
      { kind: 'EnrolmentRule', name: 'shop', action: 'UNCHANGED', revision: 7 },
    ],
    warnings: ['web-to-orders-db: selects on an address'],
  },
  ListDocuments: (request) => {
    const { name } = request as { readonly name: string }
    if (name === 'nobody') return { documents: [] }
    return { documents: name === '' ? [policy, rule] : [policy] }
  },
  DeleteDocument: { revision: 5 },
  Explain: {
    verdict: 'DENY',
    reason: 'no-policy-matched',
    encryption: 'REQUIRED',
    policies: [
      {
        name: 'web-to-orders-db',
        action: 'allow',
        matched: false,
        because: 'port tcp/6379 is not among tcp/5432',
      },
      {
        name: 'quarantine',
        action: 'deny',
        matched: false,
        because: 'from: label.app is "web", not "bad"',
      },
    ],
    nearestMiss: 'web-to-orders-db would allow it on port tcp/5432',
  },
  ListWorkloads: (request) => {
    const { match } = request as { readonly match: string }
    if (match === 'nobody') return { workloads: [] }
    return { workloads: match === '' ? workloads : [web] }
  },
  RevokeWorkload: { workloadId: id, lowestGoodGeneration: 4, notified: 3 },
  CreateJoinToken: {
    token: 'eyJhbGciOi.payload.signature',
    tokenId: 'tok-1',
    expiresAtMs: now + 3_600_000,
  },
  ListNodes: (request) => {
    const { match } = request as { readonly match: string }
    return { nodes: match === '' ? nodes : nodes.slice(0, match === 'nobody' ? 0 : 1) }
  },
  GrantEnrolment: { expiresAtMs: now + 3_600_000 },
  ListAccounts: { accounts },
  PutAccount: { account: accounts[0] ?? null },
  DeleteAccount: { revoked: 3 },
  ListIncidents: (request) => {
    const { all } = request as { readonly all: boolean }
    return { incidents: all ? incidents : incidents.slice(0, 1) }
  },
  ResolveIncident: { incident: incidents[1] ?? null },
  ListFlows: { flows, lost: 2 },
  FollowFlows: flows,
}

describe('blazon, its commands', () => {
  let mesh: CliMesh
  before(async () => {
    const ca = createTestCa({ now: Date.UTC(2026, 10, 22) })
    const span = { notBefore: ca.now - 60_000, notAfter: ca.now + eightYearsMs }
    const issuer = ca.addIssuer({ ...span, state: 'active' })
    mesh = await createCliMesh({
      ca,
      answers,
      identity: ca.controller({ ...span, issuer }),
      user: ca.admin('admin', { ...span, issuer }),
    })
  })
  after(() => mesh[Symbol.asyncDispose]())

  const shown: readonly (readonly [file: string, words: readonly string[]])[] = [
    ['status', ['status']],
    ['get', ['get']],
    ['get-one', ['get', 'networkpolicies', 'web-to-orders-db']],
    ['delete', ['delete', 'networkpolicy', 'web-to-orders-db']],
    ['explain', ['explain', 'web', 'label.app=db', '--port', '6379']],
    ['workloads', ['workloads']],
    ['workload', ['workloads', 'web']],
    ['revoke', ['revoke', 'web', '--reason', 'test']],
    ['revoke-refuse', ['revoke', 'web', '--refuse-renewal']],
    ['reinstate', ['revoke', 'web', '--reinstate']],
    ['token', ['token', 'create', '--uses', '3', '--label', 'app=web']],
    ['flows', ['flows']],
    ['nodes', ['nodes']],
    ['node', ['nodes', 'i-0c5541936caf78c12']],
    ['node-grant', ['nodes', 'grant', '1/eu-west-1/i-1', '--because', 'rebuilt']],
    ['accounts', ['accounts', 'list']],
    ['account-add', ['accounts', 'add', '123456789012', '--name', 'shop', '--tags-trusted']],
    ['account-remove', ['accounts', 'remove', '123456789012', '--revoke']],
    ['incidents', ['incidents']],
    ['incidents-all', ['incidents', '--all']],
    ['incident-resolve', ['incidents', 'resolve', '112233445566', '--because', 'a test of ours']],
  ]
  for (const [file, words] of shown) {
    for (const form of ['table', 'json', 'yaml']) {
      it(`shows "${words.join(' ')}" as ${form}`, async () => {
        const run = await mesh.run([...words, '-o', form], { now })
        expect(run.code).to.equal(0)
        const extension = form === 'table' ? '' : `.${form}`
        const beside = run.stderr === '' ? '' : `--- stderr\n${run.stderr}`
        expectGolden(`cli/${file}${extension}.txt`, `${run.stdout}${beside}`)
        if (form === 'json') JSON.parse(run.stdout)
        if (form === 'yaml')
          for (const document of parseAllDocuments(run.stdout))
            expect(document.errors).to.deep.equal([])
      })
    }
  }

  it('says the same in JSON and YAML', async () => {
    const json = await mesh.run(['workloads', '-o', 'json'], { now })
    const yaml = await mesh.run(['workloads', '-o', 'yaml'], { now })
    expect(parseYaml(yaml.stdout)).to.deep.equal(JSON.parse(json.stdout))
  })

  it('sends nothing of a workload to the terminal raw', async () => {
    const { stdout } = await mesh.run(['workloads', 'web'], { now })
    expect(stdout).to.contain('red \\x1b[31mor not')
    expect(stdout).not.to.contain('\u001b')
  })

  it('colours a terminal only', async () => {
    const { stdout } = await mesh.run(['workloads'], { now, colour: true })
    expect(stdout).to.contain('\u001b[31mrevoked\u001b[39m')
  })

  it('asks what was typed', async () => {
    const before = mesh.admin.calls.length
    await mesh.run(['get', 'ENROLMENTRULES', 'shop'], { now })
    await mesh.run(['explain', 'web', 'label.app=db,aws.region@described=eu', '--port', '5432'], {
      now,
    })
    await mesh.run(
      ['flows', '--since', '5m', '--workload', 'web', '--verdict', 'deny', '--limit', '7'],
      { now },
    )
    await mesh.run(['revoke', 'web', '--reason', 'lost', '--refuse-renewal'], { now })
    await mesh.run(
      ['token', 'create', '--ttl', '90s', '--label', 'app=a=b', '--description', 'x'],
      { now },
    )
    expect(mesh.admin.calls.slice(before)).to.deep.equal([
      { method: 'ListDocuments', request: { kind: 'EnrolmentRule', name: 'shop' } },
      {
        method: 'Explain',
        request: {
          from: { workload: 'web', kind: 'workload' },
          to: {
            attributes: {
              attributes: [
                { key: 'label.app', value: 'db', provenance: 'ASSIGNED' },
                { key: 'aws.region', value: 'eu', provenance: 'DESCRIBED' },
              ],
            },
            kind: 'attributes',
          },
          port: 5432,
        },
      },
      {
        method: 'ListFlows',
        request: { sinceMs: now - 300_000, untilMs: 0, workload: 'web', verdict: 'DENY', limit: 7 },
      },
      {
        method: 'RevokeWorkload',
        request: { workload: 'web', reason: 'lost', refuseRenewal: true, reinstate: false },
      },
      {
        method: 'CreateJoinToken',
        request: {
          uses: 1,
          ttlSeconds: 90,
          labels: [{ key: 'app', value: 'a=b' }],
          description: 'x',
        },
      },
    ])
  })

  it('asks for what was typed of nodes, accounts and incidents', async () => {
    const before = mesh.admin.calls.length
    const key = 'ab'.repeat(32)
    for (const words of [
      ['nodes', 'grant', '123456789012/eu-west-1/i-1', '--because', 'lost', '--ttl', '90s'],
      ['accounts', 'add', '123456789012'],
      ['accounts', 'remove', '123456789012'],
      ['incidents', '--limit', '7'],
      ['incidents', 'resolve', 'x1', '--because', 'seen', '--keep', key],
    ]) {
      expect((await mesh.run(words, { now })).code, words.join(' ')).to.equal(0)
    }
    const instance = { account: '123456789012', region: 'eu-west-1', instanceId: 'i-1' }
    const accountId = '123456789012'
    expect(mesh.admin.calls.slice(before)).to.deep.equal([
      { method: 'GrantEnrolment', request: { ...instance, ttlSeconds: 90, reason: 'lost' } },
      { method: 'PutAccount', request: { accountId, name: '', tagsTrusted: false } },
      { method: 'DeleteAccount', request: { accountId, revoke: false } },
      { method: 'ListIncidents', request: { all: false, limit: 7 } },
      {
        method: 'ResolveIncident',
        request: { incidentId: 'x1', resolution: 'seen', keepNodeKeySha256: key },
      },
    ])
  })

  for (const words of [
    ['nodes', 'grant', 'i-1', '--because', 'x'],
    ['nodes', 'grant', '1/eu-west-1/i-1'],
    ['nodes', 'grant', '1/eu-west-1/i-1', '--because', 'x', '--ttl', '10ms'],
    ['accounts', 'add', '1234'],
    ['incidents', 'resolve', 'x1'],
    ['incidents', '--limit', '0'],
  ]) {
    it(`refuses "${words.join(' ')}" as wrong usage`, async () => {
      const run = await mesh.run(words, { now })
      expect([run.code, run.stdout]).to.deep.equal([2, ''])
      expect(run.stderr).to.match(/^error: /)
    })
  }

  it('gives deny the exit code 1 only when asked to', async () => {
    const words = ['explain', 'web', 'db', '--port', '1']
    expect((await mesh.run(words, { now })).code).to.equal(0)
    expect((await mesh.run([...words, '--exit-code'], { now })).code).to.equal(1)
  })

  for (const words of [
    ['get', 'NetworkPolicy', 'nobody'],
    ['workloads', 'nobody'],
    ['nodes', 'nobody'],
  ]) {
    it(`fails "${words.join(' ')}" with exit code 1`, async () => {
      const run = await mesh.run(words, { now })
      expect([run.code, run.stdout]).to.deep.equal([1, ''])
      expect(run.stderr).to.match(/^error: there is no .*nobody\nhint: /)
    })
  }

  it('applies files, a directory and stdin, after all of them were checked', async () => {
    await writeFile(join(mesh.directory, 'a.yaml'), 'kind: A\n')
    const before = mesh.admin.calls.length
    const run = await mesh.run(['apply', '-f', mesh.directory, '-'], { now, stdin: 'kind: B\n' })
    expect(run.code).to.equal(0)
    const file = { text: 'kind: A\n', source: join(mesh.directory, 'a.yaml') }
    const stdin = { text: 'kind: B\n', source: 'stdin' }
    expect(mesh.admin.calls.slice(before).map(({ request }) => request)).to.deep.equal([
      { ...file, dryRun: true },
      { ...stdin, dryRun: true },
      { ...file, dryRun: false },
      { ...stdin, dryRun: false },
    ])
  })

  it('shows what was applied, warnings beside it', async () => {
    const run = await mesh.run(['apply'], { now, stdin: 'kind: A\n' })
    expectGolden('cli/apply.txt', `${run.stdout}--- stderr\n${run.stderr}`)
    const json = await mesh.run(['apply', '--dry-run', '-o', 'json'], { now, stdin: 'kind: A\n' })
    expectGolden('cli/apply.json.txt', `${json.stdout}--- stderr\n${json.stderr}`)
  })

  for (const path of ['nowhere.yaml', 'empty']) {
    it(`refuses to apply ${path}`, async () => {
      const run = await mesh.run(['apply', '-f', join(mesh.directory, path)], { now })
      expect(run.code).to.equal(1)
      expect(run.stderr).to.match(/^error: cannot read .*: ENOENT/)
    })
  }

  it('refuses a document that is too large before sending it', async () => {
    const path = join(mesh.directory, 'large.json')
    await writeFile(path, ' '.repeat(4 * 1024 * 1024 + 1))
    const before = mesh.admin.calls.length
    const run = await mesh.run(['apply', '-f', path], { now })
    expect([run.code, mesh.admin.calls.length]).to.deep.equal([1, before])
    expect(run.stderr).to.contain('larger than 4194304 bytes')
  })
})

describe('blazon apply, invalid documents', () => {
  it('prints every problem on its own line, whole, and changes nothing', async () => {
    await using mesh = await createCliMesh({
      answers: {
        Apply: (request) => {
          const { source } = request as { readonly source: string }
          return refuse(
            status.INVALID_ARGUMENT,
            source === 'stdin'
              ? 'stdin:2:1: unknown kind "X"'
              : `p:3:5: unknown field "frm"\np:9:1: ünknown`,
          )
        },
      },
    })
    await writeFile(join(mesh.directory, 'p.yaml'), 'x')
    const one = await mesh.run(['apply'], { stdin: 'x' })
    expect(one).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: 'error: stdin:2:1: unknown kind "X"\n',
    })
    const several = await mesh.run(['apply', '-f', join(mesh.directory, 'p.yaml')])
    expect(several.stderr).to.equal(
      'error: refused for 2 problems\np:3:5: unknown field "frm"\np:9:1: ünknown\n',
    )
    const both = await mesh.run(['apply', '-f', '-', join(mesh.directory, 'p.yaml')], {
      stdin: 'x',
    })
    expect(both.stderr).to.equal(
      'error: 2 of 2 files are invalid, nothing was changed\n' +
        'stdin:2:1: unknown kind "X"\np:3:5: unknown field "frm"\np:9:1: ünknown\n',
    )
    const changes = mesh.admin.calls
      .slice(2)
      .map(({ request }) => request as { readonly dryRun: boolean })
    expect(changes.map(({ dryRun }) => dryRun)).to.deep.equal([true, true])
  })
})

describe('blazon flows --follow', () => {
  for (const [form, first] of [
    ['table', /^TIME .*\n2026-11-22 11:59:40Z .*\n2026-11-22 11:59:50Z .*\n$/],
    ['json', /^\{"time":.*\}\n\{"time":.*\}\n$/],
    ['yaml', /^---\ntime: .*---\ntime: .*$/s],
  ] as const) {
    it(`writes ${form} as it comes and ends with 0 at an interrupt`, async () => {
      await using mesh = await createCliMesh({ answers })
      const interrupt = new AbortController()
      const rows = { table: /11:59:50Z.*\n$/, json: /\n.*\n$/, yaml: /stitched: false\n$/ }[form]
      const run = await mesh.run(['flows', '--follow', '-o', form], {
        signal: interrupt.signal,
        onStdout: (text) => {
          if (rows.test(text)) interrupt.abort()
        },
      })
      expect([run.code, run.stderr]).to.deep.equal([0, ''])
      expect(run.stdout).to.match(first)
    })
  }

  it('fails when the controller ends the stream', async () => {
    await using mesh = await createCliMesh({ answers, endStreams: true })
    const run = await mesh.run(['flows', '--follow'])
    expect(run.code).to.equal(1)
    expect(run.stderr).to.match(/^error: the controller ended the stream\nhint: /)
  })

  it('words a refusal as any other call does', async () => {
    await using mesh = await createCliMesh({
      answers: { FollowFlows: refuse(status.PERMISSION_DENIED, 'needs the role viewer') },
    })
    const run = await mesh.run(['flows', '--follow'])
    expect(run.code).to.equal(1)
    expect(run.stderr).to.contain('error: not permitted: needs the role viewer\n')
  })
})
