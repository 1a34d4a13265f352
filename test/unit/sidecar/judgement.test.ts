import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { createFloors, noFloors, type Attribute } from '../../../src/identity/index.ts'
import { compilePolicies } from '../../../src/policy/compile.ts'
import type { HttpRequest } from '../../../src/policy/index.ts'
import { parseDocuments } from '../../../src/policy/parse.ts'
import {
  both,
  deny,
  judge,
  judgeUnread,
  readsRequests,
  refusalOfAny,
  refusalOfNew,
  type Judgement,
  type Standing,
} from '../../../src/sidecar/judgement.ts'
import { createAlerts } from '../../../src/sidecar/alerts.ts'
import { createControllerContact } from '../../../src/sidecar/controller-contact.ts'
import { nothingOutside } from '../../../src/sidecar/outside-world.ts'
import {
  createLiveConnections,
  type LiveConnection,
} from '../../../src/sidecar/live-connections.ts'
import { mergeFloors } from '../../../src/sidecar/mesh-state.ts'
import { renewalTime } from '../../../src/sidecar/identity-keeper.ts'
import type { OwnIdentity } from '../../../src/sidecar/own-identity.ts'
import { recordingLogger } from '../../support/mesh-fixture.ts'
import { eventually } from '../../support/poll.ts'
import { createTestCa } from '../../support/test-ca.ts'

const label = (app: string): Attribute[] => [
  { key: 'label.app', value: app, provenance: 'assigned' },
]
const ca = createTestCa()
const { now } = ca
const web = ca.workload({ name: 'web', attributes: label('web'), generation: 2 })
const db = ca.workload({ name: 'db', attributes: label('db') })
const own: OwnIdentity = {
  ...web,
  workload: web.facts,
  serial: '00',
  notBefore: now - 60_000,
  obtainedMs: now,
}
const policy = compilePolicies(
  parseDocuments(`
kind: NetworkPolicy
name: out
spec: { from: { label.app: web }, to: { label.app: db }, ports: [tcp/5432], action: allow }
---
kind: NetworkPolicy
name: in
spec: { from: { label.app: db }, to: { label.app: web }, ports: [tcp/80], action: allow }
`),
)
const good: Standing = {
  own,
  policy,
  outside: nothingOutside,
  floors: noFloors,
  now,
  systemNow: now,
  deniesNew: false,
  contactAgeMs: 0,
}
const { workloadId } = web.facts
const floor = { workloadId, lowestGoodGeneration: 3, untilMs: now + 1_000 }
const revoked = createFloors(1, [floor])

describe('refusalOfNew()', () => {
  const cases: readonly (readonly [string, Partial<Standing>, string | undefined])[] = [
    ['all is well', {}, undefined],
    ['there is no policy', { policy: undefined }, 'no-policy-yet'],
    ['there is no identity', { own: undefined }, 'identity-expired'],
    ['the identity expires now', { now: web.notAfter }, 'identity-expired'],
    ['the identity is below its floor', { floors: revoked }, 'below-floor'],
    ['a version was rejected that says so', { deniesNew: true }, 'policy-stale'],
    ['the system clock is before the identity', { systemNow: now - 60_001 }, 'clock-skew'],
  ]
  for (const [when, change, expected] of cases) {
    it(`is ${String(expected)} when ${when}`, () => {
      expect(refusalOfNew({ ...good, ...change })).to.equal(expected)
    })
  }
})

describe('refusalOfAny()', () => {
  it('leaves expiry to the tunnel, which has a grace', () => {
    expect(refusalOfAny({ ...good, now: web.notAfter + 1 })).to.equal(undefined)
    expect(refusalOfAny({ ...good, floors: revoked })).to.equal('below-floor')
  })

  it('lets open connections be when new ones are denied for a version that was rejected', () => {
    expect(refusalOfAny({ ...good, deniesNew: true })).to.equal(undefined)
  })
})

describe('judge()', () => {
  it('asks for this workload as source on the way out, and as target on the way in', () => {
    expect(judge(good, 'egress', db.profile, 5432)).to.include({ verdict: 'allow', policy: 'out' })
    expect(judge(good, 'ingress', db.profile, 5432)).to.include({ verdict: 'deny' })
    expect(judge(good, 'ingress', db.profile, 80)).to.include({ verdict: 'allow', policy: 'in' })
    expect(judge(good, 'egress', db.profile, 80)).to.include({ reason: 'no-policy-matched' })
  })

  it('denies without policy or identity', () => {
    for (const change of [{ policy: undefined }, { own: undefined }]) {
      expect(judge({ ...good, ...change }, 'egress', db.profile, 5432).verdict).to.equal('deny')
    }
  })
})

describe('judge() under guardrails', () => {
  const guarded = compilePolicies(
    parseDocuments(`
kind: NetworkPolicy
name: out
spec: { from: { label.app: web }, to: { label.app: db }, ports: [tcp/5432, tcp/80], action: allow }
---
kind: Guardrail
name: fresh
spec: { ports: [tcp/5432], maxStale: 30s }
---
kind: Guardrail
name: look
spec: { action: alert }
`),
  )
  const at = (contactAgeMs: number, port: number): Judgement =>
    judge({ ...good, policy: guarded, contactAgeMs }, 'egress', db.profile, port)

  it('allows until the controller has not been heard for maxStale, and asks again then', () => {
    expect(at(29_999, 5432)).to.deep.include({ verdict: 'allow', deadline: now + 1 })
    expect(at(30_000, 5432)).to.include({ verdict: 'deny', reason: 'policy-stale' })
  })

  it('lets what the guardrail does not concern go on without the controller', () => {
    expect(at(1e9, 80)).to.deep.include({ verdict: 'allow', deadline: undefined })
  })

  it('tells the alerts of what it allows and of what it denies', () => {
    for (const age of [0, 1e9]) expect(at(age, 5432).alerts).to.deep.equal(['look'])
    expect(at(0, 22)).to.deep.include({ reason: 'no-policy-matched', alerts: ['look'] })
  })
})

describe('a port with http rules', () => {
  const rules = compilePolicies(
    parseDocuments(`
kind: NetworkPolicy
name: read
spec:
  from: { label.app: db }
  to: { label.app: web }
  ports: [tcp/80]
  http: [{ methods: [GET] }]
  action: allow
`),
  )
  const standing = { ...good, policy: rules }
  const request = (method: string): HttpRequest => ({
    method,
    host: 'web',
    path: [''],
    headers: new Map(),
  })
  const word = judge(standing, 'ingress', db.profile, 80)

  it('opens a connection, and then decides each request', () => {
    expect(word.verdict).to.equal('allow')
    const asked = (method: string): string =>
      judge(standing, 'ingress', db.profile, 80, request(method)).reason
    expect(asked('GET')).to.equal('allowed-by-policy')
    expect(asked('POST')).to.equal('no-policy-matched')
  })

  it('allows no connection that is not read, and changes no other word', () => {
    expect(readsRequests(standing, 80)).to.equal(true)
    expect(judgeUnread(standing, 80, word).reason).to.equal('http-required')
    expect(judgeUnread(standing, 81, word)).to.equal(word)
    expect(judgeUnread(standing, 80, deny('guardrail')).reason).to.equal('guardrail')
    expect(judgeUnread(good, 80, word)).to.equal(word)
  })

  it('is not one without an identity or a policy', () => {
    expect(readsRequests({ ...standing, own: undefined }, 80)).to.equal(false)
    expect(readsRequests({ ...standing, policy: undefined }, 80)).to.equal(false)
  })
})

describe('both()', () => {
  const until = (deadline: number | undefined): Judgement => ({
    ...deny('allowed-by-policy'),
    verdict: 'allow',
    deadline,
  })

  it('denies if one of them does, and else holds until the earlier deadline', () => {
    expect(both(deny('guardrail'), until(1)).reason).to.equal('guardrail')
    expect(both(until(1), deny('guardrail')).reason).to.equal('guardrail')
    expect(both(until(2), until(1)).deadline).to.equal(1)
    expect(both(until(undefined), until(3)).deadline).to.equal(3)
    expect(both(until(3), until(undefined)).deadline).to.equal(3)
  })
})

describe('createLiveConnections()', () => {
  const connection = (port: number, cuts: string[]): LiveConnection => ({
    direction: 'egress',
    judge: (standing) => judge(standing, 'egress', db.profile, port),
    deadline: undefined,
    retire: () => undefined,
    cut: (reason) => cuts.push(`${String(port)} ${reason}`),
    confirm: () => cuts.push(`${String(port)} stays`),
    report: () => undefined,
  })

  it('cuts what does not hold any more and confirms the rest', () => {
    const cuts: string[] = []
    const live = createLiveConnections(() => good)
    live.add(connection(5432, cuts))
    live.add(connection(80, cuts))
    expect(live.count('egress')).to.equal(2)
    live.redecide()
    expect(cuts).to.deep.equal(['5432 stays', '80 no-policy-matched'])
  })

  it('has each report while it is open, and not afterwards', async () => {
    const live = createLiveConnections(() => good, 1)
    let reports = 0
    const one = { ...connection(5432, []), report: () => reports++ }
    live.add(one)
    await eventually('reports', () => reports > 1)
    live.remove(one)
    const before = reports
    await delay(5)
    expect(reports).to.equal(before)
  })

  it('cuts everything when this workload itself is revoked', () => {
    const cuts: string[] = []
    const live = createLiveConnections(() => ({ ...good, floors: revoked }))
    live.add(connection(5432, cuts))
    live.redecide()
    expect(cuts).to.deep.equal(['5432 below-floor'])
  })
})

describe('createControllerContact()', () => {
  it('begins at what an earlier run has stored, and afterwards with what was heard', () => {
    const times = { now: 100_000, monotonic: 0 }
    const contact = createControllerContact(
      { now: () => times.now, monotonic: () => times.monotonic },
      70_000,
    )
    expect(contact.ageMs()).to.equal(30_000)
    contact.heard()
    expect(contact.ageMs()).to.equal(0)
  })

  it('goes by whichever clock says longer', () => {
    const times = { now: 100_000, monotonic: 0 }
    const contact = createControllerContact(
      { now: () => times.now, monotonic: () => times.monotonic },
      0,
    )
    contact.heard()
    times.monotonic = 5_000
    times.now = 50_000
    expect(contact.ageMs()).to.equal(5_000)
    times.now = 160_000
    expect(contact.ageMs()).to.equal(60_000)
  })
})

describe('createAlerts()', () => {
  it('counts every connection and logs a guardrail once a minute', () => {
    let time = 0
    const counted: string[] = []
    const log = recordingLogger()
    const metrics = { alert: (name: string) => counted.push(name) }
    const alerts = createAlerts({ clock: { monotonic: () => time }, metrics, log })
    const about = { direction: 'egress', peer: 'spiffe://acme.example/workload/db' } as const
    for (const names of [['a'], ['a', 'b'], ['a']]) alerts.raise(about, names)
    expect(counted).to.deep.equal(['a', 'a', 'b', 'a'])
    const logged = (): unknown[] =>
      log.of('guardrail alert').map(({ guardrail, connections }) => [guardrail, connections])
    expect(logged()).to.deep.equal([
      ['a', 1],
      ['b', 1],
    ])
    time = 60_000
    alerts.raise(about, ['a'])
    expect(logged().at(-1)).to.deep.equal(['a', 3])
  })

  it('does not raise again what was raised for the connection before', () => {
    const counted: string[] = []
    const metrics = { alert: (name: string) => counted.push(name) }
    const clock = { monotonic: () => 0 }
    const alerts = createAlerts({ clock, metrics, log: recordingLogger() })
    alerts.raise({ direction: 'ingress', peer: '' }, ['a', 'b'], ['a'])
    expect(counted).to.deep.equal(['b'])
  })
})

describe('mergeFloors()', () => {
  it('never lowers a floor that is still of use', () => {
    const lower = createFloors(2, [{ ...floor, lowestGoodGeneration: 2 }])
    expect(mergeFloors(revoked, lower, now).lowestGood(workloadId)).to.equal(3)
    expect(mergeFloors(lower, revoked, now).lowestGood(workloadId)).to.equal(3)
    expect(mergeFloors(revoked, createFloors(2, []), now).lowestGood(workloadId)).to.equal(3)
  })

  it('drops a floor that no certificate can be below', () => {
    const merged = mergeFloors(revoked, createFloors(2, []), now + 1_000)
    expect(merged.lowestGood(workloadId)).to.equal(1)
    expect(merged.version).to.equal(2)
  })
})

describe('renewalTime()', () => {
  it('is half-life, give or take a tenth', () => {
    const life = { obtainedMs: 1_000, notAfter: 2_000 }
    expect(renewalTime(life, () => 0)).to.equal(1_450)
    expect(renewalTime(life, () => 1)).to.equal(1_550)
    expect(renewalTime(undefined)).to.equal(0)
  })
})
