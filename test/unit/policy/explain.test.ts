import { expect } from 'chai'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import type { Provenance } from '../../../src/identity/provenance.ts'
import {
  compilePolicies,
  explain,
  parseDocuments,
  type Explanation,
} from '../../../src/policy/index.ts'

const profileOf = (
  attributes: Record<string, string>,
  provenance: Provenance = 'assigned',
): TrustProfile =>
  createProfile(Object.entries(attributes).map(([key, value]) => ({ key, value, provenance })))
    .profile

const webToDb = {
  from: { 'label.app': 'web' },
  to: { 'label.app': 'orders-db' },
  ports: ['tcp/5432'],
  action: 'allow',
}
const web = profileOf({ 'label.app': 'web' })
const ordersDb = profileOf({ 'label.app': 'orders-db' })

function ask(
  specs: Record<string, object>,
  { from = web, to = ordersDb, port = 5432, now = 0 } = {},
): Explanation {
  const documents = Object.entries(specs).map(([name, spec]) => ({
    kind: 'NetworkPolicy',
    name,
    spec,
  }))
  return explain(compilePolicies(parseDocuments(JSON.stringify(documents))), {
    from,
    to,
    port,
    now,
  })
}

describe('explain()', () => {
  it('says why an allow matched', () => {
    const { verdict, policies, nearestMiss } = ask({ 'web-to-db': webToDb })
    expect(verdict).to.include({ action: 'allow', policy: 'web-to-db' })
    expect(policies[0]?.because).to.equal(
      'from has label.app=web; to has label.app=orders-db; the port is tcp/5432',
    )
    expect(nearestMiss).to.equal(undefined)
  })

  const misses: Record<string, readonly [Parameters<typeof ask>, string]> = {
    'another value': [
      [{ 'web-to-db': webToDb }, { to: profileOf({ 'label.app': 'orders' }) }],
      'policy web-to-db would allow this if to had label.app=orders-db; it has label.app=orders',
    ],
    'an absent key': [
      [{ 'web-to-db': webToDb }, { from: profileOf({}) }],
      'policy web-to-db would allow this if from had label.app=web; it has no label.app',
    ],
    'a weak provenance': [
      [{ 'web-to-db': webToDb }, { from: profileOf({ 'label.app': 'web' }, 'claimed') }],
      'policy web-to-db would allow this if from had label.app=web; it has label.app=web, but only claimed where observed is asked for',
    ],
    'another port': [
      [{ 'web-to-db': webToDb }, { port: 80 }],
      'policy web-to-db would allow this if the port were tcp/5432; it is tcp/80',
    ],
    'two things': [
      [{ 'web-to-db': webToDb }, { from: profileOf({ 'label.app': 'api' }), port: 80 }],
      'policy web-to-db would allow this if from had label.app=web (it has label.app=api) and the port were tcp/5432 (it is tcp/80)',
    ],
    'an end in time': [
      [{ p: { ...webToDb, expires: '2027-01-31T00:00:00Z' } }, { now: Date.UTC(2028, 0, 1) }],
      'policy p would allow this if it had not expired; it expired at 2027-01-31T00:00:00.000Z',
    ],
    'mode observe': [
      [{ p: { ...webToDb, mode: 'observe' } }, {}],
      'policy p would allow this if its mode were enforce; it is observe',
    ],
    'untrusted text': [
      [
        { p: { ...webToDb, to: { 'label.app': 'a' } } },
        { to: profileOf({ 'label.app': 'x\u202ey z' }) },
      ],
      'policy p would allow this if to had label.app=a; it has label.app="x\u202ey z"',
    ],
    'no policy at all': [[{}], 'there is no policy that allows anything'],
    'a deny over an allow': [
      [{ 'web-to-db': webToDb, stop: { from: {}, to: {}, action: 'deny' } }, {}],
      'policy web-to-db would allow this if policy stop did not deny it',
    ],
    'a deny alone': [
      [{ stop: { from: {}, to: {}, action: 'deny' } }, {}],
      'policy stop denies this, whatever other policies allow',
    ],
  }
  for (const [what, [question, says]] of Object.entries(misses)) {
    it(`names the nearest miss: ${what}`, () => {
      expect(ask(...question).nearestMiss).to.equal(says)
    })
  }

  it('prefers the policy that is about this pair over one that is about everybody', () => {
    const dns = { from: {}, to: { 'label.app': 'dns' }, action: 'allow' }
    const { nearestMiss } = ask({ a: dns, z: { ...webToDb, to: { 'label.app': 'db' } } })
    expect(nearestMiss).to.match(/^policy z /)
  })

  it('lists the deciding policy first, then matches, then the rest by nearness', () => {
    const { policies } = ask({
      far: { from: { 'label.app': 'x' }, to: { 'label.app': 'y' }, action: 'allow' },
      near: { from: { 'label.app': 'web' }, to: { 'label.app': 'y' }, action: 'allow' },
      loose: { ...webToDb, encryption: 'none' },
      strict: webToDb,
    })
    expect(policies.map(({ name }) => name)).to.deep.equal(['strict', 'loose', 'near', 'far'])
    expect(policies.map(({ matched }) => matched)).to.deep.equal([true, true, false, false])
  })
})
