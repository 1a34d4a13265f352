import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createFloors, noFloors } from '../../src/identity/index.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { parseDocuments } from '../../src/policy/parse.ts'
import type { Reason } from '../../src/policy/reason.ts'
import { createAlerts } from '../../src/sidecar/alerts.ts'
import { openListeners, type OpenedListeners } from '../../src/sidecar/capture.ts'
import { createConnectionLog } from '../../src/sidecar/connection-log.ts'
import { createFlowId } from '../../src/sidecar/flow-id.ts'
import { createFlowRecorder } from '../../src/sidecar/flow-recorder.ts'
import type { Standing } from '../../src/sidecar/judgement.ts'
import { createLiveConnections } from '../../src/sidecar/live-connections.ts'
import { createMetrics } from '../../src/sidecar/metrics.ts'
import { chooseOutside } from '../../src/sidecar/outside-choice.ts'
import { carryOutside } from '../../src/sidecar/outside-connection.ts'
import { createOutsideWorld } from '../../src/sidecar/outside-world.ts'
import { createRelaying } from '../../src/sidecar/relayed/relaying.ts'
import { createTestCa } from '../support/test-ca.ts'

const documents = parseDocuments(`
kind: ExternalService
name: balancer
spec: { cidrs: [10.9.0.0/16], ports: [tcp/80], attributes: { label.tier: balancer }, l7: true }
---
kind: NetworkPolicy
name: out
spec:
  from: { label.app: web }
  to: { external: { name: balancer } }
  ports: [tcp/80]
  action: allow
  encryption: optional
`)
const ca = createTestCa()
const { now } = ca
const web = ca.workload({
  name: 'web',
  attributes: [{ key: 'label.app', value: 'web', provenance: 'assigned' }],
  generation: 2,
})
const { workloadId } = web.facts
const good: Standing = {
  own: { ...web, workload: web.facts, serial: '00', notBefore: now - 60_000, obtainedMs: now },
  policy: compilePolicies(documents),
  outside: createOutsideWorld(documents, []),
  floors: noFloors,
  now,
  systemNow: now,
  deniesNew: false,
  contactAgeMs: 0,
}
const revoked = createFloors(1, [{ workloadId, lowestGoodGeneration: 3, untilMs: now + 1_000 }])
const question = { direction: 'egress', address: '10.9.0.1', port: 80 } as const

describe('a connection with the outside whose requests are read', () => {
  let listeners: OpenedListeners
  let program: Socket
  let accepted: Socket
  beforeEach(async () => {
    const { promise, resolve } = Promise.withResolvers<Socket>()
    const wanted = [{ listen: { host: '127.0.0.1', port: 0 }, onSocket: resolve }]
    listeners = await openListeners(wanted, { pause: true })
    program = connect({ ...listeners.addresses[0], port: listeners.addresses[0]?.port ?? 0 })
    program.on('error', () => undefined)
    accepted = await promise
  })
  afterEach(async () => {
    program.destroy()
    accepted.destroy()
    await listeners.stop()
  })

  /** It was allowed by `good`; `standing` is of the moment at which it would begin. */
  const carry = async (standing: Standing) => {
    const choice = chooseOutside(good, question)
    if (choice.kind !== 'outside') throw new Error('BUG: the test asks for what is not allowed')
    const metrics = createMetrics()
    const parts = { clock: systemClock, metrics, log: silentLogger }
    const live = createLiveConnections(() => standing)
    const recorder = createFlowRecorder(parts)
    const refusals: Reason[] = []
    await carryOutside({
      ...{ question, choice, socket: accepted, standing: () => standing },
      followers: {
        ...{ live, metrics, alerts: createAlerts(parts) },
        connectionLog: createConnectionLog({ ...parts, recorder }),
      },
      relaying: createRelaying({
        ...{ ...parts, bundle: () => undefined, standing: () => standing },
        issue: () => Promise.reject(new Error('BUG: nobody asks for a token here')),
      }),
      target: { host: question.address, port: question.port },
      destination: { host: question.address, port: question.port },
      ...{ timeoutMs: 1_000, flowId: createFlowId(), startedAt: 0 },
      refuse: (reason) => refusals.push(reason),
    })
    return { refusals, open: live.count('egress') }
  }

  it('begins where it may', async () => {
    expect(await carry(good)).to.deep.equal({ refusals: [], open: 1 })
  })

  it('does not begin where the workload was revoked while its first bytes were awaited', async () => {
    const found = await carry({ ...good, floors: revoked })
    expect(found).to.deep.equal({ refusals: ['below-floor'], open: 0 })
  })

  it('does not begin once it is gone, and is not among the open ones for ever', async () => {
    accepted.destroy()
    await once(accepted, 'close')
    expect(await carry(good)).to.deep.equal({ refusals: ['connection-reset'], open: 0 })
  })
})
