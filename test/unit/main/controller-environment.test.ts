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

  const faults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    BLAZON_TRUST_DOMAIN: { BLAZON_TRUST_DOMAIN: 'Acme' },
    BLAZON_LISTEN: { BLAZON_LISTEN: 'here' },
    BLAZON_SVID_TTL: { BLAZON_SVID_TTL: '25h' },
    BLAZON_MIN_SVID_TTL: { BLAZON_MIN_SVID_TTL: '2h' },
    BLAZON_LOG_LEVEL: { BLAZON_LOG_LEVEL: 'loud' },
    BLAZON_DATADIR: { BLAZON_DATADIR: '/data' },
  }
  for (const [name, fault] of Object.entries(faults)) {
    it(`names ${name} when it is wrong`, () => {
      const read = (): unknown => readControllerEnvironment({ ...least, ...fault })
      expect(read).to.throw(ConfigError, name)
    })
  }
})
