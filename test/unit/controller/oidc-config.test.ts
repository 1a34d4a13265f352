import { expect } from 'chai'
import { parseOidcConfig } from '../../../src/controller/index.ts'

const right = {
  issuer: 'https://login.acme.example',
  audience: 'blazon',
  roles: { claim: 'groups', admin: ['ops'] },
}
const read = (change: object): unknown =>
  parseOidcConfig(JSON.stringify({ issuers: [{ ...right, ...change }] }))

describe('parseOidcConfig()', () => {
  it('reads the least there can be', () => {
    const [issuer] = parseOidcConfig(JSON.stringify({ issuers: [right] }))
    expect(issuer).to.deep.include({
      issuer: 'https://login.acme.example',
      audience: 'blazon',
      algorithms: ['ES256', 'RS256', 'EdDSA'],
      roleClaim: ['groups'],
      nameClaim: 'sub',
      allowLoopbackHttp: false,
      jwksUri: undefined,
      type: undefined,
    })
  })

  const faults: readonly (readonly [object, string])[] = [
    [{ issuer: 'http://login.acme.example' }, 'issuers[0].issuer: expected https://'],
    [{ issuer: 'http://127.0.0.1:8080' }, 'issuers[0].issuer: expected https://'],
    [
      { issuer: 'http://login.acme.example', allowLoopbackHttp: true },
      'issuers[0].issuer: expected https://',
    ],
    [
      { issuer: 'http://127.0.0.1.evil.example', allowLoopbackHttp: true },
      'issuers[0].issuer: expected https://',
    ],
    [
      { issuer: 'https://u:p@acme.example' },
      'issuers[0].issuer: expected a URL without credentials',
    ],
    [{ issuer: 'nowhere' }, 'issuers[0].issuer: expected a URL'],
    [{ jwksUri: 'http://acme.example/keys' }, 'issuers[0].jwksUri: expected https://'],
    [{ audience: '' }, 'issuers[0].audience: expected text'],
    [{ audience: undefined }, 'issuers[0].audience: expected text'],
    [{ algorithms: ['none'] }, 'issuers[0].algorithms: expected some of ES256, RS256, EdDSA'],
    [{ algorithms: ['HS256'] }, 'issuers[0].algorithms: expected some of'],
    [{ algorithms: [] }, 'issuers[0].algorithms: expected a list'],
    [{ roles: { claim: 'groups' } }, 'issuers[0].roles: expected values for'],
    [{ roles: { claim: 'groups', root: ['a'] } }, 'issuers[0].roles: unknown field "root"'],
    [{ roles: { admin: ['a'] } }, 'issuers[0].roles.claim: expected'],
    [{ audiance: 'blazon' }, 'issuers[0]: unknown field "audiance"'],
    [{ allowLoopbackHttp: 'yes' }, 'issuers[0].allowLoopbackHttp: expected true or false'],
  ]
  for (const [change, message] of faults) {
    it(`refuses ${JSON.stringify(change)}`, () => {
      expect(() => read(change)).to.throw(message)
    })
  }

  it('refuses no issuer, and one twice', () => {
    expect(() => parseOidcConfig('{"issuers":[]}')).to.throw('expected a list')
    expect(() => parseOidcConfig(JSON.stringify({ issuers: [right, right] }))).to.throw('once')
    expect(() => parseOidcConfig('[')).to.throw('expected JSON')
  })
})
