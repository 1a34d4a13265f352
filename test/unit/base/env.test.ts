import { expect } from 'chai'
import {
  ConfigError,
  duration,
  formatHostPort,
  hostPort,
  integer,
  readEnvironment,
  text,
} from '../../../src/base/env.ts'

describe('readEnvironment()', () => {
  it('reads what is there and falls back where it is not', () => {
    const env = readEnvironment({ X_NAME: 'web', X_TTL: '90s' }, 'X_')
    expect(env.required('X_NAME', text)).to.equal('web')
    expect(env.fallback('X_TTL', duration, 1)).to.equal(90_000)
    expect(env.fallback('X_PORT', integer(1, 65_535), 8080)).to.equal(8080)
    expect(env.optional('X_OTHER', text)).to.equal(undefined)
    env.finish()
  })

  it('reports every problem at once, and variables nobody knows', () => {
    const env = readEnvironment({ X_TTL: 'soon', X_TYPO: '1', OTHER: 'ignored' }, 'X_')
    env.required('X_NAME', text)
    env.fallback('X_TTL', duration, 1)
    expect(() => {
      env.finish()
    })
      .to.throw(ConfigError)
      .with.property('problems')
      .that.deep.equals([
        'X_NAME: required, but not set',
        'X_TTL: expected a duration such as 30s, 15m or 1h, got "soon"',
        'X_TYPO: not a known variable',
      ])
  })
})

describe('value forms', () => {
  for (const bad of ['', '-1', '1.5', '0x10', '65536', ' 1']) {
    it(`integer() refuses ${JSON.stringify(bad)}`, () => {
      expect(() => integer(0, 65_535)(bad)).to.throw(/expected a whole number from 0 to 65535/)
    })
  }

  for (const bad of ['localhost', ':80', '::1:80', '[::1]', 'a:99999', 'a b:1', 'a:']) {
    it(`hostPort() refuses ${JSON.stringify(bad)}`, () => {
      expect(() => hostPort(bad)).to.throw(/expected host:port/)
    })
  }

  for (const good of ['10.0.0.1:5432', '[::1]:80', 'db.example:1']) {
    it(`hostPort() and formatHostPort() agree on ${good}`, () => {
      expect(formatHostPort(hostPort(good))).to.equal(good)
    })
  }
})
