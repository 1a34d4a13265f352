import { expect } from 'chai'
import {
  adminId,
  adminRoleOf,
  adminRoles,
  controllerId,
  isReservedPath,
  nodeId,
} from '../../../src/identity/reserved-path.ts'
import {
  parseSpiffeId,
  parseTrustDomain,
  pathOf,
  spiffeId,
  trustDomainOf,
} from '../../../src/identity/spiffe-id.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

const acme = parseTrustDomain('acme.example')

describe('parseTrustDomain()', () => {
  it('accepts the bare name only', () => {
    expect(parseTrustDomain('a-b_c.9')).to.equal('a-b_c.9')
    for (const text of [
      '',
      'spiffe://acme.example',
      'acme.example/',
      'ACME',
      'a b',
      'a'.repeat(256),
    ]) {
      expectIdentityError('ERR_TRUST_DOMAIN', () => parseTrustDomain(text))
    }
  })
})

describe('parseSpiffeId()', () => {
  it('gives back the trust domain and the path', () => {
    const id = parseSpiffeId('spiffe://acme.example/ns/default/workload/web')
    expect(trustDomainOf(id)).to.equal('acme.example')
    expect(pathOf(id)).to.equal('/ns/default/workload/web')
  })
})

describe('spiffeId()', () => {
  it('refuses a path that would change the trust domain or be empty', () => {
    for (const path of ['', '/', '.evil.example/web', 'web', '/a/', '/../x', '/a?b']) {
      expectIdentityError('ERR_SPIFFE_ID_PATH', () => spiffeId(acme, path))
    }
    expectIdentityError('ERR_SPIFFE_ID_LENGTH', () => spiffeId(acme, `/${'x'.repeat(2048)}`))
  })
})

describe('reserved paths', () => {
  const reserved = ['/blazon', '/blazon/', '/blazon/controller', '/blazon/admin/admin', '/blazon/x']
  const free = ['/blazonx', '/Blazon/controller', '/ns/blazon', '/x/blazon/controller']

  it('are /blazon and everything below it', () => {
    expect(reserved.filter(isReservedPath)).to.deep.equal(reserved)
    expect(free.filter(isReservedPath)).to.deep.equal([])
  })

  it('name the controller, nodes and administrators', () => {
    const hash = 'ab'.repeat(32)
    expect(controllerId(acme)).to.equal('spiffe://acme.example/blazon/controller')
    expect(nodeId(acme, hash)).to.equal(`spiffe://acme.example/blazon/node/${hash}`)
    expect(adminId(acme, 'editor')).to.equal('spiffe://acme.example/blazon/admin/editor')
    expectIdentityError('ERR_SPIFFE_ID_PATH', () => nodeId(acme, '../admin/admin'))
  })

  it('give a role to administrators and to nobody else', () => {
    expect(adminRoles.map((role) => adminRoleOf(adminId(acme, role)))).to.deep.equal([
      ...adminRoles,
    ])
    for (const path of [
      '/blazon/admin',
      '/blazon/admin/root',
      '/blazon/admin/admin/x',
      '/blazon/controller',
    ]) {
      expect(adminRoleOf(spiffeId(acme, path)), path).to.equal(undefined)
    }
  })
})
