import { expect } from 'chai'
import { createFloors, noFloors, type Attribute } from '../../../src/identity/index.ts'
import { compilePolicies } from '../../../src/policy/compile.ts'
import { parseDocuments } from '../../../src/policy/parse.ts'
import { judge, refusalOfAny, refusalOfNew, type Standing } from '../../../src/sidecar/judgement.ts'
import {
  createLiveConnections,
  type LiveConnection,
} from '../../../src/sidecar/live-connections.ts'
import { mergeFloors } from '../../../src/sidecar/mesh-state.ts'
import { renewalTime } from '../../../src/sidecar/identity-keeper.ts'
import type { OwnIdentity } from '../../../src/sidecar/own-identity.ts'
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
const good: Standing = { own, policy, floors: noFloors, now, systemNow: now }
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

describe('createLiveConnections()', () => {
  const connection = (port: number, cuts: string[]): LiveConnection => ({
    direction: 'egress',
    peerProfile: () => db.profile,
    port,
    deadline: undefined,
    cut: (reason) => cuts.push(`${String(port)} ${reason}`),
    confirm: () => cuts.push(`${String(port)} stays`),
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

  it('cuts everything when this workload itself is revoked', () => {
    const cuts: string[] = []
    const live = createLiveConnections(() => ({ ...good, floors: revoked }))
    live.add(connection(5432, cuts))
    live.redecide()
    expect(cuts).to.deep.equal(['5432 below-floor'])
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
