import type { AddressList } from './address-list.ts'
import { anyOf, connectionMark, type Rule } from './rule.ts'

/** One rule for each family that the list has addresses of. `side` is the end that must be among them. */
export function addressRules(
  list: AddressList,
  side: 'saddr' | 'daddr',
  rule: Omit<Rule, 'matches'> & { readonly matches?: readonly string[] },
): Rule[] {
  const families = [
    { name: `${rule.name} (IPv4)`, match: `ip ${side} ${anyOf(list.v4)}`, count: list.v4.length },
    { name: `${rule.name} (IPv6)`, match: `ip6 ${side} ${anyOf(list.v6)}`, count: list.v6.length },
  ]
  return families
    .filter(({ count }) => count > 0)
    .map(({ name, match }) => ({ ...rule, name, matches: [match, ...(rule.matches ?? [])] }))
}

/** A packet that begins a connection. In its middle, what these rules have not let begin is not let in. */
export const opensConnection = 'tcp flags & (fin | syn | rst | ack) == syn'

/** What belongs to connections that the rules have let through, errors about them included. */
export const knownConnections: Rule = {
  name: 'connections let through before',
  matches: [`ct mark ${String(connectionMark)}`, 'ct state established,related'],
  outcome: { kind: 'accept' },
}

/** Without these neither path discovery nor IPv6 works; none of them carries a program's data unprivileged. */
export const networkUpkeep: readonly Rule[] = [
  {
    name: 'errors (ICMP)',
    matches: ['icmp type { destination-unreachable, time-exceeded, parameter-problem }'],
    outcome: { kind: 'accept' },
  },
  {
    name: 'errors (ICMPv6)',
    matches: [
      'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }',
    ],
    outcome: { kind: 'accept' },
  },
  {
    name: 'neighbour discovery',
    matches: [
      'icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }',
      // RFC 4861: no router lets such a packet pass with this limit.
      'ip6 hoplimit 255',
    ],
    outcome: { kind: 'accept' },
  },
  {
    // A switch that snoops multicast delivers solicitations only to who has reported.
    name: 'multicast listeners of neighbour discovery',
    matches: [
      'icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report }',
      'ip6 hoplimit 1',
    ],
    outcome: { kind: 'accept' },
  },
]

const protocols = [
  ['tcp', 'meta l4proto tcp'],
  ['udp', 'meta l4proto udp'],
  ['icmp', 'meta l4proto { icmp, icmpv6 }'],
] as const

/** The end of a chain: whatever is left is counted by protocol and refused. */
export function refusals(
  direction: 'out' | 'in',
  outcome: (protocol: 'tcp' | 'udp' | 'icmp' | 'other') => Rule['outcome'],
): Rule[] {
  const of = (protocol: 'tcp' | 'udp' | 'icmp' | 'other', matches: readonly string[]): Rule => ({
    name: `refused: ${protocol}`,
    matches,
    counter: `refused_${direction}_${protocol}`,
    outcome: outcome(protocol),
  })
  return [...protocols.map(([protocol, match]) => of(protocol, [match])), of('other', [])]
}
