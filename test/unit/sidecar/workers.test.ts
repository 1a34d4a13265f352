import { expect } from 'chai'
import { systemClock } from '../../../src/base/clock.ts'
import {
  createFloors,
  toWireBundle,
  toWireFloors,
  type Attribute,
} from '../../../src/identity/index.ts'
import { floorsCodec, snapshotCodec } from '../../../src/rpc/index.ts'
import { createChange } from '../../../src/sidecar/change.ts'
import { readSidecarConfig } from '../../../src/sidecar/config.ts'
import { createControllerContact } from '../../../src/sidecar/controller-contact.ts'
import { judge, refusalOfNew } from '../../../src/sidecar/judgement.ts'
import { createMeshState } from '../../../src/sidecar/mesh-state.ts'
import { checkOwnIdentity, type OwnIdentity } from '../../../src/sidecar/own-identity.ts'
import { createTrustedClock } from '../../../src/sidecar/trusted-clock.ts'
import {
  createFollowedGround,
  type FollowedGround,
} from '../../../src/sidecar/workers/followed-ground.ts'
import { workerConfig } from '../../../src/sidecar/workers/messages.ts'
import { createNewsSource, type News } from '../../../src/sidecar/workers/news.ts'
import { encodeDocuments } from '../../support/fake-controller.ts'
import { recordingLogger } from '../../support/mesh-fixture.ts'
import { createTestCa } from '../../support/test-ca.ts'

const ca = createTestCa()
const webId = '11'.repeat(16)
const label = (value: string): Attribute[] => [{ key: 'label.app', value, provenance: 'assigned' }]
const db = ca.workload({ name: 'db', attributes: label('db') })
const allow = `
kind: NetworkPolicy
name: to-db
spec: { from: { label.app: web }, to: { label.app: db }, action: allow }
`

/** A control plane, and what a worker knows that is told of it. */
class Told {
  readonly clock = createTrustedClock(systemClock)
  readonly contact = createControllerContact(this.clock, this.clock.now() - 60_000)
  readonly mesh = createMeshState({ trustDomain: ca.trustDomain, clock: this.clock })
  readonly identity: { current: OwnIdentity | undefined; readonly changed: unknown } = {
    current: undefined,
    changed: createChange(),
  }
  readonly log = recordingLogger()
  #news = this.source()
  ground: FollowedGround = this.another(this.#news)

  source(): () => News {
    return createNewsSource(this as unknown as Parameters<typeof createNewsSource>[0])
  }

  /** What one knows that starts now. */
  another(news = this.source()): FollowedGround {
    const { trustDomain } = ca
    return createFollowedGround({ trustDomain, first: news(), log: this.log })
  }

  tell(): News {
    const news = this.#news()
    this.ground.take(news)
    return news
  }

  apply(version: number, text: string): void {
    const documents = encodeDocuments(text)
    const wire = { version, documents, bundle: toWireBundle(ca.bundle()), meshAddresses: [] }
    this.mesh.applySnapshot(snapshotCodec.decode(snapshotCodec.encode(wire)))
  }

  enrol(generation: number): void {
    const leaf = ca.workload({
      ...{ name: 'web', workloadId: webId },
      attributes: label('web'),
      generation,
    })
    const { chain, privateKey, profile } = leaf
    const { floors } = this.mesh
    const bundle = ca.bundle()
    const given = { chain, privateKey, profile: profile.encoded, bundle, floors }
    const now = ca.now
    this.identity.current = checkOwnIdentity({ ...given, obtainedMs: now, now })
  }
}

describe('what a worker is told', () => {
  it('is nothing to decide by before the controller has spoken', () => {
    const { ground } = new Told()
    expect(refusalOfNew(ground.standing())).to.equal('no-policy-yet')
  })

  it('makes it decide as who told it', () => {
    const told = new Told()
    told.apply(7, allow)
    told.enrol(1)
    told.tell()
    const standing = told.ground.standing()
    expect(standing.own?.serial).to.equal(told.identity.current?.serial)
    expect(judge(standing, 'egress', db.profile, 5432)).to.include({
      verdict: 'allow',
      policy: 'to-db',
    })
    told.apply(8, allow.replace('to-db', 'elsewhere').replace('app: db', 'app: nobody'))
    told.tell()
    expect(judge(told.ground.standing(), 'egress', db.profile, 5432).verdict).to.equal('deny')
  })

  it('is each thing once, and the times always', () => {
    const told = new Told()
    told.apply(1, allow)
    told.enrol(1)
    expect(told.tell()).to.include.keys('snapshot', 'bundle', 'identity')
    const again = told.tell()
    expect(again).not.to.have.any.keys('snapshot', 'bundle', 'floors', 'identity')
    expect(again).to.include.keys('controllerOffsetMs', 'heardMs', 'heardAtMs')
  })

  it('is everything, where it starts late', () => {
    const told = new Told()
    told.apply(1, allow)
    told.enrol(1)
    told.tell()
    const late = told.another().standing()
    expect(judge(late, 'egress', db.profile, 5432).verdict).to.equal('allow')
    expect(late.own?.serial).to.equal(told.identity.current?.serial)
  })

  it('has it refuse what is below a floor, its own SVID first', () => {
    const told = new Told()
    told.apply(1, allow)
    told.enrol(1)
    told.tell()
    const floor = { workloadId: webId, lowestGoodGeneration: 2, untilMs: ca.now + 3_600_000 }
    const wire = toWireFloors(createFloors(1, [floor]))
    told.mesh.applyFloors(floorsCodec.decode(floorsCodec.encode(wire)))
    told.tell()
    expect(refusalOfNew(told.ground.standing())).to.equal('below-floor')
    // One that starts now is not even given it.
    expect(told.another().identity.current).to.equal(undefined)
    expect(told.log.of('SVID not usable in this worker')).to.have.lengthOf(1)
  })

  it('has it deny new connections where a version was rejected under `deny-new`', () => {
    const told = new Told()
    const denyNew = allow.replace('action: allow', 'action: allow, onReject: deny-new')
    told.apply(2, denyNew)
    told.enrol(1)
    let announced = 0
    told.mesh.changed.subscribe(() => announced++)
    expect(() => told.apply(1, denyNew)).to.throw('version refused')
    expect(announced).to.equal(1)
    told.tell()
    expect(refusalOfNew(told.ground.standing())).to.equal('policy-stale')
  })

  it('has it count the time since the controller was heard as who told it', () => {
    const told = new Told()
    const ageMs = (): number => told.ground.standing().contactAgeMs
    expect(ageMs()).to.be.within(60_000, 61_000)
    told.contact.heard()
    expect(ageMs()).to.be.within(60_000, 61_000)
    told.tell()
    expect(ageMs()).to.be.within(0, 1_000)
  })

  it('gives it the time of the controller, and takes back what was a mistake', () => {
    const told = new Told()
    const aheadMs = (): number => told.ground.clock.now() - Date.now()
    told.clock.observe(Date.now() + 3_600_000)
    told.tell()
    expect(aheadMs()).to.be.within(3_599_000, 3_600_001)
    expect(Math.abs(told.ground.clock.now() - told.clock.now())).to.be.at.most(2)
    const ofAnotherRun = new Told()
    ofAnotherRun.clock.observe(Date.now() + 1_000)
    told.ground.take(ofAnotherRun.tell())
    expect(aheadMs()).to.be.within(0, 1_001)
  })

  it('holds nothing of the configuration that is secret', () => {
    const config = readSidecarConfig({
      BLAZON_TRUST_DOMAIN: 'acme.example',
      BLAZON_CONTROLLER: '127.0.0.1:7443',
      BLAZON_CONTROLLER_FINGERPRINT: '00'.repeat(32),
      BLAZON_JOIN_TOKEN: 'a-join-token',
      BLAZON_WORKLOAD: 'web',
      BLAZON_WORKERS: '2',
    })
    expect(Object.keys(workerConfig(config)).sort()).to.deep.equal([
      ...['applicationTimeoutMs', 'capture', 'dialTimeoutMs', 'egress', 'ingress', 'logLevel'],
      ...['maxConnections', 'outageGraceMs', 'resolvers', 'trustDomain', 'tunnelIdleMs', 'workers'],
    ])
  })
})
