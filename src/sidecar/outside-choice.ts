import { addressBytes } from '../base/network.ts'
import type { TrustProfile } from '../identity/trust-profile.ts'
import {
  earlier,
  isInForce,
  isNameOf,
  isNeverOutside,
  unlistedName,
  unlistedProfile,
  type ExternalPeer,
  type HttpRequest,
  type Passage,
} from '../policy/index.ts'
import type { FlowDirection } from './flow-recorder.ts'
import { deny, judge, type Judgement, type Standing } from './judgement.ts'
import type { NamedPeer } from './outside-world.ts'

/**
 * What an address is to this workload (PROTOCOL §5).
 *
 * - `outside`: policy lets it be reached, or reach here, in clear.
 * - `mesh`: a workload's: only tunnels.
 * - `neither`: only tunnels as well; `denial` says why it is not outside where a service covers it.
 */
export type OutsideChoice =
  | {
      readonly kind: 'outside'
      readonly name: string
      readonly judgement: Judgement
      /** It reads requests and passes them on: here, too, each is read (PROTOCOL §7). */
      readonly isBalancer: boolean
    }
  | { readonly kind: 'mesh' }
  | { readonly kind: 'neither'; readonly denial: Judgement | undefined }

/** One connection, as far as it matters whether it may be one with the outside. */
export interface OutsideQuestion {
  readonly direction: FlowDirection
  /** Of the other end, in canonical form. */
  readonly address: string
  /** What policy is asked about. */
  readonly port: number
  /** One request in that connection, where it is about that. */
  readonly request?: HttpRequest
  /** The names that the address had when the connection began: what is open outlives an answer of DNS. */
  readonly names?: readonly string[]
  /** The server that its TLS client asks for; undefined where that is not known, or where it is no such client. */
  readonly serverName?: string | undefined
}

/**
 * Goes by pushed state alone, and costs no look at the network: what the address is, and what policy
 * says of the services that cover it. Of several services a denial of any counts, then an allow.
 */
export function chooseOutside(standing: Standing, question: OutsideQuestion): OutsideChoice {
  const { outside } = standing
  const { direction, address, port, request } = question
  if (outside.isMesh(address)) return { kind: 'mesh' }
  const { peers, isUnnamed } = peersOf(standing, question)
  const ask = (profile: TrustProfile, passage?: Passage): Judgement =>
    judge(standing, direction, profile, port, request, passage)
  if (peers.length === 0) {
    const denial = isUnnamed ? deny('wrong-server-name') : undefined
    return chooseUnlisted(address, ask, denial)
  }
  let allowed: Omit<Extract<OutsideChoice, { kind: 'outside' }>, 'kind'> | undefined
  let undecided: Judgement | undefined
  for (const { service, profile } of peers) {
    const { name, spec } = service
    const isBalancer = spec.l7
    const judgement = ask(profile, isBalancer && direction === 'ingress' ? 'tokenless' : 'direct')
    if (judgement.verdict === 'allow') {
      const deadline = earlier(judgement.deadline, spec.expires ?? Infinity)
      // What is a balancer by any service that is allowed is read as one.
      const isFirst = allowed === undefined || (isBalancer && !allowed.isBalancer)
      if (isFirst) allowed = { name, judgement: { ...judgement, deadline }, isBalancer }
    } else if (isOpen(judgement)) undecided ??= judgement
    else return { kind: 'neither', denial: judgement }
  }
  return allowed === undefined
    ? { kind: 'neither', denial: undecided }
    : { kind: 'outside', ...allowed }
}

/** Denied for want of an allow, not by something that denies. */
function isOpen({ reason }: Judgement): boolean {
  return reason === 'no-policy-matched' || reason === 'token-missing'
}

/** Whether it takes the name that a TLS client asks for to tell which services are meant. */
export function hangsOnServerName(standing: Standing, question: OutsideQuestion): boolean {
  return namedPeers(standing, question).some(({ asksForServerName }) => asksForServerName)
}

/** The services that are meant; `isUnnamed`: there are others, but the client asks for none of their names. */
function peersOf(
  standing: Standing,
  question: OutsideQuestion,
): { readonly peers: readonly ExternalPeer[]; readonly isUnnamed: boolean } {
  const { outside, now } = standing
  const { direction, address, port, serverName } = question
  // A peer that connects from a service may do so from any port.
  const covering = outside
    .covering(address, direction === 'egress' ? port : undefined)
    .filter(({ service }) => isInForce(service, now))
  const named = namedPeers(standing, question)
  const meant = named.filter(
    ({ service, asksForServerName }) =>
      !asksForServerName || (serverName !== undefined && isNameOf(service, serverName)),
  )
  const others = meant.filter(({ service }) => covering.every((peer) => peer.service !== service))
  return { peers: [...covering, ...others], isUnnamed: meant.length < named.length }
}

/** Names say where a connection goes; who comes from an address goes by that alone. */
function namedPeers(
  { outside, now }: Standing,
  { direction, address, port, names = [] }: OutsideQuestion,
): readonly NamedPeer[] {
  if (direction === 'ingress') return []
  return outside.named(address, port, names).filter(({ service }) => isInForce(service, now))
}

/** An address that no service covers is outside only under an Observe that says so. */
function chooseUnlisted(
  address: string,
  ask: (profile: TrustProfile) => Judgement,
  denial: Judgement | undefined,
): OutsideChoice {
  const bytes = addressBytes(address)
  if (bytes === undefined || isNeverOutside(bytes)) return { kind: 'neither', denial }
  const judgement = ask(unlistedProfile)
  if (judgement.verdict === 'deny') return { kind: 'neither', denial }
  return { kind: 'outside', name: unlistedName, judgement, isBalancer: false }
}

/** The word on a connection with the outside that is open: what would be decided about a new one. */
export function judgeOutside(standing: Standing, question: OutsideQuestion): Judgement {
  const choice = chooseOutside(standing, question)
  switch (choice.kind) {
    case 'outside':
      return choice.judgement
    case 'mesh':
      // The next attempt goes by tunnel.
      return deny(question.direction === 'egress' ? 'encryption-required' : 'mesh-peer-in-clear')
    case 'neither':
      return choice.denial ?? deny('no-policy-matched')
    default:
      return choice satisfies never
  }
}

/** Whether the peer of a connection that policy allows is a balancer. */
export function isBalancer(standing: Standing, question: OutsideQuestion): boolean {
  const choice = chooseOutside(standing, question)
  return choice.kind === 'outside' && choice.isBalancer
}
