import { expect } from 'chai'
import { addressBytes } from '../../../src/base/network.ts'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import {
  compilePolicies,
  createExternalPeers,
  createExternalReaches,
  parseDocuments,
  type ExternalReach,
  type ExternalService,
} from '../../../src/policy/index.ts'

type Specs = Record<string, object>

function servicesOf(specs: Specs): ExternalService[] {
  const all = Object.entries(specs).map(([name, spec]) => ({ kind: 'ExternalService', name, spec }))
  return parseDocuments(JSON.stringify(all)).filter((each) => each.kind === 'ExternalService')
}

function bytes(address: string): Uint8Array {
  const read = addressBytes(address)
  if (read === undefined) throw new Error(`expected an address, got ${address}`)
  return read
}

describe('createExternalPeers()', () => {
  const peers = createExternalPeers(
    servicesOf({
      'aws-imds': { cidrs: ['169.254.169.254', 'fd00:ec2::254'] },
      internet: { cidrs: ['0.0.0.0/0', '::/0'] },
      office: { cidrs: ['198.51.100.0/24', '2001:db8::/32'], ports: ['tcp/443'] },
      printer: { cidrs: ['198.51.100.7'] },
      'private-six': { cidrs: ['fd00::/8'] },
      named: { dns: ['api.example.com'] },
    }),
  )
  const names = (address: string, port?: number): string[] =>
    peers.covering(bytes(address), port).map(({ service }) => service.name)

  const cases: readonly (readonly [address: string, port: number | undefined, names: string[]])[] =
    [
      ['198.51.100.7', 443, ['printer', 'office', 'internet']],
      ['198.51.100.7', 80, ['printer', 'internet']],
      ['198.51.100.8', undefined, ['office', 'internet']],
      ['198.51.101.7', 443, ['internet']],
      ['2001:db8:ffff::1', 443, ['office', 'internet']],
      ['2001:db9::1', 443, ['internet']],
      ['fd00::1', 443, ['private-six', 'internet']],
      ['127.0.0.1', 443, []],
      ['0.0.0.0', 443, []],
      ['::1', 443, []],
      ['::ffff:198.51.100.7', 443, []],
      ['169.254.1.1', 443, []],
      ['fe80::1', 443, []],
      ['224.0.0.1', 443, []],
      ['255.255.255.255', 443, []],
      ['169.254.169.254', 80, ['aws-imds']],
      ['fd00:ec2::254', 80, ['aws-imds']],
    ]
  for (const [address, port, expected] of cases) {
    it(`finds ${expected.join(', ') || 'nothing'} at ${address} port ${String(port)}`, () => {
      expect(names(address, port)).to.deep.equal(expected)
    })
  }
})

describe('createExternalReaches()', () => {
  const labelled = (app: string): TrustProfile =>
    createProfile([{ key: 'label.app', value: app, provenance: 'assigned' }]).profile
  const allow = (name: string, from: object, to: object, more: object = {}): object => ({
    kind: 'NetworkPolicy',
    name,
    spec: { from, to, action: 'allow', encryption: 'optional', ...more },
  })
  const external = (name: string): object => ({ external: { name } })
  const app = (name: string): object => ({ 'label.app': name })

  function reach(of: string, documents: object[], specs: Specs): ExternalReach {
    const policies = compilePolicies(parseDocuments(JSON.stringify(documents)))
    return createExternalReaches(policies, servicesOf(specs)).of(labelled(of))
  }
  const names = ({ services }: ExternalReach): string[] => services.map(({ name }) => name)

  const specs = {
    a: { cidrs: ['198.51.100.0/24'] },
    b: { cidrs: ['10.0.0.0/8'] },
    c: { cidrs: ['203.0.113.0/24'] },
  }

  it('holds the services that some allow names with the workload, at either end', () => {
    const documents = [
      allow('out', app('web'), external('a')),
      allow('in', external('b'), app('web'), { when: 'port == 80' }),
      allow('others', app('db'), external('c')),
    ]
    expect(names(reach('web', documents, specs))).to.deep.equal(['a', 'b'])
    expect(names(reach('db', documents, specs))).to.deep.equal(['c'])
    expect(names(reach('cache', documents, specs))).to.deep.equal([])
  })

  it('holds what is denied besides, so that a wider service does not stand for it', () => {
    const isDeny = { action: 'deny', encryption: 'required' }
    const documents = [
      allow('out', app('web'), external('a')),
      allow('not-b', app('web'), external('b'), isDeny),
      { kind: 'Guardrail', name: 'g', spec: { to: external('c'), action: 'deny' } },
    ]
    expect(names(reach('web', documents, specs))).to.deep.equal(['a', 'b', 'c'])
    expect(names(reach('db', documents, specs))).to.deep.equal([])
  })

  it('holds nothing for what denies, or only records', () => {
    const documents = [
      allow('deny', app('web'), external('a'), { action: 'deny', encryption: 'required' }),
      allow('observe', app('web'), external('b'), { mode: 'observe' }),
    ]
    expect(names(reach('web', documents, specs))).to.deep.equal([])
  })

  it('covers the addresses of its services and no others', () => {
    const found = reach('web', [allow('out', app('web'), external('b'))], specs)
    expect(found.covers(bytes('10.1.2.3'))).to.equal(true)
    expect(found.covers(bytes('198.51.100.1'))).to.equal(false)
  })

  it('covers whatever a name could stand for: public addresses, private ones where it says so', () => {
    const documents = [allow('out', app('web'), { external: {} })]
    const open = reach('web', documents, { n: { dns: ['a.example'] } })
    expect(open.covers(bytes('203.0.113.9'))).to.equal(true)
    expect(open.covers(bytes('10.1.2.3'))).to.equal(false)
    const closed = reach('web', documents, { n: { dns: ['a.example'], private: true } })
    expect(closed.covers(bytes('10.1.2.3'))).to.equal(true)
  })

  it('covers every address under an Observe that is open to the outside', () => {
    const observe = (isExternal: boolean): object => ({
      kind: 'Observe',
      name: 'o',
      spec: { scope: app('web'), expires: '2030-01-01T00:00:00Z', external: isExternal },
    })
    expect(reach('web', [observe(true)], {}).covers(bytes('10.1.2.3'))).to.equal(true)
    expect(reach('web', [observe(false)], {}).covers(bytes('10.1.2.3'))).to.equal(false)
    expect(reach('db', [observe(true)], {}).covers(bytes('10.1.2.3'))).to.equal(false)
  })
})
