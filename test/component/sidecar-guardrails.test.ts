import { expect } from 'chai'
import { systemClock } from '../../src/base/clock.ts'
import { documentSchemaVersion } from '../../src/policy/index.ts'
import type { FlowRecord__Output } from '../../src/rpc/generated/blazon/v1/FlowRecord.ts'
import type { FakeController } from '../support/fake-controller.ts'
import {
  allowWebToDb,
  connectClient,
  recordingLogger,
  startMesh,
  type TestMesh,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'

const bothDirections = ['EGRESS', 'INGRESS'] as const

async function recordOf(
  { controller }: TestMesh,
  direction: FlowRecord__Output['direction'],
  fits: (record: FlowRecord__Output) => boolean = () => true,
): Promise<FlowRecord__Output> {
  return await eventually(`a flow record of the ${direction}`, () =>
    controller.records.find((record) => record.direction === direction && fits(record)),
  )
}

async function openEcho(mesh: TestMesh): Promise<ReturnType<typeof connectClient>> {
  const client = connectClient(mesh.entrance, 'hello')
  await eventually('the echo', () => client.text() === 'hello')
  return client
}

async function endingOfNew(mesh: TestMesh): Promise<string> {
  const client = connectClient(mesh.entrance, 'hello')
  const echoed = eventually('the echo', () => client.text() === 'hello').then(() => 'echo')
  echoed.catch(() => undefined)
  const ending = await Promise.race([echoed, client.ended])
  client.socket.destroy()
  return ending
}

const policyWith = (mesh: TestMesh, more: string): string =>
  `${allowWebToDb.replace('PORT', String(mesh.port))}---\n${more}`

describe('a guardrail', () => {
  const quarantine = `
kind: Guardrail
name: quarantine
spec: { to: { label.app: db }, action: deny }
`

  it('cuts a live stream that a policy allows, and refuses the next', async () => {
    await using mesh = await startMesh()
    const client = await openEcho(mesh)
    mesh.controller.setPolicy(policyWith(mesh, quarantine))
    expect(await client.ended).to.equal('ECONNRESET')
    for (const direction of bothDirections) {
      const record = await recordOf(mesh, direction, ({ closed }) => closed === 1)
      expect(record).to.include({ verdict: 'DENY', reason: 'guardrail' })
    }
    // The other end may hear of the cut before it has the policy: then only the reason is known there.
    expect(mesh.controller.records.map(({ policy }) => policy)).to.include('quarantine')
    expect(await endingOfNew(mesh)).to.equal('ECONNRESET')
  })

  it('that only alerts lets the connection be, and says so once for each end', async () => {
    const log = recordingLogger()
    await using mesh = await startMesh({ log })
    const version = mesh.controller.setPolicy(
      policyWith(mesh, quarantine.replace('action: deny', 'action: alert')),
    )
    await Promise.all(['web', 'db'].map((name) => mesh.controller.taken(name, version)))
    expect(await endingOfNew(mesh)).to.equal('echo')
    expect(await endingOfNew(mesh)).to.equal('echo')
    const alerts = log.of('guardrail alert')
    const told = alerts.map(({ guardrail, direction }) => [guardrail, direction])
    expect(told).to.have.deep.members([
      ['quarantine', 'egress'],
      ['quarantine', 'ingress'],
    ])
  })
}).timeout(30_000)

describe('a controller that is not heard any more', () => {
  it('ends what a guardrail with maxStale concerns, and lets nothing new through, until it is back', async () => {
    let passedMs = 0
    const clock = {
      now: () => systemClock.now() + passedMs,
      monotonic: () => systemClock.monotonic() + passedMs,
    }
    await using mesh = await startMesh({ clock })
    const version = mesh.controller.setPolicy(
      policyWith(mesh, 'kind: Guardrail\nname: fresh\nspec: { maxStale: 30s }\n'),
    )
    await Promise.all(['web', 'db'].map((name) => mesh.controller.taken(name, version)))
    await mesh.controller.stop()
    // The rest of maxStale passes by itself: an open connection is cut by no more than the time.
    passedMs = 27_000
    const client = await openEcho(mesh)
    expect(await client.ended).to.equal('ECONNRESET')
    expect(await endingOfNew(mesh)).to.equal('ECONNRESET')
    await mesh.controller.start()
    await eventually('the echo', async () => (await endingOfNew(mesh)) === 'echo', 15_000)
    // What was refused counts as opened and closed, so that what is left over was cut.
    await eventually('one connection recorded as cut for it', () => {
      const stale = mesh.controller.records.filter(
        ({ direction, reason }) => direction === 'EGRESS' && reason === 'policy-stale',
      )
      expect(stale.every(({ verdict }) => verdict === 'DENY')).to.equal(true)
      return stale.reduce((sum, { opened, closed }) => sum + closed - opened, 0) === 1
    })
  })
}).timeout(40_000)

describe('a rejected version', () => {
  it('with onReject: deny-new in force denies new connections, and leaves open ones', async () => {
    await using mesh = await startMesh()
    const strict = allowWebToDb.replace('PORT', String(mesh.port)) + '  onReject: deny-new\n'
    const version = mesh.controller.setPolicy(strict)
    await Promise.all(['web', 'db'].map((name) => mesh.controller.taken(name, version)))
    const client = await openEcho(mesh)
    const unknown = { kind: 'Nonsense', name: 'x', namespace: '/', revision: 1 }
    mesh.controller.setDocuments([{ ...unknown, specJson: Buffer.from('{}') }])
    await eventually('both rejections', () => mesh.controller.rejected.length >= 2)
    expect(await endingOfNew(mesh)).to.equal('ECONNRESET')
    const record = await recordOf(mesh, 'EGRESS', ({ verdict }) => verdict === 'DENY')
    expect(record.reason).to.equal('policy-stale')
    client.socket.write(' again')
    await eventually('the echo', () => client.text() === 'hello again')
    mesh.controller.setPolicy(strict)
    await eventually('new ones again', async () => (await endingOfNew(mesh)) === 'echo')
    client.socket.destroy()
  })
}).timeout(30_000)

describe('an Observe', () => {
  it('admits what no policy decides, and both ends record it under its name', async () => {
    const policy = `
kind: Observe
name: first-days
spec: { scope: { label.app: [web, db] }, expires: ${new Date(Date.now() + 3_600_000).toISOString()} }
`
    await using mesh = await startMesh({ policy })
    const client = await openEcho(mesh)
    client.socket.end()
    await client.ended
    for (const direction of bothDirections) {
      const record = await recordOf(mesh, direction, ({ closed }) => closed === 1)
      expect(record).to.include({
        verdict: 'ALLOW',
        reason: 'allowed-by-observe',
        policy: 'first-days',
      })
    }
  })

  it('admits nobody whose other end is out of its scope', async () => {
    const expires = new Date(Date.now() + 3_600_000).toISOString()
    const policy = `
kind: Observe
name: first-days
spec: { scope: { label.app: web }, expires: ${expires} }
`
    await using mesh = await startMesh({ policy })
    expect(await endingOfNew(mesh)).to.equal('ECONNRESET')
    expect(await recordOf(mesh, 'EGRESS')).to.include({ reason: 'no-policy-matched' })
  })
}).timeout(30_000)

describe("a policy with when: same('aws.account')", () => {
  const policy = `${allowWebToDb}  when: same('aws.account')\n`
  const inAccounts =
    (web: string | undefined, db: string | undefined) =>
    (controller: FakeController): void => {
      for (const [name, account] of Object.entries({ web, db })) {
        const workload = controller.workload(name)
        if (account === undefined) continue
        workload.attributes = [
          ...workload.attributes,
          { key: 'aws.account', value: account, provenance: 'signed' },
        ]
      }
    }

  it('allows within one account', async () => {
    const prepare = inAccounts('111122223333', '111122223333')
    await using mesh = await startMesh({ policy, prepare })
    expect(await endingOfNew(mesh)).to.equal('echo')
  })

  for (const [what, prepare] of Object.entries({
    'another account': inAccounts('111122223333', '444455556666'),
    'an account that nobody knows': inAccounts(undefined, '111122223333'),
  })) {
    it(`denies from ${what}`, async () => {
      await using mesh = await startMesh({ policy, prepare })
      expect(await endingOfNew(mesh)).to.equal('ECONNRESET')
      expect(await recordOf(mesh, 'EGRESS')).to.include({ reason: 'no-policy-matched' })
    })
  }
}).timeout(30_000)

describe('a sidecar', () => {
  it('announces the documents that it can enforce', async () => {
    await using mesh = await startMesh()
    const announced = mesh.controller.watchOpens.map(({ schemaVersion }) => schemaVersion)
    expect(new Set(announced)).to.deep.equal(new Set([documentSchemaVersion]))
  })
}).timeout(30_000)
