import { expect } from 'chai'
import { addressList, noAddresses } from '../../../src/intercept/address-list.ts'
import { InterceptError } from '../../../src/intercept/intercept-error.ts'
import { install } from '../../../src/intercept/intercept.ts'
import type { RunNft } from '../../../src/intercept/nft.ts'
import { defaultOptions } from '../../../src/intercept/options.ts'
import { connectionMark, type Chain, type Rule } from '../../../src/intercept/rule.ts'
import { buildRuleSet, refuseEverything, ruleSetText } from '../../../src/intercept/rule-set.ts'
import { differences } from '../../../src/intercept/verify.ts'

const options = { ...defaultOptions, resolvers: addressList('10.0.0.2'), datagrams: true }
const wanted = buildRuleSet(options)

type Listed = Record<string, Record<string, unknown>>

/** As `nft -j list table` says it; test/scenarios holds this against the real one. */
function listed(chains: readonly Chain[] = wanted.chains): Listed[] {
  return [
    { metainfo: { json_schema_version: 1 } },
    { table: { family: 'inet', name: 'blazon' } },
    ...chains.map(({ name, type, hook, priority: prio, policy }) => ({
      chain: { name, type, hook, prio, policy },
    })),
    ...chains.flatMap(({ name: chain, rules }) =>
      rules.map((rule) => ({ rule: { chain, comment: rule.name, expr: expressions(rule) } })),
    ),
  ]
}

function expressions(rule: Rule): object[] {
  const { outcome } = rule
  const verdicts = {
    reset: { reject: { type: 'tcp reset' } },
    prohibit: { reject: { type: 'icmpx', expr: 'admin-prohibited' } },
    redirect: { redirect: { port: 'port' in outcome ? outcome.port : 0 } },
    accept: { accept: null },
    drop: { drop: null },
    return: { return: null },
    count: {
      set: {
        ...{ op: 'update', elem: { concat: [] }, stmt: [{ counter: null }] },
        set: `@${'set' in outcome ? outcome.set : ''}`,
      },
    },
  }
  return [
    ...rule.matches.map((match) => ({ match: { op: '==', left: match, right: 1 } })),
    ...(rule.marks ? [{ mangle: { key: { ct: { key: 'mark' } }, value: connectionMark } }] : []),
    ...(rule.counter === undefined ? [] : [{ counter: rule.counter }]),
    verdicts[outcome.kind],
  ]
}

/** The list after `change` was done to the rule with this name. */
function altered(name: string, change: (rule: Record<string, unknown>) => void): Listed[] {
  const list = listed()
  const rule = list.find((one) => one['rule']?.['comment'] === name)?.['rule']
  if (rule === undefined) throw new Error(`no rule ${name}`)
  change(rule)
  return list
}

const verify = (nftables: unknown): string[] => differences(wanted, { nftables })

describe('differences()', () => {
  it('finds none where everything is listed', () => {
    expect(verify(listed())).to.deep.equal([])
  })

  it('finds a missing table, whatever the list looks like', () => {
    for (const listing of [undefined, null, [], {}, { nftables: 1 }, { nftables: [1, null] }]) {
      expect(differences(wanted, listing)).to.deep.equal(['no table blazon'])
    }
  })

  it('finds each single rule that is missing', () => {
    const list = listed()
    for (const [index, one] of list.entries()) {
      if (one['rule'] === undefined) continue
      expect(verify(list.toSpliced(index, 1)), String(one['rule']['comment'])).to.not.be.empty
    }
  })

  it('finds a missing chain, a foreign one and one that hangs elsewhere', () => {
    const chains = wanted.chains.slice(1)
    expect(verify(listed(chains))).to.include('chain egress_capture: missing')
    const foreign = { chain: { name: 'other', type: 'filter', hook: 'output' } }
    expect(verify([...listed(), foreign])).to.deep.equal(['chain "other": not one of ours'])
    for (const change of [{ policy: 'accept' }, { prio: 10 }, { hook: 'forward' }]) {
      const list = listed()
      Object.assign(
        list.find((one) => one['chain']?.['name'] === 'egress')?.['chain'] ?? {},
        change,
      )
      expect(verify(list)).to.have.length(1)
    }
  })

  it('finds a table that is dormant', () => {
    const list = listed()
    Object.assign(list[1]?.['table'] ?? {}, { flags: ['dormant'] })
    expect(verify(list)).to.deep.equal(['table blazon: has flags'])
  })

  it('finds a rule too many', () => {
    const extra = { rule: { chain: 'egress', comment: 'all', expr: [{ accept: null }] } }
    expect(verify([...listed(), extra])).to.deep.equal(['chain egress: 1 rules more than expected'])
  })

  it('finds a rule in front of the others', () => {
    const extra = { rule: { chain: 'egress', comment: 'all', expr: [{ accept: null }] } }
    expect(verify([listed()[1], extra, ...listed()])).to.not.be.empty
  })

  const alterations: Readonly<Record<string, (rule: Record<string, unknown>) => void>> = {
    'without one of its matches': (rule) => {
      rule['expr'] = (rule['expr'] as unknown[]).slice(1)
    },
    'with another outcome': (rule) => {
      rule['expr'] = [...(rule['expr'] as unknown[]).slice(0, -1), { drop: null }]
    },
    'with another name': (rule) => {
      rule['comment'] = 'capture '
    },
    'with nothing that nft says about it': (rule) => {
      delete rule['expr']
    },
  }
  for (const [how, change] of Object.entries(alterations)) {
    it(`finds a rule ${how}`, () => {
      expect(verify(altered('capture', change))).to.not.be.empty
    })
  }

  it('finds a redirection to another port', () => {
    const elsewhere = buildRuleSet({ ...options, egressPort: 15_002 })
    expect(differences(elsewhere, { nftables: listed() })).to.not.be.empty
  })
})

describe('install()', () => {
  const failureOf = async (nft: RunNft): Promise<unknown> =>
    await install(options, nft).catch((error: unknown) => error)

  it('refuses everything when the kernel lists something else, and fails', async () => {
    const inputs: string[] = []
    const failure = await failureOf(async (args, input = '') => {
      if (args[0] === '-j') return JSON.stringify({ nftables: listed().slice(0, -1) })
      inputs.push(input)
      return ''
    })
    expect(failure).to.be.instanceOf(InterceptError).with.property('code', 'ERR_VERIFY')
    expect(failure).to.have.property('message').that.contains('everything is refused')
    expect(inputs).to.have.length(2)
    expect(inputs[1]).to.equal(ruleSetText(refuseEverything))
  })

  it('refuses everything when what was loaded cannot be read back', async () => {
    const inputs: string[] = []
    const failure = await failureOf(async (args, input = '') => {
      if (args[0] === '-j') throw new InterceptError('ERR_NFT', 'nft ended with SIGKILL: ')
      inputs.push(input)
      return ''
    })
    expect(failure).to.be.instanceOf(InterceptError).with.property('code', 'ERR_VERIFY')
    expect(inputs[1]).to.equal(ruleSetText(refuseEverything))
  })

  it('says so when everything could not be refused either', async () => {
    let loads = 0
    const failure = await failureOf(async ([first]) => {
      if (first !== '-j' && ++loads > 1) throw new InterceptError('ERR_NFT', 'nft is gone')
      return '{}'
    })
    expect(failure).to.be.instanceOf(InterceptError).with.property('code', 'ERR_VERIFY')
    expect(failure).to.have.property('message').that.contains('could not be refused either')
  })

  it('asks nft for nothing where the options are wrong', async () => {
    const wrong = { ...options, workloadUid: 1337, resolvers: noAddresses }
    const failure: unknown = await install(wrong, () => {
      throw new Error('BUG: nft was run')
    }).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(InterceptError).with.property('code', 'ERR_OPTIONS')
  })
})
