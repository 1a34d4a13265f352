import { expect } from 'chai'
import { addressList, cidrList, noAddresses } from '../../../src/intercept/address-list.ts'
import { InterceptError } from '../../../src/intercept/intercept-error.ts'
import { checkOptions, defaultOptions, portList } from '../../../src/intercept/options.ts'

const options = { ...defaultOptions, resolvers: noAddresses }

describe('portList()', () => {
  it('reads ports', () => {
    expect(portList('22, 9100')).to.deep.equal([22, 9100])
  })
  for (const text of ['', '0', '65536', '22,22', '22-80', '1e3', ' ']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => portList(text)).to.throw()
    })
  }
  it('refuses more than can be meant', () => {
    const text = Array.from({ length: 257 }, (_, index) => String(index + 1)).join(',')
    expect(() => portList(text)).to.throw('at most 256')
  })
})

describe('cidrList()', () => {
  it('reads ranges and addresses of both families, in canonical spelling', () => {
    expect(cidrList('10.0.0.0/8, 192.0.2.7,FD00:0:0::/48')).to.deep.equal({
      v4: ['10.0.0.0/8', '192.0.2.7'],
      v6: ['fd00::/48'],
    })
  })
  const refused = {
    '10.0.0.1/8': 'expected 10.0.0.0/8',
    '0.0.0.0/0': 'all of it',
    '::/0': 'all of it',
    '10.0.0.0/33': 'range',
    '10.0.0.0/': 'range',
    '10.0.0.0/8/8': 'range',
    '10.1': 'IP address',
    '010.0.0.0/8': 'range',
    'fe80::1%eth0': 'IP address',
    'example.net': 'IP address',
    '1.2.3.4; flush ruleset': 'IP address',
    '1.2.3.4 }\nflush ruleset': 'IP address',
  }
  for (const [text, message] of Object.entries(refused)) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => cidrList(text)).to.throw(message)
    })
  }
})

describe('checkOptions()', () => {
  it('accepts the defaults, and a workload with another uid', () => {
    checkOptions(options)
    checkOptions({ ...options, workloadUid: 0 })
  })

  const refused = {
    'a workload that would pass for the sidecar': { workloadUid: 1337 },
    'one port for both directions': { egressPort: 15_006 },
    'one port for connections and for names': { dnsPort: 15_001 },
    'the excluded port of names': { dnsPort: 15_053, excludePorts: [15_053] },
    'an excluded port of the sidecar': { excludePorts: [22, 15_006] },
    'a metadata service as resolver': { resolvers: addressList('10.0.0.2,fd00:ec2::254') },
  }
  for (const [name, wrong] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      expect(() => checkOptions({ ...options, ...wrong }))
        .to.throw(InterceptError)
        .with.property('code', 'ERR_OPTIONS')
    })
  }
})
