import type { Rule, ValueSet } from './rule.ts'

/** How long a place that nothing is exchanged with is still counted, in seconds. */
export const countedSeconds = 60

/** What of a packet is looked up in a set, by protocol and family. */
interface Flavour {
  readonly name: 'udp4' | 'udp6' | 'icmp4' | 'icmp6'
  readonly words: string
  readonly type: string
  /** Matches of a packet that goes out, and of one that comes in, beyond the key. */
  readonly out: readonly string[]
  readonly in: readonly string[]
  readonly keyOut: string
  readonly keyIn: string
}

const udp = { out: [], in: [] }

/** Of ICMP only echo: with other types a machine tells others about routes, time and itself. */
const flavours: readonly Flavour[] = [
  {
    ...{ name: 'udp4', words: 'UDP, IPv4', type: 'ipv4_addr . inet_service', ...udp },
    ...{ keyOut: 'ip daddr . udp dport', keyIn: 'ip saddr . udp sport' },
  },
  {
    ...{ name: 'udp6', words: 'UDP, IPv6', type: 'ipv6_addr . inet_service', ...udp },
    ...{ keyOut: 'ip6 daddr . udp dport', keyIn: 'ip6 saddr . udp sport' },
  },
  {
    ...{ name: 'icmp4', words: 'ping, IPv4', type: 'ipv4_addr' },
    ...{ out: ['icmp type echo-request'], in: ['icmp type echo-reply'] },
    ...{ keyOut: 'ip daddr', keyIn: 'ip saddr' },
  },
  {
    ...{ name: 'icmp6', words: 'ping, IPv6', type: 'ipv6_addr' },
    ...{ out: ['icmpv6 type echo-request'], in: ['icmpv6 type echo-reply'] },
    ...{ keyOut: 'ip6 daddr', keyIn: 'ip6 saddr' },
  },
]

/** The set of places that datagrams may go to. Only the gate fills it, and what it holds ends by itself. */
export function allowedSet(port: number, isV6: boolean): string {
  return `datagrams_${port === 0 ? 'icmp' : 'udp'}${isV6 ? '6' : '4'}`
}

/** Sets of places, by what is counted in them. */
export const countedSets: readonly {
  readonly direction: 'sent' | 'received'
  readonly name: string
}[] = flavours.flatMap(({ name }) =>
  (['sent', 'received'] as const).map((direction) => ({ direction, name: `${direction}_${name}` })),
)

export const datagramSets: readonly ValueSet[] = flavours.flatMap(({ name, type }) => [
  { name: `datagrams_${name}`, type, kind: 'filled' },
  { name: `sent_${name}`, type, kind: 'counted' },
  { name: `received_${name}`, type, kind: 'counted' },
])

/**
 * Each packet is looked up, not only the first of a flow: what is not allowed any more ends at once. They are
 * asked before connections that were let through, and mark none. A set that is full counts nothing more, and
 * lets pass all the same: that is why counting is a rule of its own.
 */
export const sentDatagrams: readonly Rule[] = flavours.flatMap((flavour) => {
  const { name, words, keyOut } = flavour
  // An answer to a stranger, who has sent first, is none of what policy has let the workload begin.
  const matches = ['ct direction original', ...flavour.out, `${keyOut} @datagrams_${name}`]
  return pair(`allowed datagrams (${words})`, matches, `sent_${name}`, keyOut)
})

/** Answers: from where datagrams may go, to what the workload has sent from here. */
export const receivedDatagrams: readonly Rule[] = flavours.flatMap((flavour) => {
  const { name, words, keyIn } = flavour
  const matches = [
    ...['ct direction reply', 'ct state established', ...flavour.in],
    `${keyIn} @datagrams_${name}`,
  ]
  return pair(`answers to datagrams (${words})`, matches, `received_${name}`, keyIn)
})

function pair(name: string, matches: readonly string[], set: string, key: string): Rule[] {
  return [
    { name: `counted: ${name}`, matches, outcome: { kind: 'count', set, key } },
    { name, matches, outcome: { kind: 'accept' } },
  ]
}
