import {
  addressText,
  mergeRanges,
  rangeOf,
  subtractRanges,
  type AddressRange,
} from '../../base/address-ranges.ts'
import {
  datagramLimits,
  type DatagramPlace,
  type DatagramTable,
} from '../../base/datagram-table.ts'
import { networkOf } from '../../base/network.ts'
import {
  earlier,
  isDatagramPort,
  isInForce,
  neverOutside,
  portNumber,
  type ExternalPeer,
  type Port,
} from '../../policy/index.ts'
import { judge, refusalOfNew, type Standing } from '../judgement.ts'

/** Where datagrams of the workload may go now. */
export interface AllowedDatagrams {
  readonly table: DatagramTable
  /** When to ask again, whatever else changes: milliseconds since the epoch. */
  readonly deadline: number | undefined
  /** There is more than a table holds, and so nothing in this one. */
  readonly isTooMuch: boolean
}

const nothing: AllowedDatagrams = { table: [], deadline: undefined, isTooMuch: false }
const staleMs = 1_000
/** Ports that policies name, times external services: each is a decision. */
const mostQuestions = 65_536

/**
 * What policy says of every datagram at once, by the same rules as of one connection (`chooseOutside`): where
 * several services have an address, what denies one denies it, however wide the other is. Addresses of the
 * mesh, and those that are never outside, are left out. Where this sidecar may open nothing new, there is none.
 */
export function allowedDatagrams(standing: Standing): AllowedDatagrams {
  const { own, policy, outside, now } = standing
  if (own === undefined || policy === undefined || refusalOfNew(standing) !== undefined) {
    return nothing
  }
  const ports = new Set(
    policy.policies
      .filter(({ verdict }) => verdict.action === 'allow')
      .flatMap((each) => [...(each.ports ?? [])].filter(isDatagramPort)),
  )
  if (ports.size === 0) return nothing
  if (ports.size * outside.peers.length > mostQuestions) return { ...nothing, isTooMuch: true }
  const peers = outside.peers.filter(({ service }) => isInForce(service, now))
  const never = [
    ...neverOutside.map(rangeOf),
    ...outside.meshAddresses.map((address) => rangeOf({ address, bits: address.length * 8 })),
  ]
  let deadline = earlier(own.notAfter, Infinity)
  const table = [...ports].flatMap((port) => {
    const allowed: AddressRange[] = []
    const denied = [...never]
    for (const { service, profile } of peers.filter((peer) => hasPort(peer, port))) {
      const judgement = judge(standing, 'egress', profile, port)
      deadline = earlier(deadline, judgement.deadline ?? Infinity)
      // Over as soon as the controller is heard again, which no deadline tells.
      if (judgement.reason === 'policy-stale') deadline = earlier(deadline, now + staleMs)
      deadline = earlier(deadline, service.spec.expires ?? Infinity)
      const ranges = (service.spec.cidrs ?? []).map((cidr) => rangeOf(networkOf(cidr)))
      if (judgement.verdict === 'allow') allowed.push(...ranges)
      else if (judgement.reason !== 'no-policy-matched') denied.push(...ranges)
    }
    return subtractRanges(mergeRanges(allowed), denied).map((range) => placeOf(port, range))
  })
  return table.length > datagramLimits.places
    ? { table: [], deadline, isTooMuch: true }
    : { table, deadline, isTooMuch: false }
}

/** The same, remembered for as long as nothing that it rests on changes: it is asked again and again. */
export function rememberAllowedDatagrams(): typeof allowedDatagrams {
  let last: { readonly by: Standing; readonly allowed: AllowedDatagrams } | undefined
  const holds = (standing: Standing): boolean => {
    if (last === undefined || refusalOfNew(standing) !== undefined) return false
    const { by, allowed } = last
    return (
      (['own', 'policy', 'outside', 'floors', 'deniesNew'] as const).every(
        (part) => by[part] === standing[part],
      ) && standing.now < (allowed.deadline ?? Infinity)
    )
  }
  return (standing) => {
    if (last === undefined || !holds(standing)) {
      last = { by: standing, allowed: allowedDatagrams(standing) }
    }
    return last.allowed
  }
}

function placeOf(port: Port, { bytes, first, last }: AddressRange): DatagramPlace {
  const [from, to] = [addressText(first, bytes), addressText(last, bytes)]
  return { port: portNumber(port), first: from, last: to }
}

function hasPort({ service }: ExternalPeer, port: Port): boolean {
  return service.spec.ports?.includes(port) ?? true
}
