import { expect } from 'chai'
import { addressList, cidrList, noAddresses } from '../../../src/intercept/address-list.ts'
import { defaultOptions, type ResolvedOptions } from '../../../src/intercept/options.ts'
import type { Chain } from '../../../src/intercept/rule.ts'
import { buildRuleSet, ruleSetText } from '../../../src/intercept/rule-set.ts'
import { expectGolden } from '../../support/golden.ts'

const never = { name: '', matches: [], outcome: { kind: 'drop' } } as const
const plain = { ...defaultOptions, resolvers: noAddresses }
const everything: ResolvedOptions = {
  ...defaultOptions,
  excludePorts: [22, 9_100],
  excludeCidrs: cidrList('192.0.2.0/24,fd01::/16'),
  resolvers: addressList('10.0.0.2,fd00::53'),
}

function chain(name: string, options = everything): Chain {
  const found = buildRuleSet(options).chains.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no chain ${name}`)
  return found
}

const ownNames: ResolvedOptions = { ...everything, dnsPort: 'off' }
const names = (name: string, options = everything): string[] =>
  chain(name, options).rules.map((rule) => rule.name)

describe('buildRuleSet()', () => {
  it('is what docs and reviewers see', () => {
    expectGolden('intercept/default.nft', ruleSetText(buildRuleSet(plain)))
    expectGolden('intercept/everything.nft', ruleSetText(buildRuleSet(everything)))
  })

  it('looks each datagram up where there is a gate for them, and only there', () => {
    expectGolden(
      'intercept/datagrams.nft',
      ruleSetText(buildRuleSet({ ...plain, datagrams: true })),
    )
    for (const { rules } of buildRuleSet(plain).chains) {
      expect(rules.flatMap(({ matches }) => matches).join()).to.not.contain('@')
    }
  })

  it('asks for no mark of a datagram, and leaves none by which a later one would pass', () => {
    for (const name of ['egress', 'ingress']) {
      const { rules } = chain(name, { ...everything, datagrams: true })
      const ours = rules.filter(({ matches }) => matches.some((match) => match.includes('@')))
      expect(ours).to.have.length(8)
      for (const rule of ours) expect(rule.marks).to.equal(undefined)
      const known = rules.findIndex((rule) => rule.name === 'connections let through before')
      expect(rules.indexOf(ours[7] ?? never)).to.be.lessThan(known)
    }
  })

  it('sends questions for names to the sidecar where it answers them, and nowhere else', () => {
    const resolvers = chain('egress_capture').rules.filter(({ name }) =>
      name.startsWith('resolvers'),
    )
    expect(resolvers.map(({ outcome }) => outcome)).to.deep.equal([
      { kind: 'redirect', port: 15_053 },
      { kind: 'redirect', port: 15_053 },
    ])
    const passing = names('egress')
    expect(passing).to.include('captured names')
    expect(passing.filter((name) => name.startsWith('resolvers'))).to.deep.equal([])
  })

  it('lets programs ask the resolvers themselves where the sidecar does not answer', () => {
    expectGolden('intercept/own-names.nft', ruleSetText(buildRuleSet(ownNames)))
  })

  it('drops both ways whatever no rule names', () => {
    for (const name of ['egress', 'ingress']) expect(chain(name).policy).to.equal('drop')
  })

  it('refuses metadata services before anything that is excluded', () => {
    for (const name of ['egress_capture', 'egress']) {
      const order = names(name, ownNames)
      const metadata = order.indexOf('metadata services (IPv4)')
      expect(metadata).to.be.greaterThan(-1)
      expect(metadata).to.be.lessThan(order.indexOf('excluded networks (IPv4)'))
      expect(metadata).to.be.lessThan(order.indexOf('resolvers (IPv4)'))
    }
  })

  it('lets only who has both ids of the sidecar out as it is', () => {
    const rule = chain('egress').rules.find(({ name }) => name === 'the sidecar')
    expect(rule?.matches).to.deep.equal(['meta skuid 1337', 'meta skgid 1337'])
  })

  it('tells the sidecar, and nobody else, that it is there', () => {
    const [first] = chain('egress').rules
    expect(first?.matches).to.deep.equal([
      ...['meta skuid 1337', 'meta skgid 1337', 'ip daddr 127.0.0.1', 'tcp dport 1'],
    ])
    expect(first?.outcome).to.deep.equal({ kind: 'prohibit' })
  })

  it('refuses the sidecar dialled directly before loopback passes', () => {
    const order = names('egress')
    expect(order.indexOf('captured')).to.be.lessThan(order.indexOf('the sidecar dialled directly'))
    expect(order.indexOf('the sidecar dialled directly')).to.be.lessThan(
      order.indexOf('within this machine'),
    )
  })

  it('names each rule of a chain differently, in characters that nft takes as they are', () => {
    for (const { rules } of buildRuleSet({ ...everything, datagrams: true }).chains) {
      const all = rules.map((rule) => rule.name)
      expect(new Set(all).size).to.equal(all.length)
      for (const name of all) expect(name).to.match(/^[A-Za-z0-9():, -]{1,100}$/)
    }
  })

  it('has the same rules for both families', () => {
    for (const { rules } of buildRuleSet(everything).chains) {
      const of = (family: string): string[] =>
        rules
          .filter(({ name }) => name.endsWith(`(${family})`))
          .map(({ name }) => name.slice(0, -family.length - 2))
      expect(of('IPv6')).to.deep.equal(of('IPv4'))
    }
  })
})
