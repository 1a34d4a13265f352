import { inspect } from 'node:util'
import { expect } from 'chai'
import { ConfigError } from '../../../src/base/env.ts'
import { readSidecarConfig } from '../../../src/sidecar/config.ts'

const whole = {
  BLAZON_TRUST_DOMAIN: 'acme.example',
  BLAZON_CONTROLLER: '10.0.0.1:7443,[2001:db8::1]:7443',
  BLAZON_BUNDLE: '/etc/blazon/roots.pem',
  BLAZON_JOIN_TOKEN: 'eyJ0b2tlbiI',
  BLAZON_WORKLOAD: 'web',
}

function problemsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    readSidecarConfig(environment)
  } catch (error: unknown) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  throw new Error('expected a ConfigError, got none')
}

describe('readSidecarConfig()', () => {
  it('reads a whole environment', () => {
    const config = readSidecarConfig({
      ...whole,
      BLAZON_EGRESS:
        '127.0.0.1:15432=10.0.0.2:5432, [::1]:16379=[2001:DB8::2]:6379,127.0.0.1:8443=API.example.com:443',
      BLAZON_RESOLVERS: '10.0.0.2, 2001:DB8::53,[2001:db8::54]:5353',
      BLAZON_INGRESS: '10.0.0.2:5432=127.0.0.1:5432',
      BLAZON_ATTRIBUTES: 'app.version=1.2,app.team=a=b',
      BLAZON_METRICS_LISTEN: 'off',
      BLAZON_OUTAGE_GRACE: '1h',
    })
    expect(config.controllers).to.have.lengthOf(2)
    expect(config.egress[1]?.destination).to.deep.equal({ host: '2001:db8::2', port: 6379 })
    expect(config.egress[2]?.destination).to.deep.equal({ host: 'api.example.com', port: 443 })
    expect(config.resolvers).to.deep.equal([
      { host: '10.0.0.2', port: 53 },
      { host: '2001:db8::53', port: 53 },
      { host: '2001:db8::54', port: 5353 },
    ])
    expect(config.ingress[0]?.application).to.deep.equal({ host: '127.0.0.1', port: 5432 })
    expect(config.attributes).to.deep.equal([
      { key: 'app.version', value: '1.2' },
      { key: 'app.team', value: 'a=b' },
    ])
    expect(config.metricsListen).to.equal(undefined)
    expect(config.outageGraceMs).to.equal(3_600_000)
  })

  it('has the documented defaults', () => {
    const config = readSidecarConfig(whole)
    expect(config.stateDirectory).to.equal('/var/lib/blazon')
    expect(config.metricsListen).to.deep.equal({ host: '127.0.0.1', port: 15_020 })
    expect(config.outageGraceMs).to.equal(15 * 60_000)
    expect(config.tunnelIdleMs).to.equal(5 * 60_000)
    expect(config.logLevel).to.equal('info')
  })

  it('names every problem at once', () => {
    const problems = problemsOf({ BLAZON_EGRESS: 'x', BLAZON_DRAIN: 'soon', BLAZON_COLOUR: 'red' })
    for (const name of [
      'TRUST_DOMAIN',
      'CONTROLLER',
      'BUNDLE',
      'WORKLOAD',
      'EGRESS',
      'DRAIN',
      'COLOUR',
    ]) {
      expect(problems.some((problem) => problem.startsWith(`BLAZON_${name}:`))).to.equal(true)
    }
  })

  it('looks no name up where nobody can be asked, or only who would ask this sidecar', () => {
    expect(
      problemsOf({ ...whole, BLAZON_EGRESS: '127.0.0.1:80=api.example.com:443' }),
    ).to.deep.equal(['BLAZON_RESOLVERS: required to look up "api.example.com", but not set'])
    expect(
      problemsOf({ ...whole, BLAZON_CAPTURE: 'redirect', BLAZON_RESOLVERS: '127.0.0.53' }),
    ).to.deep.equal([
      'BLAZON_RESOLVERS: expected no loopback address where everything is redirected',
    ])
  })

  it('asks the name servers of the machine where everything is redirected and it says no others', () => {
    const servers = ['10.0.0.2', 'fe80::1', 'fd00::53', '10.0.0.3', '10.0.0.4']
    const hosts = (environment: object): string[] =>
      readSidecarConfig({ ...whole, ...environment }, servers).resolvers.map(({ host }) => host)
    const BLAZON_CAPTURE = 'redirect'
    expect(hosts({ BLAZON_CAPTURE })).to.deep.equal(['10.0.0.2', 'fd00::53', '10.0.0.3'])
    expect(hosts({ BLAZON_CAPTURE, BLAZON_RESOLVERS: '10.0.0.9' })).to.deep.equal(['10.0.0.9'])
    expect(hosts({})).to.deep.equal([])
  })

  const refused: readonly (readonly [name: string, value: string, why: RegExp])[] = [
    ['BLAZON_EGRESS', '0.0.0.0:80=10.0.0.2:80', /loopback/],
    ['BLAZON_EGRESS', '10.0.0.1:80=10.0.0.2:80', /loopback/],
    ['BLAZON_EGRESS', '127.0.0.1:80=db:80', /IP address/],
    ['BLAZON_EGRESS', '127.0.0.1:80=api.example.com:0', /IP address/],
    ['BLAZON_EGRESS', '127.0.0.1:80=*.example.com:443', /IP address/],
    ['BLAZON_RESOLVERS', 'ns.example.com', /host:port/],
    ['BLAZON_RESOLVERS', 'ns.example.com:53', /IP address/],
    ['BLAZON_RESOLVERS', '10.0.0.2:0', /IP address/],
    ['BLAZON_RESOLVERS', '10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4', /at most 3/],
    ['BLAZON_EGRESS', '127.0.0.1:80=10.0.0.2:0', /destination/],
    ['BLAZON_EGRESS', '127.0.0.1:80=0.0.0.0:80', /destination/],
    ['BLAZON_EGRESS', '127.0.0.1:80=10.0.0.2:80=1', /address:port=address:port/],
    ['BLAZON_EGRESS', '127.0.0.1:80=10.0.0.2:80,127.0.0.1:80=10.0.0.3:80', /twice/],
    ['BLAZON_INGRESS', '[fe80::1%eth0]:80=127.0.0.1:80', /host:port/],
    ['BLAZON_INGRESS', '127.0.0.1:80=127.0.0.1:80', /both/],
    ['BLAZON_CONTROLLER', 'controller', /host:port/],
    ['BLAZON_CONTROLLER', '10.0.0.1:0', /port/],
    ['BLAZON_CONTROLLER_FINGERPRINT', 'aabb', /64 hexadecimal/],
    ['BLAZON_CONTROLLER_FINGERPRINT', 'ab'.repeat(32), /only one/],
    ['BLAZON_JOIN_TOKEN_FILE', '/run/token', /only one/],
    ['BLAZON_EVIDENCE', 'trust-me', /one of join-token, aws-iid, x509/],
    ['BLAZON_X509_KEY', '/etc/key.pem', /together/],
    ['BLAZON_IMDS_ENDPOINT', 'http://10.0.0.1', /loopback or link-local/],
    ['BLAZON_WORKLOAD', '../web', /name/],
    ['BLAZON_WORKLOAD', 'Web', /name/],
    ['BLAZON_ATTRIBUTES', 'label.app=web', /app\.\*/],
    ['BLAZON_ATTRIBUTES', 'aws.account=1', /app\.\*/],
    ['BLAZON_ATTRIBUTES', 'app.x', /app\.key=value/],
    ['BLAZON_TRUST_DOMAIN', 'ACME', /trust domain/],
    ['BLAZON_TUNNEL_IDLE', '999ms', /1s or more/],
    ['BLAZON_LOG_LEVEL', 'loud', /one of/],
    ['BLAZON_MAX_CONNECTIONS', '0', /whole number/],
    ['BLAZON_WORKERS', '0', /BLAZON_WORKERS: expected a whole number from 1 to 16, got "0"/],
    ['BLAZON_WORKERS', '17', /from 1 to 16/],
    ['BLAZON_WORKERS', 'two', /from 1 to 16/],
    ['BLAZON_WORKERS', '-1', /from 1 to 16/],
    ['BLAZON_WORKERS', '1.5', /from 1 to 16/],
  ]
  for (const [name, value, why] of refused) {
    it(`refuses ${name}=${value}`, () => {
      const [problem] = problemsOf({ ...whole, [name]: value })
      expect(problem).to.match(why)
      expect(problem?.startsWith(name)).to.equal(true)
    })
  }

  it('shows no join token, however it is printed', () => {
    const config = readSidecarConfig(whole)
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9 })]) {
      expect(text).to.not.include('eyJ0b2tlbiI')
    }
  })
})

describe('the choice of evidence', () => {
  const { BLAZON_JOIN_TOKEN, ...without } = whole
  const token = { BLAZON_JOIN_TOKEN }
  const files = { BLAZON_X509_CHAIN: '/etc/chain.pem', BLAZON_X509_KEY: '/etc/key.pem' }
  const cases: readonly (readonly [
    what: string,
    environment: Readonly<Record<string, string>>,
    kind: string,
  ])[] = [
    ['a join token where there is one', token, 'join-token'],
    ['whatever the instance can show where nothing is said', {}, 'automatic'],
    ['the signed document where it is asked for', { BLAZON_EVIDENCE: 'aws-iid' }, 'aws-iid'],
    [
      'the signed document even beside a join token',
      { ...token, BLAZON_EVIDENCE: 'aws-iid' },
      'aws-iid',
    ],
    ['a certificate where it is asked for', { ...files, BLAZON_EVIDENCE: 'x509' }, 'x509'],
  ]
  for (const [what, environment, kind] of cases) {
    it(`is ${what}`, () => {
      expect(readSidecarConfig({ ...without, ...environment }).evidence.kind).to.equal(kind)
    })
  }

  const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ BLAZON_EVIDENCE: 'join-token' }, /^BLAZON_JOIN_TOKEN: required/],
    [{ BLAZON_EVIDENCE: 'x509' }, /^BLAZON_X509_CHAIN: required/],
    [files, /^BLAZON_X509_CHAIN: expected only with BLAZON_EVIDENCE=x509/],
    [{ ...files, ...token }, /^BLAZON_X509_CHAIN: expected only with BLAZON_EVIDENCE=x509/],
  ]
  for (const [environment, why] of refused) {
    const said = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    it(`refuses ${said.join(' ')} without what goes with it`, () => {
      expect(problemsOf({ ...without, ...environment })[0]).to.match(why)
    })
  }
})
