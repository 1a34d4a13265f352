import { expect } from 'chai'
import type { DatagramTable, SeenDatagrams } from '../../../src/base/datagram-table.ts'
import { createFloors, noFloors, type Attribute } from '../../../src/identity/index.ts'
import { compilePolicies, parseDocuments } from '../../../src/policy/index.ts'
import { createChange } from '../../../src/sidecar/change.ts'
import {
  allowedDatagrams,
  rememberAllowedDatagrams,
} from '../../../src/sidecar/datagrams/allowed-datagrams.ts'
import { createDatagramFlows } from '../../../src/sidecar/datagrams/datagram-flows.ts'
import { keepDatagrams } from '../../../src/sidecar/datagrams/datagram-keeper.ts'
import type { FlowCount } from '../../../src/sidecar/flow-recorder.ts'
import type { Standing } from '../../../src/sidecar/judgement.ts'
import { createOutsideWorld } from '../../../src/sidecar/outside-world.ts'
import type { OwnIdentity } from '../../../src/sidecar/own-identity.ts'
import { recordingLogger } from '../../support/mesh-fixture.ts'
import { eventually } from '../../support/poll.ts'
import { createTestCa } from '../../support/test-ca.ts'

const label: Attribute[] = [{ key: 'label.app', value: 'web', provenance: 'assigned' }]
const ca = createTestCa()
const { now } = ca
const web = ca.workload({ name: 'web', attributes: label, generation: 2 })
const own: OwnIdentity = {
  ...web,
  workload: web.facts,
  serial: '00',
  notBefore: now - 60_000,
  obtainedMs: now,
}

const service = (name: string, spec: string): string =>
  `{ kind: ExternalService, name: ${name}, spec: { ${spec} } }\n---\n`
const policy = (name: string, rest: string): string =>
  `{ kind: NetworkPolicy, name: ${name}, spec: { from: { label.app: web }, ${rest} } }\n---\n`
const allow = (to: string, ports: string, more = ''): string =>
  policy(
    `allow-${to}`,
    `to: { external: { name: ${to} } }, ports: [${ports}], action: allow, encryption: optional${more}`,
  )
const deny = (to: string): string =>
  policy(`deny-${to}`, `to: { external: { name: ${to} } }, action: deny`)

function standingWith(
  text: string,
  change: Partial<Standing> = {},
  mesh: Uint8Array[] = [],
): Standing {
  const documents = parseDocuments(text)
  return {
    own,
    policy: compilePolicies(documents),
    outside: createOutsideWorld(documents, mesh),
    floors: noFloors,
    now,
    systemNow: now,
    deniesNew: false,
    contactAgeMs: 0,
    ...change,
  }
}

const shown = (table: DatagramTable): string[] =>
  table.map(({ port, first, last }) => `${String(port)} ${first}-${last}`)
const placesOf = (...given: Parameters<typeof standingWith>): string[] =>
  shown(allowedDatagrams(standingWith(...given)).table)

const office = service('office', "cidrs: [203.0.113.0/29, '2001:db8::/127']")
const printer = service('printer', 'cidrs: [203.0.113.4/32]')

describe('allowedDatagrams()', () => {
  it('are the networks of the services that an allow names, by port', () => {
    expect(placesOf(office + allow('office', 'udp/53, icmp, tcp/443'))).to.deep.equal([
      '53 203.0.113.0-203.0.113.7',
      '53 2001:db8::-2001:db8::1',
      '0 203.0.113.0-203.0.113.7',
      '0 2001:db8::-2001:db8::1',
    ])
  })

  it('are none where only TCP is allowed, or all ports', () => {
    expect(placesOf(office + allow('office', 'tcp/443'))).to.deep.equal([])
    const all = allow('office', 'tcp/1').replace('ports: [tcp/1], ', '')
    expect(placesOf(office + all)).to.deep.equal([])
  })

  it('leave out what is denied within a wider network, whichever is narrower', () => {
    const wide = office + printer + allow('office', 'udp/53')
    expect(placesOf(wide + deny('printer')).slice(0, 2)).to.deep.equal([
      '53 203.0.113.0-203.0.113.3',
      '53 203.0.113.5-203.0.113.7',
    ])
    expect(placesOf(office + printer + allow('printer', 'udp/53') + deny('office'))).to.deep.equal(
      [],
    )
    expect(placesOf(wide)).to.have.length(2)
  })

  it('leave out workloads of the mesh, and what is never outside', () => {
    const mesh = [Uint8Array.from([203, 0, 113, 0])]
    expect(placesOf(office + allow('office', 'udp/53'), {}, mesh)[0]).to.equal(
      '53 203.0.113.1-203.0.113.7',
    )
    const world = service('world', "cidrs: [0.0.0.0/0, '::/0']") + allow('world', 'udp/53')
    const places = placesOf(world)
    for (const never of ['127.', '169.254.', '224.', '::1-', 'fe80', 'ff']) {
      expect(places.filter((place) => place.startsWith(`53 ${never}`))).to.deep.equal([])
    }
    expect(places).to.include('53 128.0.0.0-169.253.255.255')
    expect(places.join()).to.contain('fd00:ec2::253,').and.contain('53 fd00:ec2::255-')
  })

  it('keep to the ports that a service has', () => {
    const named = service('office', 'cidrs: [203.0.113.4/32], ports: [tcp/53, udp/54]')
    expect(placesOf(named + allow('office', 'udp/53, udp/54'))).to.deep.equal([
      '54 203.0.113.4-203.0.113.4',
    ])
  })

  const text = office + allow('office', 'udp/53')
  const refusals: Readonly<Record<string, Partial<Standing>>> = {
    'before there is a policy': { policy: undefined },
    'without an identity': { own: undefined },
    'with one that has expired': { now: own.notAfter },
    'below a floor': {
      floors: createFloors(1, [
        { workloadId: own.workload.workloadId, lowestGoodGeneration: 3, untilMs: now + 1_000 },
      ]),
    },
    'where nothing new may begin': { deniesNew: true },
  }
  for (const [when, change] of Object.entries(refusals)) {
    it(`are none ${when}`, () => {
      expect(placesOf(text)).to.have.length(2)
      expect(placesOf(text, change)).to.deep.equal([])
    })
  }

  it('are to be asked for again when a verdict or a service ends', () => {
    const ends = new Date(now + 5_000).toISOString()
    const until = (given: string): number | undefined =>
      allowedDatagrams(standingWith(given)).deadline
    expect(until(text)).to.equal(own.notAfter)
    expect(until(office + allow('office', 'udp/53', `, expires: ${ends}`))).to.equal(now + 5_000)
    const short = service('office', `cidrs: [203.0.113.4/32], expires: ${ends}`)
    expect(until(short + allow('office', 'udp/53'))).to.equal(now + 5_000)
    expect(placesOf(short + allow('office', 'udp/53'), { now: now + 5_000 })).to.deep.equal([])
  })

  it('are none where there are more than a table holds', () => {
    const cidrs = Array.from(
      { length: 1_000 },
      (_, at) => `10.${String(at >> 7)}.${String((at & 127) * 2)}.0/24`,
    )
    const many = service('many', `cidrs: [${cidrs.join(', ')}]`)
    const more = allowedDatagrams(
      standingWith(many + allow('many', 'udp/1, udp/2, udp/3, udp/4, udp/5')),
    )
    expect(more).to.deep.include({ isTooMuch: true, table: [] })
  })
})

describe('rememberAllowedDatagrams()', () => {
  const ends = new Date(now + 5_000).toISOString()
  const standing = standingWith(office + allow('office', 'udp/53', `, expires: ${ends}`))
  const places = (change: Partial<Standing>): number => {
    const allowed = rememberAllowedDatagrams()
    expect(allowed(standing)).to.equal(allowed({ ...standing, now: now + 1 }))
    return allowed({ ...standing, ...change }).table.length
  }

  it('forgets when anything that it rests on changes, and at the deadline', () => {
    expect(places({ now: now + 4_999 })).to.equal(2)
    expect(places({ now: now + 5_000 })).to.equal(0)
    expect(places({ deniesNew: true })).to.equal(0)
    expect(places({ own: undefined })).to.equal(0)
    expect(places({ policy: undefined })).to.equal(0)
    expect(places({ systemNow: own.notBefore - 1 })).to.equal(0)
    expect(places({ outside: createOutsideWorld([], []) })).to.equal(0)
  })
})

describe('createDatagramFlows()', () => {
  const standing = standingWith(office + allow('office', 'udp/53'))
  const sent = (packets: number, bytes: number): SeenDatagrams => ({
    ...{ direction: 'sent', address: '203.0.113.1', port: 53 },
    ...{ packets, bytes },
  })

  it('counts what is new, without headers, and nothing of an earlier sidecar', () => {
    const flows = createDatagramFlows()
    expect(flows.since([sent(7, 700)], standing)).to.deep.equal([])
    const [count] = flows.since([sent(9, 766)], standing)
    expect(count).to.deep.equal({
      ...{ direction: 'egress', peerSpiffeId: 'external:office', peerWorkloadId: '' },
      destination: { host: '203.0.113.1', port: 65_536 + 53 },
      ...{ verdict: 'allow', reason: 'allowed-by-policy', policy: 'allow-office' },
      ...{ encryption: 'optional', bucketStartMs: now - (now % 10_000), flowIds: [] },
      ...{ opened: 2, closed: 2, bytesSent: 10, bytesReceived: 0 },
    })
    expect(flows.since([sent(9, 766)], standing)).to.deep.equal([])
  })

  it('begins again where the kernel has, and keeps the name of a policy that has gone', () => {
    const flows = createDatagramFlows()
    flows.since([], standing)
    flows.since([sent(9, 900)], standing)
    const gone = standingWith(office)
    const [count] = flows.since([sent(1, 38)], gone)
    expect(count).to.include({ opened: 1, bytesSent: 10, policy: 'allow-office' })
  })
})

describe('keepDatagrams()', () => {
  const allowed = standingWith(office + allow('office', 'udp/53'))
  const nothing = standingWith(office)

  it('tells the gate of each change, lets go where nothing is allowed, and says what is so', async () => {
    const log = recordingLogger()
    const { records } = log
    const mesh = { changed: createChange() }
    const told: number[] = []
    const counts: FlowCount[] = []
    let closed = 0
    let hasGate = false
    let standing = nothing
    const stop = new AbortController()
    const kept = keepDatagrams(
      {
        ground: { standing: () => standing, mesh, identity: { changed: createChange() } } as never,
        recorder: { add: (more) => counts.push(...more) },
        log,
        openLink: async () => {
          if (!hasGate) throw new Error('connect ENOENT')
          return await Promise.resolve({
            exchange: async (table) => {
              told.push(table.length)
              return await Promise.resolve([])
            },
            [Symbol.dispose]: () => closed++,
          })
        },
      },
      stop.signal,
    )
    const set = (next: Standing): void => {
      standing = next
      mesh.changed.announce()
    }
    hasGate = true
    set(allowed)
    await eventually('a table', () => told.length === 1)
    set(nothing)
    await eventually('an empty table', () => closed === 1)
    hasGate = false
    set(allowed)
    await eventually('a warning', () => records.length >= 4)
    stop.abort()
    await kept
    expect(told).to.deep.equal([2, 0])
    expect(JSON.stringify(records.at(-1))).to.contain('intercept --datagrams is not there')
  })
})
