import { expect } from 'chai'
import { ConfigError } from '../../../src/base/env.ts'
import { readControllerEnvironment } from '../../../src/main/controller.ts'

describe('readControllerEnvironment()', () => {
  const least = { BLAZON_TRUST_DOMAIN: 'acme.example', BLAZON_DATA_DIR: '/data' }

  it('needs a trust domain and a directory, and no more', () => {
    const config = readControllerEnvironment(least)
    expect(config).to.deep.include({
      trustDomain: 'acme.example',
      dataDirectory: '/data',
      svidTtlMs: 3_600_000,
      minSvidTtlMs: 300_000,
      logLevel: 'info',
    })
    expect(config.listen).to.deep.equal({ host: '0.0.0.0', port: 7443 })
    expect(config.metricsListen).to.deep.equal({ host: '127.0.0.1', port: 7445 })
  })

  it('takes a rate of enrolments, with four seconds of it at once', () => {
    const { limits } = readControllerEnvironment({ ...least, BLAZON_ENROLMENT_RATE: '500' })
    expect(limits).to.deep.equal({ enrolmentPerSecond: 500, enrolmentBurst: 2_000 })
  })

  it('takes how long and how many flows are kept', () => {
    const { limits, timings } = readControllerEnvironment({
      ...least,
      BLAZON_FLOWS_KEPT: '36h',
      BLAZON_FLOWS_MEBIBYTES: '256',
    })
    expect(timings).to.deep.equal({ flowsKeptMs: 36 * 3_600_000 })
    expect(limits).to.deep.equal({ flowsBytes: 256 * 1024 ** 2 })
  })

  it('serves the gateway on loopback, elsewhere where it is told to, and not where it is off', () => {
    const gatewayOf = (change: Readonly<Record<string, string>>): unknown =>
      readControllerEnvironment({ ...least, ...change }).gateway
    expect(gatewayOf({})).to.deep.equal({
      listen: { host: '127.0.0.1', port: 7444 },
      origins: [],
      certificate: undefined,
      plainHttp: false,
    })
    const origins = 'https://console.acme.example, https://other.acme.example:7444'
    expect(
      gatewayOf({ BLAZON_GATEWAY_LISTEN: '0.0.0.0:443', BLAZON_GATEWAY_ORIGINS: origins }),
    ).to.deep.include({ origins: origins.split(', ') })
    expect(gatewayOf({ BLAZON_GATEWAY_LISTEN: 'off' })).to.equal(undefined)
  })

  it('takes OIDC issuers as JSON or from a file', () => {
    const json = JSON.stringify({
      issuers: [
        { issuer: 'https://a.example', audience: 'b', roles: { claim: 'c', viewer: ['d'] } },
      ],
    })
    const { oidc } = readControllerEnvironment({ ...least, BLAZON_OIDC: json })
    expect(oidc).to.have.length(1)
    const missing = (): unknown =>
      readControllerEnvironment({ ...least, BLAZON_OIDC: '/nowhere/oidc.json' })
    expect(missing).to.throw(ConfigError, 'BLAZON_OIDC')
  })

  const faults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    BLAZON_TRUST_DOMAIN: { BLAZON_TRUST_DOMAIN: 'Acme' },
    BLAZON_LISTEN: { BLAZON_LISTEN: 'here' },
    BLAZON_SVID_TTL: { BLAZON_SVID_TTL: '25h' },
    BLAZON_MIN_SVID_TTL: { BLAZON_MIN_SVID_TTL: '2h' },
    BLAZON_ENROLMENT_RATE: { BLAZON_ENROLMENT_RATE: '0' },
    BLAZON_FLOWS_KEPT: { BLAZON_FLOWS_KEPT: 'a week' },
    BLAZON_FLOWS_MEBIBYTES: { BLAZON_FLOWS_MEBIBYTES: '64' },
    BLAZON_LOG_LEVEL: { BLAZON_LOG_LEVEL: 'loud' },
    BLAZON_DATADIR: { BLAZON_DATADIR: '/data' },
    BLAZON_GATEWAY_LISTEN: { BLAZON_GATEWAY_LISTEN: 'on' },
    BLAZON_GATEWAY_ORIGINS: { BLAZON_GATEWAY_ORIGINS: 'https://a.example, http://b.example' },
    BLAZON_GATEWAY_HTTP: { BLAZON_GATEWAY_LISTEN: '0.0.0.0:7444', BLAZON_GATEWAY_HTTP: 'on' },
    BLAZON_GATEWAY_CERT: { BLAZON_GATEWAY_KEY: '/dev/null', BLAZON_GATEWAY_CERT: '' },
    BLAZON_GATEWAY_KEY: { BLAZON_GATEWAY_KEY: '/nowhere/key.pem' },
    BLAZON_OIDC: { BLAZON_OIDC: '{"issuers":[]}' },
  }
  for (const [name, fault] of Object.entries(faults)) {
    it(`names ${name} when it is wrong`, () => {
      const read = (): unknown => readControllerEnvironment({ ...least, ...fault })
      expect(read).to.throw(ConfigError, name)
    })
  }
})
