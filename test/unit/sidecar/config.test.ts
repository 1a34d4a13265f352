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
      BLAZON_EGRESS: '127.0.0.1:15432=10.0.0.2:5432, [::1]:16379=[2001:DB8::2]:6379',
      BLAZON_INGRESS: '10.0.0.2:5432=127.0.0.1:5432',
      BLAZON_ATTRIBUTES: 'app.version=1.2,app.team=a=b',
      BLAZON_METRICS_LISTEN: 'off',
      BLAZON_OUTAGE_GRACE: '1h',
    })
    expect(config.controllers).to.have.lengthOf(2)
    expect(config.egress[1]?.destination).to.deep.equal({ host: '2001:db8::2', port: 6379 })
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

  const refused: readonly (readonly [name: string, value: string, why: RegExp])[] = [
    ['BLAZON_EGRESS', '0.0.0.0:80=10.0.0.2:80', /loopback/],
    ['BLAZON_EGRESS', '10.0.0.1:80=10.0.0.2:80', /loopback/],
    ['BLAZON_EGRESS', '127.0.0.1:80=db:80', /IP address/],
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
    ['BLAZON_WORKLOAD', '../web', /name/],
    ['BLAZON_WORKLOAD', 'Web', /name/],
    ['BLAZON_ATTRIBUTES', 'label.app=web', /app\.\*/],
    ['BLAZON_ATTRIBUTES', 'aws.account=1', /app\.\*/],
    ['BLAZON_ATTRIBUTES', 'app.x', /app\.key=value/],
    ['BLAZON_TRUST_DOMAIN', 'ACME', /trust domain/],
    ['BLAZON_LOG_LEVEL', 'loud', /one of/],
    ['BLAZON_MAX_CONNECTIONS', '0', /whole number/],
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
